//! An adapter against the sandbox: the same account on both sides, and a receiver that keeps callbacks as they came.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::Uri;
use reqwest::Client;
use serde_json::Value;
use tiffin_core::config::Environment;
use tiffin_core::gateways::Gateway;
use tiffin_core::gateways::Gateways;
use tiffin_core::gateways::account;
use tiffin_core::gateways::adapter::Message;
use tiffin_core::gateways::adapter::To;
use tiffin_core::gateways::call;
use tiffin_core::gateways::callback::Callback;
use tiffin_core::gateways::callback::CallbackError;
use tiffin_core::gateways::callback::Heard;
use tiffin_core::gateways::codes::Codes;
use tiffin_core::gateways::codes::Corrections;
use tiffin_core::host;
use tiffin_core::sandbox;
use tiffin_core::sandbox::Account;
use tiffin_shared::code::Code;
use tiffin_shared::http::Request;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::phone::Phone;
use tiffin_shared::reference::Reference;
use tiffin_shared::text::Content;
use tiffin_shared::text::Locale;

use crate::common::PHONE;
use crate::common::eventually;
use crate::common::listen;

/// What the code is in every message.
pub const CODE: &str = "482915";
/// The text, with what a provider could stumble over.
pub const TEXT: &str = "482915 is your \"Tiffin\" code & more: ü\n@example.com #482915";
/// The secret of a callback address.
pub const DOOR: &str = "0123456789abcdef";

/// One account, on both sides.
pub struct Bench {
    pub base: String,
    public_url: String,
    gateways: Gateways,
    client: call::Client,
    posted: Posted,
    http: Client,
}

type Posted = Arc<Mutex<Vec<Arc<Request>>>>;

impl Bench {
    /// `keys` are the account's, with `{base}` for the sandbox; `secrets` by their variables, for each side its own.
    pub async fn start(keys: &str, secrets: &[(&str, &str)], at_provider: &[(&str, &str)]) -> Self {
        call::install_tls();
        let ((listener, address), (receiver, public)) = (listen().await, listen().await);
        let (base, public_url) = (format!("http://{address}"), format!("http://{public}"));
        let parse = || -> account::Account { toml::from_str(&keys.replace("{base}", &base)).unwrap() };
        let find = |given: &[(&str, &str)], name: &str| {
            let found = given.iter().find(|(known, _)| name.ends_with(&known.to_uppercase()));
            found.map(|(_, value)| (*value).to_owned())
        };
        let both = |name: &str| find(at_provider, name).or_else(|| find(secrets, name));
        let played = Account::new(parse(), &public_url, both).unwrap();
        let ports = sandbox::Ports::default();
        tokio::spawn(sandbox::serve(listener, ports, vec![played], std::future::pending()));
        let account = parse();
        let variables = account.secret_variables().into_iter();
        let variables: BTreeMap<_, _> =
            variables.filter_map(|name| Some((name.clone(), find(secrets, &name)?))).collect();
        let environment = Environment::new(variables).unwrap();
        let codes = Codes::new(Corrections::default()).unwrap();
        let posted = Posted::default();
        let router = Router::new().fallback(keep).with_state(Arc::clone(&posted));
        tokio::spawn(async move { axum::serve(receiver, router).await });
        let gateways = Gateways::new(&[account], &environment, codes).unwrap();
        let http = Client::builder().no_proxy().build().unwrap();
        Self { base, public_url, gateways, client: call::Client::new().unwrap(), posted, http }
    }

    pub fn gateway(&self) -> &Gateway {
        &self.gateways.all()[0]
    }

    pub fn reference() -> Reference {
        Reference { order: OrderId::new([1; 16], LedgerId::new([2; 16])), n: 1 }
    }

    /// Sends [`TEXT`] to the usual number, as the first sender.
    pub async fn send(&self) -> CallOutcome {
        let (phone, code) = (Phone::parse(PHONE).unwrap(), Code::parse(CODE).unwrap());
        let content = Content { locale: Locale::read("en"), subject: None, text: TEXT.into(), html: None };
        let reference = Self::reference();
        let address = self.gateway().callback_url(&self.public_url);
        let callback_url = format!("{address}?order={}&n={}", reference.order, reference.n);
        let message = Message {
            to: To::Phone(&phone),
            code: &code,
            content: &content,
            brand: "Tiffin",
            approves: None,
            sender: self.gateway().settings().senders.first().map(|sender| &sender.id),
            template_id: None,
            registration: None,
            valid_s: 300,
            reference: &reference,
            callback_url: &callback_url,
            now: host::now(),
        };
        self.gateways.send(self.gateway(), &self.client, &message).await
    }

    /// The id of a message that must be taken.
    pub async fn taken(&self) -> String {
        match self.send().await {
            CallOutcome::Taken { provider_id } => provider_id,
            outcome => panic!("{outcome:?}"),
        }
    }

    /// What the credentials are tried with, and what comes of it.
    pub async fn check(&self) -> Result<String, String> {
        self.gateway().check(&self.client, host::now()).await.map_err(|trouble| trouble.to_string())
    }

    /// The callbacks so far, at least `count`.
    pub async fn posted(&self, count: usize) -> Vec<Arc<Request>> {
        let posted = || self.posted.lock().unwrap().clone();
        eventually("the callbacks", async || posted().len() >= count).await;
        posted()
    }

    /// What the adapter makes of a callback.
    pub async fn hear(&self, request: &Request) -> Result<Heard, CallbackError> {
        let url = format!("{}{}?{}", self.public_url, request.path, request.query);
        let url = url.trim_end_matches('?');
        let query: BTreeMap<_, _> = form_urlencoded::parse(request.query.as_bytes()).into_owned().collect();
        let attempt = query.get("order").zip(query.get("n"));
        let attempt = attempt.map(|(order, n)| Reference::parse(&format!("{order}.{n}")).unwrap());
        let now = host::now();
        let mut callback = Callback { url, request, attempt: attempt.as_ref(), certificate: None, now };
        let address = self.gateway().certificate(&callback)?;
        let certificate = match address {
            Some(address) => self.client.fetch(&address).await.ok(),
            None => None,
        };
        callback.certificate = certificate.as_deref();
        self.gateway().hear(&callback)
    }

    /// The texts in the inbox, newest first.
    pub async fn inbox(&self) -> Vec<String> {
        let inbox: Value = self.get("/inbox").await;
        let messages = inbox["messages"].as_array().unwrap();
        messages.iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect()
    }

    pub async fn get(&self, path: &str) -> Value {
        self.http.get(format!("{}{path}", self.base)).send().await.unwrap().json().await.unwrap()
    }

    /// The same callback with other words in its body.
    pub fn altered(request: &Request, old: &str, new: &str) -> Request {
        let body = std::str::from_utf8(&request.body).unwrap();
        assert!(body.contains(old), "{body}");
        Request {
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            headers: request.headers.clone(),
            body: body.replace(old, new).into_bytes(),
        }
    }

    pub async fn visit(&self, address: &str) -> u16 {
        self.http.get(address).send().await.unwrap().status().as_u16()
    }

    pub async fn post(&self, path: &str) -> u16 {
        self.http.post(format!("{}{path}", self.base)).send().await.unwrap().status().as_u16()
    }

    pub async fn fault(&self, script: &Value) {
        let url = format!("{}/faults/{}", self.base, self.gateway().name());
        assert_eq!(self.http.put(url).json(script).send().await.unwrap().status(), 200);
    }
}

async fn keep(
    State(posted): State<Posted>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap().to_owned();
    posted.lock().unwrap().push(Arc::new(Request {
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        headers: headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: body.to_vec(),
    }));
    StatusCode::NO_CONTENT
}
