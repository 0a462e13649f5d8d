//! Asking about SIMs, against CAMARA's API in the sandbox, and against a service that behaves as no sandbox should.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;
use tiffin_core::config::Config;
use tiffin_core::config::Environment;
use tiffin_core::gateways::call;
use tiffin_core::sandbox::Cast;
use tiffin_core::sandbox::SimSwapClient;
use tiffin_core::sim_swap::Checker;
use tiffin_core::sim_swap::Trouble;
use tiffin_shared::country::Country;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::order::SimDoubt;
use tiffin_shared::order::SimVerdict;
use tiffin_shared::phone::Phone;
use tiffin_shared::secret::Secret;

use crate::common::PHONE;
use crate::common::Sandbox;
use crate::common::listen;

const SECRET: &str = "s:e c%r+e/t";
/// What does not answer within it is given up.
const TIMEOUT_MS: u64 = 5_000;

/// As `[sim_swap]` configures it.
fn checker(keys: &str, secret: &str) -> Checker {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("tiffin.toml");
    let text = format!("[sim_swap]\nclient_id = 'shop&co'\ntimeout_ms = {TIMEOUT_MS}\n{keys}");
    std::fs::write(&path, text).unwrap();
    let variables = [("TIFFIN_SIM_SWAP_CLIENT_SECRET".to_owned(), secret.to_owned())];
    let config = Config::read(&path, Environment::new(BTreeMap::from(variables)).unwrap()).unwrap();
    let settings = config.file.sim_swap.clone().unwrap();
    let secret = settings.secret(&config.environment).unwrap();
    Checker::new(settings, secret)
}

fn at(base: &str) -> String {
    format!("base_url = '{base}/sim-swap/v2'\ntoken_url = '{base}/oauth2/token'\n")
}

async fn asked(checker: &Checker) -> SimVerdict {
    let (phone, order) = (Phone::parse(PHONE).unwrap(), OrderId::new([1; 16], LedgerId::new([2; 16])));
    let india = Country::parse("IN").ok();
    checker.check(&call::Client::new().unwrap(), &phone, india, &order).await
}

async fn sandbox() -> Sandbox {
    let client = SimSwapClient { id: "shop&co".into(), secret: Secret::new(SECRET.into()) };
    let cast = Cast { accounts: Vec::new(), sim_swap: Some(client) };
    Sandbox::start_on(listen().await.0, cast)
}

async fn fault(sandbox: &Sandbox, script: Value) {
    let set = sandbox.call(reqwest::Method::PUT, "/faults/sim-swap", &script.to_string()).await;
    assert_eq!(set.0, 200, "{}", set.1);
}

#[tokio::test]
async fn the_network_says_whether_the_sim_changed() {
    let sandbox = sandbox().await;
    let checker = checker(&at(&sandbox.base), SECRET);
    assert_eq!(asked(&checker).await, SimVerdict::Unchanged);
    fault(&sandbox, json!({"mode": "reject"})).await;
    assert_eq!(asked(&checker).await, SimVerdict::Swapped);
    let said = checker.try_credentials(&call::Client::new().unwrap()).await;
    assert_eq!(said, Ok("a token is granted for sim-swap:check".into()));
    let calls = sandbox.call(reqwest::Method::GET, "/calls/sim-swap", "").await.1;
    assert_eq!((&calls["received"], &calls["taken"]), (&json!(2), &json!(2)), "{calls}");
}

#[tokio::test]
async fn each_refusal_and_failure_is_a_doubt_of_its_own() {
    let sandbox = sandbox().await;
    let checker = checker(&at(&sandbox.base), SECRET);
    let refusal = |code: &str| json!({"mode": "reject", "code": code});
    for (script, doubt) in [
        (refusal("IDENTIFIER_NOT_FOUND"), SimDoubt::NotServed),
        (refusal("SERVICE_NOT_APPLICABLE"), SimDoubt::NotServed),
        (refusal("OUT_OF_RANGE"), SimDoubt::Refused),
        (refusal("PERMISSION_DENIED"), SimDoubt::Refused),
        (refusal("UNAUTHENTICATED"), SimDoubt::Refused),
        (json!({"mode": "http_429"}), SimDoubt::Busy),
        (json!({"mode": "http_500"}), SimDoubt::NoAnswer),
        (json!({"mode": "reset"}), SimDoubt::NoAnswer),
        (json!({"mode": "timeout"}), SimDoubt::NoAnswer),
    ] {
        fault(&sandbox, script.clone()).await;
        assert_eq!(asked(&checker).await, SimVerdict::Unknown(doubt), "{script}");
    }
    // What passes is tried once more within the deadline.
    fault(&sandbox, json!({"mode": "http_500", "rate": 0.5})).await;
    for _ in 0..4 {
        assert_eq!(asked(&checker).await, SimVerdict::Unchanged);
    }
}

#[tokio::test]
async fn a_wrong_secret_or_scope_is_told_and_not_shown_again_and_again() {
    let sandbox = sandbox().await;
    let scope = "scope = 'number-verification:verify'\n";
    for checker in
        [checker(&at(&sandbox.base), "wrong"), checker(&format!("{}{scope}", at(&sandbox.base)), SECRET)]
    {
        assert_eq!(asked(&checker).await, SimVerdict::Unknown(SimDoubt::Refused));
        let said = checker.try_credentials(&call::Client::new().unwrap()).await;
        assert_eq!(said, Err(Trouble::Refused));
    }
    let service = Service::start(|_, _| (StatusCode::UNAUTHORIZED, json!({"error": "invalid_client"}))).await;
    let checker = checker(&at(&service.base), SECRET);
    for _ in 0..3 {
        assert_eq!(asked(&checker).await, SimVerdict::Unknown(SimDoubt::Refused));
    }
    assert_eq!(service.asked(), ["token"]);
}

#[tokio::test]
async fn what_is_not_asked_about_is_not_told_to_anybody() {
    let service = Service::start(|_, _| panic!("nobody is asked")).await;
    let checker = checker(&format!("{}countries = ['DE', 'ES']\n", at(&service.base)), SECRET);
    assert_eq!(asked(&checker).await, SimVerdict::Unknown(SimDoubt::NotServed));
    assert!(service.asked().is_empty());
}

#[tokio::test]
async fn nobody_there_is_no_answer() {
    let (listener, address) = listen().await;
    drop(listener);
    let checker = checker(&at(&format!("http://{address}")), SECRET);
    assert_eq!(asked(&checker).await, SimVerdict::Unknown(SimDoubt::NoAnswer));
    let said = checker.try_credentials(&call::Client::new().unwrap()).await;
    assert_eq!(said, Err(Trouble::NoAnswer));
}

fn granted(token: &str, expires_in: u64) -> (StatusCode, Value) {
    (StatusCode::OK, json!({"access_token": token, "token_type": "bearer", "expires_in": expires_in}))
}

fn unchanged() -> (StatusCode, Value) {
    (StatusCode::OK, json!({"swapped": false}))
}

#[tokio::test]
async fn a_token_serves_until_it_ends_or_is_refused() {
    let long =
        Service::start(|path, _| if path == "token" { granted("a", 3_600) } else { unchanged() }).await;
    let asks = checker(&at(&long.base), SECRET);
    for _ in 0..3 {
        assert_eq!(asked(&asks).await, SimVerdict::Unchanged);
    }
    assert_eq!(long.asked(), ["token", "check", "check", "check"]);

    let over = Service::start(|path, _| if path == "token" { granted("a", 0) } else { unchanged() }).await;
    let asks = checker(&at(&over.base), SECRET);
    for _ in 0..2 {
        assert_eq!(asked(&asks).await, SimVerdict::Unchanged);
    }
    assert_eq!(over.asked(), ["token", "check", "token", "check"]);

    // It was revoked before its time.
    let revoked = Service::start(|path, n| match (path, n) {
        ("token", n) => granted(&format!("token-{n}"), 3_600),
        (_, 1) => {
            (StatusCode::UNAUTHORIZED, json!({"status": 401, "code": "UNAUTHENTICATED", "message": ""}))
        }
        _ => unchanged(),
    })
    .await;
    let asks = checker(&at(&revoked.base), SECRET);
    assert_eq!(asked(&asks).await, SimVerdict::Unchanged);
    assert_eq!(revoked.asked(), ["token", "check", "token", "check"]);
    let bearers = revoked.heads("check", "authorization");
    assert_eq!(bearers, ["Bearer token-0", "Bearer token-2"]);
    assert_eq!(revoked.heads("token", "authorization").len(), 2);
}

#[tokio::test]
async fn one_token_is_fetched_for_all_that_wait_for_it() {
    let service =
        Service::start(|path, _| if path == "token" { granted("a", 3_600) } else { unchanged() }).await;
    let checker = checker(&at(&service.base), SECRET);
    let verdicts = futures::future::join_all((0..100).map(|_| asked(&checker))).await;
    assert!(verdicts.iter().all(|verdict| *verdict == SimVerdict::Unchanged), "{verdicts:?}");
    assert_eq!(service.asked().iter().filter(|path| **path == "token").count(), 1);
}

#[tokio::test]
async fn a_question_is_camaras_own_and_names_the_order() {
    let service =
        Service::start(|path, _| if path == "token" { granted("a", 3_600) } else { unchanged() }).await;
    let checker = checker(&format!("{}max_age_hours = 72\n", at(&service.base)), SECRET);
    asked(&checker).await;
    let bodies = service.bodies();
    assert_eq!(bodies[0], "grant_type=client_credentials&scope=sim-swap%3Acheck");
    let question: Value = serde_json::from_str(&bodies[1]).unwrap();
    assert_eq!(question, json!({"phoneNumber": PHONE, "maxAge": 72}));
    let correlator = service.heads("check", "x-correlator");
    assert_eq!(correlator, [OrderId::new([1; 16], LedgerId::new([2; 16])).to_string()]);
}

#[tokio::test]
async fn a_service_that_hangs_is_given_up_in_time() {
    let sandbox = sandbox().await;
    let checker = checker(&at(&sandbox.base), SECRET);
    fault(&sandbox, json!({"mode": "timeout"})).await;
    let begun = Instant::now();
    // More than may be under way at once: those that wait for their turn do not wait longer.
    let verdicts = futures::future::join_all((0..100).map(|_| asked(&checker))).await;
    assert!(verdicts.iter().all(|verdict| matches!(verdict, SimVerdict::Unknown(_))), "{verdicts:?}");
    // Far below the minute for which the sandbox would hold them.
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

type Behaviour = fn(&str, usize) -> (StatusCode, Value);

struct Heard {
    path: &'static str,
    headers: HeaderMap,
    body: String,
}

/// Answers as it is told, by the path and how many calls came before, and notes what it was asked.
struct Service {
    base: String,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Service {
    async fn start(behaviour: Behaviour) -> Self {
        let (listener, address) = listen().await;
        let heard = Arc::<Mutex<Vec<Heard>>>::default();
        let answers = |path: &'static str| {
            post(
                move |State(heard): State<Arc<Mutex<Vec<Heard>>>>, headers: HeaderMap, body: String| async move {
                    let mut heard = heard.lock().unwrap();
                    let (status, body_out) = behaviour(path, heard.len());
                    heard.push(Heard { path, headers, body });
                    (status, axum::Json(body_out))
                },
            )
        };
        let router = Router::new()
            .route("/oauth2/token", answers("token"))
            .route("/sim-swap/v2/check", answers("check"))
            .with_state(Arc::clone(&heard));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base: format!("http://{address}"), heard }
    }

    fn asked(&self) -> Vec<&'static str> {
        self.heard.lock().unwrap().iter().map(|heard| heard.path).collect()
    }

    fn bodies(&self) -> Vec<String> {
        self.heard.lock().unwrap().iter().map(|heard| heard.body.clone()).collect()
    }

    fn heads(&self, path: &str, name: &str) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        let of_path = heard.iter().filter(|heard| heard.path == path);
        of_path.map(|heard| heard.headers[name].to_str().unwrap().to_owned()).collect()
    }
}
