//! A panic of one request never touches another: not one beside it, not one after it, and not what is stored.

use std::time::Duration;

use reqwest::Method;
use tempfile::TempDir;
use tiffin_tests::client::Client;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::edge;
use tiffin_tests::keys::Keys;
use tiffin_tests::process::Process;
use tiffin_tests::stack::edge_variables;
use tiffin_tests::wait;

/// Breaks the platform for one request; its headers are told there.
const DRIVER: &str = include_str!("driver.js");
/// Half of how long the driver holds a slow request.
const PAUSE: Duration = Duration::from_millis(300);
/// Requests after a panic that must not notice.
const AFTER: usize = 100;

struct Edge {
    client: Client,
    process: Process,
    _dir: TempDir,
}

impl Edge {
    async fn start() -> anyhow::Result<Self> {
        let dir = TempDir::with_prefix("tiffin-panics-")?;
        let keys = Keys::make(&dir.path().join("keys"))?;
        let port = wait::free_ports(1)?;
        // Nobody listens there: hand-overs fail, which is not what is looked at.
        let variables = edge_variables(&keys, wait::free_ports(1)?)?;
        let process = edge::start_behind(&dir.path().join("edge"), port, &variables, DRIVER)?;
        let at = format!("http://127.0.0.1:{port}");
        let client = Client::new(at.clone(), at.clone(), at, keys.secret)?;
        let edge = Self { client, process, _dir: dir };
        let look = || edge.client.raw(Method::GET, format!("{}/readyz", edge.client.edge), &[], Vec::new());
        wait::until("the edge", look, |reply| reply.status == 200).await?;
        Ok(edge)
    }

    /// An order with a header for the driver.
    async fn create(&self, phone: &str, key: &str, header: (&str, &str)) -> anyhow::Result<Reply> {
        let headers = [("idempotency-key", key), header];
        self.client.call(Method::POST, "/v1/orders", &headers, &login(phone)).await
    }

    async fn panics(&self, phone: &str, key: &str, place: &str) -> anyhow::Result<()> {
        let seen = self.process.log().matches("panicked at").count();
        let reply = self.create(phone, key, ("x-panic", place)).await?;
        anyhow::ensure!(reply.status >= 500, "{place}: {reply:?}");
        let log = || async { Ok(self.process.log().matches("panicked at").count()) };
        wait::until("the panic in the log", log, |count| *count > seen).await?;
        Ok(())
    }
}

#[tokio::test]
#[ignore = "needs the edge's wasm: make test"]
async fn a_panic_harms_no_request_beside_it() -> anyhow::Result<()> {
    let edge = Edge::start().await?;
    for place in ["worker", "before", "after"] {
        let (one, two) = (fresh_phone(), fresh_phone());
        let keys = [fresh_key(), fresh_key(), fresh_key()];
        let panics = async {
            tokio::time::sleep(PAUSE).await;
            edge.panics(&two, &keys[2], place).await
        };
        let (in_worker, in_ledger, panicked) = tokio::join!(
            edge.create(&one, &keys[0], ("x-slow", "worker")),
            edge.create(&two, &keys[1], ("x-slow", "ledger")),
            panics
        );
        panicked?;
        assert_eq!(in_worker?.status, 202, "{place}: {}", edge.process.log());
        assert_eq!(in_ledger?.status, 202, "{place}: {}", edge.process.log());
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs the edge's wasm: make test"]
async fn a_panic_harms_no_request_after_it_and_nothing_stored() -> anyhow::Result<()> {
    let edge = Edge::start().await?;
    let phone = fresh_phone();
    let id = edge.client.order(&phone).await?;
    let before = edge.client.fetch(&id).await?;
    for place in ["worker", "before"] {
        edge.panics(&phone, &fresh_key(), place).await?;
        for _ in 0..AFTER {
            assert_eq!(edge.client.fetch(&id).await?.body, before.body, "{place}");
        }
        edge.client.order(&fresh_phone()).await?;
    }
    Ok(())
}

/// The order was written, so it exists; only its reply is lost, and the same key brings it.
#[tokio::test]
#[ignore = "needs the edge's wasm: make test"]
async fn a_panic_after_the_write_loses_the_reply_and_not_the_order() -> anyhow::Result<()> {
    let edge = Edge::start().await?;
    let (phone, key) = (fresh_phone(), fresh_key());
    edge.panics(&phone, &key, "after").await?;
    let again = edge.client.create(&key, &login(&phone)).await?;
    assert_eq!((again.status, again.header("idempotency-replayed")), (202, Some("true")));
    assert_eq!(edge.client.fetch(&again.id()?).await?.body["state"], "accepted");
    Ok(())
}
