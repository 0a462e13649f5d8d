//! Requests to Twilio as our adapters make them.
#![expect(clippy::unwrap_used, reason = "only tests use it, and fail by panicking")]

use serde_json::Value;
use serde_json::json;
use tiffin_core::gateways::account::Account;
use tiffin_core::gateways::account::Secrets;
use tiffin_core::gateways::adapter::HttpAdapter;
use tiffin_core::gateways::adapter::Message;
use tiffin_core::gateways::call::Auth;
use tiffin_core::gateways::call::Body;
use tiffin_core::gateways::call::Call;
use tiffin_core::gateways::kinds::Adapter;
use tiffin_shared::route::Sender;
use tiffin_shared::text::Locale;

use crate::message::PHONE;
use crate::message::Parts;

/// The account's SID.
pub const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
/// Its auth token.
pub const TOKEN: &str = "a token";
/// What the message says.
pub const TEXT: &str = "482915 is your Müller & Söhne code.";
/// Where its callbacks go.
pub const CALLBACK: &str = "https://core.example/callbacks/a?order=o&n=1";

/// The adapter of a kind, with a sender and other keys.
pub fn adapter(kind: &str, from: &str, keys: &str) -> Box<dyn HttpAdapter> {
    let text = format!("name = 'a'\nkind = '{kind}'\naccount_sid = '{ACCOUNT}'\nfrom = '{from}'\n{keys}");
    let account: Account = toml::from_str(&text).unwrap();
    let secrets = Secrets::read(&account, |_| Some(TOKEN.to_owned())).unwrap();
    match (account.kind.make)(&account, &secrets).unwrap() {
        Adapter::Http(adapter) => adapter,
        _ => panic!("{kind} speaks HTTP"),
    }
}

/// Does something with a message.
pub fn with<T>(from: &str, act: impl FnOnce(&Message<'_>) -> T) -> T {
    let mut parts = Parts::new(PHONE, 1, TEXT);
    parts.content.locale = Locale::read("hi");
    act(&Message {
        brand: "Müller & Söhne",
        sender: Some(&Sender::parse(from).unwrap()),
        callback_url: CALLBACK,
        ..parts.message()
    })
}

/// The request in the words of the script.
pub fn told(call: Call) -> Value {
    let pairs = |text: &str| form_urlencoded(text);
    let (url, query) = call.url.split_once('?').unwrap_or((&call.url, ""));
    let form = match call.body {
        Body::Form(form) => form.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        _ => Vec::new(),
    };
    let auth = match call.auth {
        Auth::Basic { user, password } => json!([user, password.expose()]),
        _ => Value::Null,
    };
    json!({
        "method": call.method.as_str(),
        "url": url,
        "query": sorted(pairs(query)),
        "form": sorted(form),
        "auth": auth,
    })
}

/// In the order of names and values.
pub fn sorted(mut pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    pairs.sort();
    pairs
}

fn form_urlencoded(query: &str) -> Vec<(String, String)> {
    let url = reqwest::Url::parse(&format!("http://core.example/?{query}")).unwrap();
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}
