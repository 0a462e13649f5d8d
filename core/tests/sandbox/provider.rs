//! An adapter and the sandbox's provider, talking over HTTP both ways.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::Uri;
use serde_json::Value;
use serde_json::json;
use tiffin_core::config::Environment;
use tiffin_core::gateways::Gateway;
use tiffin_core::gateways::Gateways;
use tiffin_core::gateways::adapter::Message;
use tiffin_core::gateways::adapter::To;
use tiffin_core::gateways::call::Client;
use tiffin_core::gateways::callback::Callback;
use tiffin_core::gateways::callback::CallbackError;
use tiffin_core::gateways::callback::Fate;
use tiffin_core::gateways::callback::Heard;
use tiffin_core::gateways::codes::Codes;
use tiffin_core::gateways::codes::Corrections;
use tiffin_core::sandbox;
use tiffin_core::sandbox::Account;
use tiffin_shared::code::Code;
use tiffin_shared::http::Request;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Found;
use tiffin_shared::order::Reason;
use tiffin_shared::phone::Phone;
use tiffin_shared::reference::Reference;
use tiffin_shared::text::Content;
use tiffin_shared::text::Locale;
use tiffin_shared::time::UnixMs;

use crate::common::PHONE;
use crate::common::answer;
use crate::common::eventually;
use crate::common::listen;

/// What the message says.
pub const TEXT: &str = "482915 is your Tiffin code.";

/// The sandbox with one account, the adapter for it, and the door for its callbacks.
pub struct Provider {
    pub base: String,
    pub client: reqwest::Client,
    calls: Client,
    door: Arc<Door>,
}

struct Door {
    gateways: Gateways,
    public_url: String,
    heard: Mutex<Vec<Result<Heard, CallbackError>>>,
    paths: Mutex<Vec<String>>,
}

impl Provider {
    /// `keys` are those of the account, `secrets` its secrets by their names.
    pub async fn start(kind: &str, keys: &str, secrets: &[(&str, &str)]) -> Self {
        let calls = Client::new().unwrap();
        let (listener, address) = listen().await;
        let (callbacks, door_address) = listen().await;
        let base = format!("http://{address}");
        let public_url = format!("http://{door_address}");
        let text = format!("name = 'provider'\nkind = '{kind}'\nbase_url = '{base}'\n{keys}");
        let variables: BTreeMap<_, _> =
            secrets.iter().map(|(name, value)| (variable(name), (*value).to_owned())).collect();
        let account =
            Account::new(toml::from_str(&text).unwrap(), &public_url, |name| variables.get(name).cloned());
        let ports = sandbox::Ports::default();
        tokio::spawn(sandbox::serve(listener, ports, vec![account.unwrap()], std::future::pending()));
        let door = Arc::new(Door {
            gateways: gateways(&text, variables),
            public_url,
            heard: Mutex::default(),
            paths: Mutex::default(),
        });
        let router = Router::new().fallback(hear).with_state(Arc::clone(&door));
        tokio::spawn(async move { axum::serve(callbacks, router).await });
        Self { base, client: reqwest::Client::builder().no_proxy().build().unwrap(), calls, door }
    }

    /// Sends the usual message as the first attempt of its order.
    pub async fn send(&self) -> CallOutcome {
        self.send_through(&self.door.gateways).await
    }

    /// The same with other keys or secrets of the same account.
    pub async fn send_with(&self, kind: &str, keys: &str, secrets: &[(&str, &str)]) -> CallOutcome {
        let text = format!("name = 'provider'\nkind = '{kind}'\nbase_url = '{}'\n{keys}", self.base);
        let variables = secrets.iter().map(|(name, value)| (variable(name), (*value).to_owned())).collect();
        self.send_through(&gateways(&text, variables)).await
    }

    async fn send_through(&self, gateways: &Gateways) -> CallOutcome {
        let gateway = &gateways.all()[0];
        self.with_message(gateway, async |message| gateways.send(gateway, &self.calls, message).await).await
    }

    /// Asks the provider after the usual message.
    pub async fn look_up(&self) -> Found {
        let gateway = self.gateway();
        self.with_message(gateway, async |message| gateway.look_up(&self.calls, message, now()).await).await
    }

    /// What the provider says of the account.
    pub async fn check(&self) -> Result<String, String> {
        self.gateway().check(&self.calls, now()).await.map_err(|trouble| format!("{trouble:?}"))
    }

    async fn with_message<T>(&self, gateway: &Gateway, act: impl AsyncFnOnce(&Message<'_>) -> T) -> T {
        let (phone, code, reference) =
            (Phone::parse(PHONE).unwrap(), Code::parse("482915").unwrap(), reference());
        let content = Content { locale: Locale::read("en"), subject: None, text: TEXT.into(), html: None };
        let sender = gateway.senders(None)[0].map(|sender| &sender.id);
        let address = gateway.callback_url(&self.door.public_url);
        let callback_url = format!("{address}?order={}&n={}", reference.order, reference.n);
        act(&Message {
            to: To::Phone(&phone),
            code: &code,
            content: &content,
            brand: "Tiffin",
            approves: None,
            sender,
            template_id: None,
            registration: None,
            valid_s: 300,
            reference: &reference,
            callback_url: &callback_url,
            now: now(),
        })
        .await
    }

    fn gateway(&self) -> &Gateway {
        &self.door.gateways.all()[0]
    }

    pub async fn fault(&self, script: &Value) {
        let request = self.client.put(format!("{}/faults/provider", self.base)).body(script.to_string());
        assert_eq!(answer(request).await.0, 200);
    }

    pub async fn inbox(&self) -> Vec<Value> {
        let (_, body) = answer(self.client.get(format!("{}/inbox", self.base))).await;
        body["messages"].as_array().unwrap().clone()
    }

    /// What the adapter made of the callbacks so far.
    pub fn heard(&self) -> Vec<Result<Heard, CallbackError>> {
        self.door.heard.lock().unwrap().clone()
    }

    /// Where they came in.
    pub fn paths(&self) -> Vec<String> {
        self.door.paths.lock().unwrap().clone()
    }

    /// Waits for so many callbacks, each of which must tell of the usual message.
    pub async fn fates(&self, count: usize) -> Vec<Fate> {
        eventually("the callbacks", async || self.heard().len() >= count).await;
        let told = self.heard().into_iter().flat_map(|heard| heard.unwrap().told);
        told.inspect(|told| assert!(told.attempt.as_ref().is_none_or(|attempt| *attempt == reference())))
            .map(|told| told.fate)
            .collect()
    }

    /// Sends one message that goes all the way.
    pub async fn a_message_arrives(&self) -> String {
        let CallOutcome::Taken { provider_id } = self.send().await else { panic!("it is taken") };
        let inbox = self.inbox().await;
        assert_eq!((&inbox[0]["to"], &inbox[0]["text"]), (&json!(PHONE), &json!(TEXT)));
        assert_eq!(inbox[0]["id"], json!(provider_id));
        assert_eq!(self.fates(2).await, [Fate::Sent, Fate::Delivered]);
        let heard = self.heard().into_iter().flat_map(|heard| heard.unwrap().told);
        assert!(heard.into_iter().all(|told| told.provider_id == provider_id));
        provider_id
    }

    /// Every fault before the message is taken, and those after.
    pub async fn its_faults_are_told_apart(&self) {
        let outcomes = [
            ("http_500", CallOutcome::Failed(Reason::ProviderDown)),
            ("http_429", CallOutcome::Throttled { retry_after_ms: Some(7_000) }),
            ("reset", CallOutcome::Unknown),
            ("reset_taken", CallOutcome::Unknown),
        ];
        for (mode, outcome) in outcomes {
            let mut script = json!({ "mode": mode });
            if mode == "http_429" {
                script["retry_after_s"] = json!(7);
            }
            self.fault(&script).await;
            assert_eq!(self.send().await, outcome, "{mode}");
        }
        assert_eq!(self.inbox().await.len(), 1, "the last one was taken");
    }
}

pub fn reference() -> Reference {
    Reference { order: OrderId::new([1; 16], LedgerId::new([2; 16])), n: 1 }
}

fn variable(secret: &str) -> String {
    format!("TIFFIN_GATEWAY_PROVIDER_{}", secret.to_uppercase())
}

fn gateways(text: &str, variables: BTreeMap<String, String>) -> Gateways {
    let account = toml::from_str(text).unwrap();
    let environment = Environment::new(variables).unwrap();
    Gateways::new(&[account], &environment, Codes::new(Corrections::default()).unwrap()).unwrap()
}

fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    UnixMs(u64::try_from(since.as_millis()).unwrap())
}

/// As core takes a callback: through its door, with the attempt of the address.
async fn hear(
    State(door): State<Arc<Door>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let gateway = &door.gateways.all()[0];
    let secret = uri.path().strip_prefix("/callbacks/provider").unwrap().strip_prefix('/');
    if !gateway.opens_to(secret) {
        return StatusCode::NOT_FOUND;
    }
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let request = Request {
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        headers: headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: body.to_vec(),
    };
    let url = format!("{}{}", door.public_url, uri.path_and_query().unwrap());
    let named = request.query.contains("order=").then(reference);
    let callback =
        Callback { url: &url, request: &request, attempt: named.as_ref(), certificate: None, now: now() };
    let heard = gateway.hear(&callback);
    let is_taken = heard.is_ok();
    door.heard.lock().unwrap().push(heard);
    door.paths.lock().unwrap().push(request.path);
    if is_taken { StatusCode::NO_CONTENT } else { StatusCode::UNAUTHORIZED }
}
