//! An adapter against the sandbox: what it sends arrives, and it understands what comes back.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::Uri;
use serde_json::Value;
use tiffin_core::gateways::account;
use tiffin_core::gateways::account::Secrets;
use tiffin_core::gateways::adapter::Answered;
use tiffin_core::gateways::adapter::HttpAdapter;
use tiffin_core::gateways::adapter::Message;
use tiffin_core::gateways::adapter::To;
use tiffin_core::gateways::call::Call;
use tiffin_core::gateways::call::Client;
use tiffin_core::gateways::callback::Callback;
use tiffin_core::gateways::callback::Fate;
use tiffin_core::gateways::callback::Told;
use tiffin_core::gateways::kinds::Adapter;
use tiffin_core::sandbox::Account;
use tiffin_shared::code::Code;
use tiffin_shared::http::Request;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Found;
use tiffin_shared::phone::Phone;
use tiffin_shared::reference::Reference;
use tiffin_shared::text::Content;
use tiffin_shared::text::Locale;
use tiffin_shared::time::UnixMs;

use crate::common::PHONE;
use crate::common::Sandbox;
use crate::common::eventually;
use crate::common::listen;

pub const CODE: &str = "482915";

/// A gateway of one kind, its provider in the sandbox, and a receiver of its callbacks.
pub struct Peer {
    pub sandbox: Sandbox,
    account: account::Account,
    public_url: String,
    posted: Posted,
}

type Posted = Arc<Mutex<Vec<Request>>>;

impl Peer {
    /// `keys` without name, kind and `base_url`.
    pub async fn start(kind: &str, keys: &str) -> Self {
        let (listener, address) = listen().await;
        let (posted, public_url) = (Posted::default(), format!("http://{address}"));
        let router = Router::new().fallback(receive).with_state(Arc::clone(&posted));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let config = |base: &str| format!("name = 'peer'\nkind = '{kind}'\nbase_url = '{base}'\n{keys}");
        let played = toml::from_str(&config("http://sandbox.example")).unwrap();
        let played = Account::new(played, &public_url, secret).unwrap();
        let sandbox = Sandbox::start_with(vec![played]).await;
        let account = toml::from_str(&config(&sandbox.base)).unwrap();
        Self { sandbox, account, public_url, posted }
    }

    fn adapter(&self, variable: impl Fn(&str) -> Option<String>) -> Box<dyn HttpAdapter> {
        let secrets = Secrets::read(&self.account, variable).unwrap();
        let Ok(Adapter::Http(adapter)) = (self.account.kind.make)(&self.account, &secrets) else {
            panic!("it is called over HTTP")
        };
        adapter
    }

    /// Does something with a message in that language.
    fn with<T>(&self, locale: &str, act: impl FnOnce(&Message<'_>) -> T) -> T {
        let (phone, code) = (Phone::parse(PHONE).unwrap(), Code::parse(CODE).unwrap());
        let text = format!("Hello. Your Tiffin code is {CODE}. Never share it.");
        let content = Content { locale: Locale::read(locale), subject: None, text, html: None };
        let reference = reference();
        let callback_url =
            format!("{}/callbacks/peer?order={}&n={}", self.public_url, reference.order, reference.n);
        let sender = self.account.settings.senders.first().map(|sender| sender.id.clone());
        act(&Message {
            to: To::Phone(&phone),
            code: &code,
            content: &content,
            brand: "Tiffin",
            approves: None,
            sender: sender.as_ref(),
            template_id: None,
            registration: None,
            valid_s: 300,
            reference: &reference,
            callback_url: &callback_url,
            now: UnixMs(0),
        })
    }

    /// Sends with these secrets.
    pub async fn send_as(&self, secret: impl Fn(&str) -> Option<String>) -> Result<Answered, CallOutcome> {
        let adapter = self.adapter(secret);
        let call = self.with("en", |message| adapter.encode(message)).unwrap();
        let answer = call_client().call(call).await?;
        Ok(adapter.classify(&answer))
    }

    /// Sends, and it is taken.
    pub async fn send(&self) -> String {
        match self.send_as(secret).await {
            Ok(Answered::Taken { provider_id }) => provider_id,
            other => panic!("not taken: {other:?}"),
        }
    }

    /// Sends, and it is refused with this code.
    pub async fn refused(&self) -> Option<String> {
        match self.send_as(secret).await {
            Ok(Answered::Refused(refusal)) => refusal.code,
            other => panic!("not refused: {other:?}"),
        }
    }

    /// Asks the provider whether it has the message.
    pub async fn look_up(&self, called_at: UnixMs) -> Found {
        let adapter = self.adapter(secret);
        let call = self.with("en", |message| adapter.query(message)).unwrap();
        let answer = call_client().call(call).await.unwrap();
        self.with("en", |message| adapter.found(&answer, message, called_at))
    }

    /// Whether the account works.
    pub async fn check(&self) -> String {
        let adapter = self.adapter(secret);
        let call: Call = adapter.check(UnixMs(0)).unwrap();
        adapter.checked(&call_client().call(call).await.unwrap()).unwrap()
    }

    /// What the adapter heard so far; every callback must be genuine.
    pub fn told(&self, now: UnixMs) -> Vec<Told> {
        let adapter = self.adapter(secret);
        let posted = self.posted.lock().unwrap();
        let hear = |request: &Request| {
            let url = format!("{}{}?{}", self.public_url, request.path, request.query);
            let url = url.trim_end_matches('?');
            let attempt = (!request.query.is_empty()).then(reference);
            let attempt = attempt.as_ref();
            let callback = Callback { url, request, attempt, certificate: None, now };
            adapter.hear(&callback).unwrap().told
        };
        posted.iter().flat_map(hear).collect()
    }

    /// Waits for these fates of the message, in this order, each of the attempt that sent it.
    pub async fn hears(&self, id: &str, fates: &[Fate]) {
        eventually("the callbacks", async || self.told(self.now()).len() >= fates.len()).await;
        let told = self.told(self.now());
        assert!(
            told.iter().all(|told| told.provider_id == id && told.attempt == Some(reference())),
            "{told:?}"
        );
        assert_eq!(told.into_iter().map(|told| told.fate).collect::<Vec<_>>(), fates);
    }

    /// Lets go of the callbacks so far.
    pub fn forget(&self) {
        self.posted.lock().unwrap().clear();
    }

    pub fn now(&self) -> UnixMs {
        UnixMs(u64::try_from(now_ms()).unwrap())
    }

    pub async fn fault(&self, script: &Value) {
        let (status, _) = self.sandbox.call(Method::PUT, "/faults/peer", &script.to_string()).await;
        assert_eq!(status, 200);
    }
}

/// Every secret of every kind is its own name.
pub fn secret(variable: &str) -> Option<String> {
    variable.strip_prefix("TIFFIN_GATEWAY_PEER_").map(str::to_lowercase)
}

pub fn wrong_secret(_variable: &str) -> Option<String> {
    Some("wrong".to_owned())
}

fn call_client() -> Client {
    Client::new().unwrap()
}

fn now_ms() -> u128 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis()
}

fn reference() -> Reference {
    Reference { order: OrderId::new([1; 16], LedgerId::new([2; 16])), n: 2 }
}

async fn receive(
    State(posted): State<Posted>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    posted.lock().unwrap().push(Request {
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        headers: headers.collect::<HashMap<_, _>>().into_iter().collect(),
        body: body.to_vec(),
    });
    StatusCode::OK
}
