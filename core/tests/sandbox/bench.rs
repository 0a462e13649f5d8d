//! An adapter against the sandbox: the same account on both sides, and a receiver that keeps callbacks as they came.

mod posted;

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_core::config::Environment;
use tiffin_core::gateways::Gateway;
use tiffin_core::gateways::Gateways;
use tiffin_core::gateways::account;
use tiffin_core::gateways::adapter::Message;
use tiffin_core::gateways::adapter::Taken;
use tiffin_core::gateways::adapter::To;
use tiffin_core::gateways::call;
use tiffin_core::gateways::callback::Callback;
use tiffin_core::gateways::callback::CallbackError;
use tiffin_core::gateways::callback::Fate;
use tiffin_core::gateways::callback::Heard;
use tiffin_core::gateways::callback::Told;
use tiffin_core::gateways::codes::Codes;
use tiffin_core::gateways::codes::Corrections;
use tiffin_core::host;
use tiffin_core::sandbox::Account;
use tiffin_shared::code::Code;
use tiffin_shared::http::Request;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Found;
use tiffin_shared::order::Reason;
use tiffin_shared::order::Recall;
use tiffin_shared::phone::Phone;
use tiffin_shared::reference::Reference;
use tiffin_shared::text::Content;
use tiffin_shared::text::Locale;
use tiffin_shared::time::UnixMs;

use self::posted::Posted;
use crate::common::PHONE;
use crate::common::Sandbox;
use crate::common::eventually;
use crate::common::listen;

/// What the code is in every message.
pub const CODE: &str = "482915";
/// The text, with what a provider could stumble over.
pub const TEXT: &str = "482915 is your \"Tiffin\" code & more: ü\n@example.com #482915";
/// The secret of a callback address.
pub const DOOR: &str = "0123456789abcdef";

/// Secrets by their names.
type Secrets<'a> = &'a [(&'a str, &'a str)];

/// One account, on both sides.
pub struct Bench {
    pub sandbox: Sandbox,
    public_url: String,
    gateways: Gateways,
    client: call::Client,
    posted: Posted,
}

/// A message that the provider took.
fn taken(provider_id: &str) -> Taken<'_> {
    static REFERENCE: std::sync::LazyLock<Reference> = std::sync::LazyLock::new(Bench::reference);
    Taken { reference: &REFERENCE, provider_id, from: None }
}

impl Bench {
    /// `keys` are the account's, with `{base}` for the sandbox; of its `secrets` the provider has those `at_provider` instead.
    pub async fn start(keys: &str, secrets: Secrets<'_>, at_provider: Secrets<'_>) -> Self {
        call::install_tls();
        let (listener, address) = listen().await;
        let (posted, public_url) = posted::receive().await;
        let base = format!("http://{address}");
        let both = |name: &str| find(at_provider, name).or_else(|| find(secrets, name));
        let played = Account::new(account(keys, &base), &public_url, both).unwrap();
        let sandbox = Sandbox::start_on(listener, vec![played]);
        let gateways = gateways(account(keys, &base), secrets);
        Self { sandbox, public_url, gateways, client: call::Client::new().unwrap(), posted }
    }

    pub fn gateway(&self) -> &Gateway {
        &self.gateways.all()[0]
    }

    pub fn reference() -> Reference {
        Reference { order: OrderId::new([1; 16], LedgerId::new([2; 16])), n: 1 }
    }

    /// Sends [`TEXT`] to the usual number, as the first sender.
    pub async fn send(&self) -> CallOutcome {
        self.send_through(&self.gateways).await
    }

    /// The same, from somebody who has other keys or other secrets than the provider knows.
    pub async fn send_as(&self, keys: &str, secrets: Secrets<'_>) -> CallOutcome {
        self.send_through(&gateways(account(keys, &self.sandbox.base), secrets)).await
    }

    /// The id of a message that must be taken.
    pub async fn taken(&self) -> String {
        match self.send().await {
            CallOutcome::Taken { provider_id } => provider_id,
            outcome => panic!("{outcome:?}"),
        }
    }

    /// Asks the provider after the message.
    pub async fn look_up(&self, called_at: UnixMs) -> Found {
        let gateway = self.gateway();
        let look = async |message: &Message<'_>| gateway.look_up(&self.client, message, called_at).await.0;
        self.with_message(gateway, look).await
    }

    /// How the message fares, in the provider's word and in ours.
    pub async fn fares(&self, provider_id: &str) -> Option<(String, Fate)> {
        self.gateway().fares(&self.client, &taken(provider_id), &mut Vec::new()).await
    }

    /// Asks the provider to stop the message.
    pub async fn recall(&self, provider_id: &str) -> Option<Recall> {
        self.gateway().recall(&self.client, &taken(provider_id), &mut Vec::new()).await
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

    /// What the adapter makes of a callback, which must come through the gateway's door.
    pub async fn hear(&self, request: &Request) -> Result<Heard, CallbackError> {
        let door = format!("/callbacks/{}", self.gateway().name());
        assert!(self.gateway().opens_to(request.path.strip_prefix(&door).unwrap().strip_prefix('/')));
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

    /// Waits for these fates of a message, in this order, each told of the attempt that sent it.
    pub async fn hears(&self, provider_id: &str, fates: &[Fate]) {
        eventually("the callbacks", async || self.told_of(provider_id).await.len() >= fates.len()).await;
        let told = |fate: &Fate| Told {
            attempt: Some(Self::reference()),
            provider_id: provider_id.to_owned(),
            fate: fate.clone(),
            cost: None,
        };
        let heard = self.told_of(provider_id).await.into_iter().map(|told| Told { cost: None, ..told });
        assert_eq!(heard.collect::<Vec<_>>(), fates.iter().map(told).collect::<Vec<_>>());
    }

    async fn told_of(&self, provider_id: &str) -> Vec<Told> {
        let mut told = Vec::new();
        for request in self.posted(0).await {
            told.extend(self.hear(&request).await.unwrap().told);
        }
        told.retain(|told| told.provider_id == provider_id);
        told
    }

    /// Sends one message, which arrives as it was written and whose receipts say so.
    pub async fn arrives(&self) -> String {
        let provider_id = self.taken().await;
        let entries = self.entries().await;
        assert_eq!((&entries[0]["to"], &entries[0]["text"]), (&json!(PHONE), &json!(TEXT)));
        assert_eq!(entries[0]["id"], json!(provider_id));
        self.hears(&provider_id, &[Fate::Sent, Fate::Delivered]).await;
        provider_id
    }

    /// Every fault before the message is taken, and one after.
    pub async fn faults_are_told_apart(&self) {
        let http_429 = json!({"mode": "http_429", "retry_after_s": 7});
        for (script, outcome) in [
            (json!({"mode": "http_500"}), CallOutcome::Failed(Reason::ProviderDown)),
            (http_429, CallOutcome::Throttled { retry_after_ms: Some(7_000) }),
            (json!({"mode": "reset"}), CallOutcome::Unknown),
            (json!({"mode": "reset_taken"}), CallOutcome::Unknown),
        ] {
            self.fault(&script).await;
            assert_eq!(self.send().await, outcome, "{script}");
        }
        assert_eq!(self.inbox().await.len(), 1, "the last one was taken");
    }

    /// The inbox, newest first.
    pub async fn entries(&self) -> Vec<Value> {
        self.sandbox.inbox("").await
    }

    /// The texts in the inbox, newest first.
    pub async fn inbox(&self) -> Vec<String> {
        let entries = self.entries().await;
        entries.iter().map(|entry| entry["text"].as_str().unwrap().to_owned()).collect()
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
        self.sandbox.client.get(address).send().await.unwrap().status().as_u16()
    }

    pub async fn post(&self, path: &str) -> u16 {
        self.sandbox.call(Method::POST, path, "").await.0
    }

    pub async fn fault(&self, script: &Value) {
        let path = format!("/faults/{}", self.gateway().name());
        assert_eq!(self.sandbox.call(Method::PUT, &path, &script.to_string()).await.0, 200);
    }

    async fn send_through(&self, gateways: &Gateways) -> CallOutcome {
        let gateway = &gateways.all()[0];
        self.with_message(gateway, async |message| gateways.send(gateway, &self.client, message).await.0)
            .await
    }

    async fn with_message<T>(&self, gateway: &Gateway, act: impl AsyncFnOnce(&Message<'_>) -> T) -> T {
        let (phone, code) = (Phone::parse(PHONE).unwrap(), Code::parse(CODE).unwrap());
        let content = Content { locale: Locale::read("en"), subject: None, text: TEXT.into(), html: None };
        let reference = Self::reference();
        let address = gateway.callback_url(&self.public_url);
        let callback_url = format!("{address}?order={}&n={}", reference.order, reference.n);
        act(&Message {
            traceparent: None,
            to: To::Phone(&phone),
            code: &code,
            content: &content,
            brand: "Tiffin",
            approves: None,
            sender: gateway.settings().senders.first().map(|sender| &sender.id),
            template_id: None,
            registration: None,
            valid_s: 300,
            reference: &reference,
            callback_url: &callback_url,
            now: host::now(),
        })
        .await
    }
}

fn account(keys: &str, base: &str) -> account::Account {
    toml::from_str(&keys.replace("{base}", base)).unwrap()
}

fn gateways(account: account::Account, secrets: Secrets<'_>) -> Gateways {
    let variables = account.secret_variables().into_iter();
    let variables = variables.filter_map(|name| Some((name.clone(), find(secrets, &name)?))).collect();
    let codes = Codes::new(Corrections::default()).unwrap();
    Gateways::new(&[account], &Environment::new(variables).unwrap(), codes).unwrap()
}

/// The secret that a variable is for.
fn find(secrets: Secrets<'_>, variable: &str) -> Option<String> {
    let found = secrets.iter().find(|(name, _)| variable.ends_with(&name.to_uppercase()));
    found.map(|(_, value)| (*value).to_owned())
}
