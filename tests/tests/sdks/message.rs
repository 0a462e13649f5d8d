//! A message for the adapters, and a sandbox with their accounts.

use std::net::SocketAddr;

use serde_json::Value;
use tiffin_core::gateways::account::Account;
use tiffin_core::gateways::account::Secrets;
use tiffin_core::gateways::adapter::HttpAdapter;
use tiffin_core::gateways::adapter::Message;
use tiffin_core::gateways::call::Body;
use tiffin_core::gateways::kinds::Adapter;
use tiffin_core::sandbox;
use tiffin_core::sandbox::Ports;
use tiffin_shared::text::dlt::Registration;
use tiffin_shared::time::UnixMs;
use tiffin_tests::message::PHONE;
use tiffin_tests::message::Parts;
use tiffin_tests::message::registered;
use tokio::net::TcpListener;

/// Every secret of these accounts.
pub const SECRET: &str = "an auth token";
pub const URL: &str = "https://core.example/callbacks/gateway";

fn account(keys: &str) -> Account {
    toml::from_str(keys).unwrap()
}

/// What the account's adapter sends for a message: JSON, or a form as an object of texts.
pub fn encoded(keys: &str, text: &str, is_registered: bool) -> Value {
    let account = account(keys);
    let secrets = Secrets::read(&account, |_| Some(SECRET.to_owned())).unwrap();
    let Adapter::Http(adapter) = (account.kind.make)(&account, &secrets).unwrap() else { panic!("HTTP") };
    let (dlt, template) = registered();
    let registration = Registration { dlt: &dlt, template: &template, template_id: "1107457532145798767" };
    let registration = is_registered.then_some(&registration);
    let (parts, callback_url) = (Parts::new(PHONE, 1, text), format!("{URL}?order=o&n=1"));
    let message = Message {
        sender: account.settings.senders.first().map(|sender| &sender.id),
        registration,
        callback_url: &callback_url,
        now: UnixMs(1_795_082_400_000),
        ..parts.message()
    };
    body(adapter.as_ref(), &message)
}

fn body(adapter: &dyn HttpAdapter, message: &Message<'_>) -> Value {
    match adapter.encode(message).ok().map(|call| call.body) {
        Some(Body::Json(body)) => body,
        Some(Body::Form(form)) => form.into_iter().map(|(name, value)| (name, Value::from(value))).collect(),
        _ => panic!("neither JSON nor a form"),
    }
}

/// A sandbox with one account. It ends with the test.
pub async fn sandbox(keys: &str) -> SocketAddr {
    let account = sandbox::Account::new(account(keys), "http://127.0.0.1:1", |_| Some(SECRET.to_owned()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(sandbox::serve(listener, Ports::default(), vec![account.unwrap()], std::future::pending()));
    address
}
