//! Without randomness nothing is decided: no code is made, no guess is evaluated, and the host says so.
#![expect(clippy::panic_in_result_fn, reason = "tests fail by panicking")]

mod native;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;
use tiffin_tests::client::Client;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::edge;
use tiffin_tests::keys::Keys;
use tiffin_tests::stack::edge_variables;
use tiffin_tests::wait;

const DRIVER: &str = include_str!("driver.js");

#[tokio::test]
#[ignore = "needs the edge's wasm: make test"]
async fn the_edge_without_randomness_answers_503_and_makes_no_code() -> anyhow::Result<()> {
    let dir = TempDir::with_prefix("tiffin-randomness-")?;
    let keys = Keys::make(&dir.path().join("keys"))?;
    let port = wait::free_ports(1)?;
    // Nobody listens there: hand-overs fail, which is not what is looked at.
    let variables = edge_variables(&keys, wait::free_ports(1)?)?;
    let _process = edge::start_behind(&dir.path().join("edge"), port, &variables, DRIVER)?;
    let at = format!("http://127.0.0.1:{port}");
    let client = Client::new(at.clone(), at.clone(), at, keys.secret)?;
    let ready = || client.raw(Method::GET, format!("{}/healthz", client.edge), &[], Vec::new());
    wait::until("the edge", ready, |reply| reply.status == 200).await?;

    let (phone, key) = (fresh_phone(), fresh_key());
    // The ledger first: the first order of an isolate needs randomness once more, for the key exchange.
    for place in ["ledger", "worker"] {
        let headers = [("idempotency-key", key.as_str()), ("x-random", place)];
        let refused = client.call(Method::POST, "/v1/orders", &headers, &login(&phone)).await?;
        assert_eq!(refused.status, 503, "{place}: {refused:?}");
        assert!(!refused.text.contains("ord_"), "{place}: {refused:?}");
    }
    // The same request again is the first that the ledger decides.
    let order = client.create(&key, &login(&phone)).await?;
    assert_eq!((order.status, order.header("idempotency-replayed")), (202, None), "{order:?}");
    let id = order.id()?;

    let (path, headers) = (format!("/v1/orders/{id}/verify"), [("x-random", "worker")]);
    for _ in 0..6 {
        let refused = client.call(Method::POST, &path, &headers, &json!({"code": "000000"})).await?;
        assert_eq!(refused.status, 503, "{refused:?}");
    }
    let fetched = client.call(Method::GET, &format!("/v1/orders/{id}"), &[], &Value::Null).await?;
    assert_eq!(fetched.body.get("guesses_left"), Some(&json!(5)));
    Ok(())
}
