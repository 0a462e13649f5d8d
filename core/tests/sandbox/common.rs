//! What the tests share: a sandbox, a receiver of its callbacks, and how to call them.

use std::collections::HashMap;
use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::routing::post;
use reqwest::Client;
use reqwest::Method;
use serde_json::Value;
use tiffin_core::gateways::twilio::signature;
use tiffin_core::sandbox;
use tiffin_core::sandbox::Account;
use tiffin_core::sandbox::Cast;
use tiffin_core::sandbox::Ports;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

pub const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
pub const TOKEN: &str = "a token";
pub const PHONE: &str = "+919876543210";
const DEADLINE_MS: u64 = 20_000;

/// A sandbox of its own, on a port of its own.
pub struct Sandbox {
    pub base: String,
    pub client: Client,
    pub shutdown: Option<oneshot::Sender<()>>,
}

impl Sandbox {
    pub async fn start() -> Self {
        let text = format!("name='twilio-sms'\nkind='twilio'\naccount_sid='{ACCOUNT}'\nfrom='+15005550006'");
        let account = toml::from_str(&text).unwrap();
        let account = Account::new(account, "http://127.0.0.1:1", |_| Some(TOKEN.to_owned())).unwrap();
        let (listener, _) = listen().await;
        Self::start_on(listener, vec![account])
    }

    pub fn start_on(listener: TcpListener, cast: impl Into<Cast>) -> Self {
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let address = listener.local_addr().unwrap();
        let (shutdown, asked) = oneshot::channel();
        // A dropped sender ends the wait as well, and with it the sandbox of a test that is over.
        let (ports, cast): (_, Cast) = (Ports::default(), cast.into());
        let served = sandbox::serve(listener, ports, cast, async { asked.await.unwrap_or(()) });
        tokio::spawn(served);
        let client =
            Client::builder().no_proxy().timeout(Duration::from_millis(DEADLINE_MS)).build().unwrap();
        Self { base: format!("http://{address}"), client, shutdown: Some(shutdown) }
    }

    pub fn messages_url(&self) -> String {
        format!("{}/2010-04-01/Accounts/{ACCOUNT}/Messages.json", self.base)
    }

    pub fn request(&self, changes: &[(&str, &str)]) -> reqwest::RequestBuilder {
        self.client.post(self.messages_url()).basic_auth(ACCOUNT, Some(TOKEN)).form(&form(changes))
    }

    pub async fn send(&self, changes: &[(&str, &str)]) -> (u16, Value) {
        answer(self.request(changes)).await
    }

    /// The provider's list, newest first.
    pub async fn listed(&self) -> Vec<Value> {
        let request = self.client.get(self.messages_url()).basic_auth(ACCOUNT, Some(TOKEN));
        answer(request).await.1["messages"].as_array().unwrap().clone()
    }

    /// One message of the provider's.
    pub async fn fetched(&self, sid: &str) -> Value {
        let url = self.messages_url().replace(".json", &format!("/{sid}.json"));
        answer(self.client.get(url).basic_auth(ACCOUNT, Some(TOKEN))).await.1
    }

    pub async fn inbox(&self, query: &str) -> Vec<Value> {
        let (status, body) = self.call(Method::GET, &format!("/inbox{query}"), "").await;
        assert_eq!(status, 200);
        body["messages"].as_array().unwrap().clone()
    }

    pub async fn fault(&self, script: &Value) {
        assert_eq!(self.call(Method::PUT, "/faults/twilio-sms", &script.to_string()).await.0, 200);
    }

    pub async fn call(&self, method: Method, path: &str, body: &str) -> (u16, Value) {
        answer(self.client.request(method, format!("{}{path}", self.base)).body(body.to_owned())).await
    }
}

/// Takes status callbacks, after it has refused the first few.
pub struct Receiver {
    pub url: String,
    calls: Calls,
    peers: Peers,
    begun: Instant,
}

type Calls = Arc<Mutex<Vec<HashMap<String, String>>>>;
type Peers = Arc<Mutex<HashSet<SocketAddr>>>;

impl Receiver {
    pub async fn start(refusals: usize) -> Self {
        let (listener, address) = listen().await;
        let url = format!("http://{address}/status?tenant=1");
        let calls = Calls::default();
        let peers = Peers::default();
        let state = (url.clone(), Arc::clone(&calls), Arc::clone(&peers), refusals);
        let router = Router::new().route("/status", post(receive)).with_state(state);
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { url, calls, peers, begun: Instant::now() }
    }

    pub fn calls(&self) -> Vec<HashMap<String, String>> {
        self.calls.lock().unwrap().clone()
    }

    pub fn statuses(&self) -> Vec<String> {
        self.calls.lock().unwrap().iter().map(|call| call["MessageStatus"].clone()).collect()
    }

    /// How many connections brought the calls.
    pub fn connections(&self) -> usize {
        self.peers.lock().unwrap().len()
    }

    pub fn elapsed_ms(&self) -> u128 {
        self.begun.elapsed().as_millis()
    }
}

async fn receive(
    State((url, calls, peers, refusals)): State<(String, Calls, Peers, usize)>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    axum::Form(params): axum::Form<Vec<(String, String)>>,
) -> StatusCode {
    let given = headers["X-Twilio-Signature"].to_str().unwrap();
    let verified = signature::verify(TOKEN, &url, &params, given).to_string();
    peers.lock().unwrap().insert(peer);
    let mut calls = calls.lock().unwrap();
    calls.push(params.into_iter().chain([("verified".to_owned(), verified)]).collect());
    if calls.len() <= refusals { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::NO_CONTENT }
}

pub fn form(changes: &[(&str, &str)]) -> HashMap<String, String> {
    let usual = [("To", PHONE), ("From", "+15005550006"), ("Body", "482915 is your code.")];
    usual.iter().chain(changes).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

pub async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default())
}

pub async fn next(stream: &mut reqwest::Response) -> Option<String> {
    let chunk = tokio::time::timeout(Duration::from_millis(DEADLINE_MS), stream.chunk()).await.unwrap();
    chunk.unwrap().map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
}

pub async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_millis(DEADLINE_MS), "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
