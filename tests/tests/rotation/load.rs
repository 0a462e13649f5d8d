//! Customers who order and verify all the time, and retry as a client does: the same request under the same key.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_tests::client::Client;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::wait;
use tokio::task::JoinHandle;

const CUSTOMERS: usize = 3;

/// What became of their orders.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Orders that were verified, of each customer.
    pub verified: BTreeMap<usize, u64>,
    /// What must not be.
    pub failed: Vec<String>,
    /// Requests that met a process that was just starting again.
    pub retried: u64,
}

/// Going on until stopped.
pub struct Load {
    tally: Arc<Mutex<Tally>>,
    customers: Vec<JoinHandle<()>>,
}

/// An order that is placed and delivered.
pub struct Held {
    pub id: String,
    pub code: String,
}

impl Load {
    pub fn start(client: &Client) -> Self {
        let tally = Arc::new(Mutex::new(Tally::default()));
        let customer = |nth: usize| {
            let (client, tally) = (client.clone(), tally.clone());
            tokio::spawn(async move {
                loop {
                    let ended = one(&client, &tally).await;
                    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                    match ended {
                        Ok(()) => *tally.verified.entry(nth).or_default() += 1,
                        Err(error) => tally.failed.push(format!("{error:#}")),
                    }
                }
            })
        };
        let customers = (0..CUSTOMERS).map(customer).collect();
        Self { tally, customers }
    }

    pub fn tally(&self) -> Tally {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until each customer has ended `more` orders: those under way now are over then.
    pub async fn go_on(&self, more: u64) -> anyhow::Result<()> {
        let before = self.tally();
        let is_on = |tally: &Tally| {
            let count = |tally: &Tally, nth| tally.verified.get(&nth).copied().unwrap_or_default();
            !tally.failed.is_empty()
                || (0..CUSTOMERS).all(|nth| count(tally, nth) >= count(&before, nth) + more)
        };
        let tally = wait::until("orders to be verified", || async { Ok(self.tally()) }, is_on).await?;
        anyhow::ensure!(tally.failed.is_empty(), "{:?}", tally.failed);
        Ok(())
    }

    pub fn stop(self) -> Tally {
        for customer in &self.customers {
            customer.abort();
        }
        self.tally()
    }
}

/// A customer's whole visit.
async fn one(client: &Client, tally: &Mutex<Tally>) -> anyhow::Result<()> {
    let held = place(client, Some(tally)).await?;
    verify(client, &held, Some(tally)).await
}

/// Orders a code, and reads it.
pub async fn place(client: &Client, tally: Option<&Mutex<Tally>>) -> anyhow::Result<Held> {
    let (phone, key) = (fresh_phone(), fresh_key());
    let headers = [("idempotency-key", key.as_str())];
    let reply = insist(client, "/v1/orders", &headers, &login(&phone), tally).await?;
    anyhow::ensure!(reply.status == 202, "not accepted: {reply:?}");
    let id = reply.id()?;
    let code = client.code(&phone).await.map_err(|error| error.context(format!("{id} was not delivered")))?;
    anyhow::ensure!(client.inbox(&phone).await?.len() == 1, "{id} was delivered twice");
    Ok(Held { id, code })
}

/// Types it in.
pub async fn verify(client: &Client, held: &Held, tally: Option<&Mutex<Tally>>) -> anyhow::Result<()> {
    let path = format!("/v1/orders/{}/verify", held.id);
    let reply = insist(client, &path, &[], &json!({"code": held.code}), tally).await?;
    let is_right = |result: &Value| result == "verified" || result == "already_verified";
    anyhow::ensure!(is_right(&reply.body["result"]), "the right code of {}: {reply:?}", held.id);
    Ok(())
}

/// Repeats what met a process that was starting again; every other answer counts.
async fn insist(
    client: &Client,
    path: &str,
    headers: &[(&str, &str)],
    body: &Value,
    tally: Option<&Mutex<Tally>>,
) -> anyhow::Result<Reply> {
    let look = || async {
        let reply = client.call(Method::POST, path, headers, body).await;
        let is_over = reply.as_ref().is_ok_and(|reply| reply.status < 500);
        if let (false, Some(tally)) = (is_over, tally) {
            tally.lock().unwrap_or_else(PoisonError::into_inner).retried += 1;
        }
        reply
    };
    wait::until(path, look, |reply| reply.status < 500).await
}
