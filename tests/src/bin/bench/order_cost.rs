//! What one order costs at the platform's prices: created, delivered with its receipts, and verified, with the real core
//! and sandbox behind. Counted by a module around the edge's own classes.

use std::collections::BTreeMap;
use std::time::Duration;
use std::time::Instant;

use reqwest::Method;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use tiffin_tests::client::Client;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::edge;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::stack::edge_variables;
use tiffin_tests::wait;

use crate::figures::cpu_ms;
use crate::figures::float;
use crate::figures::rounded;
use crate::peers::first_answer;

const DRIVER: &str = include_str!("order_cost.js");
const ORDERS: usize = 50;
/// Nothing more comes when nothing came for so long: twice what the slowest receipt takes.
const QUIET: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(100);

/// Dollars per million.
const WORKER_REQUEST: f64 = 0.30;
const CPU_MS: f64 = 0.02;
/// Alarms too.
const OBJECT_REQUEST: f64 = 0.15;
const GB_SECOND: f64 = 12.50;
const ROW_READ: f64 = 0.001;
/// An alarm that is set too.
const ROW_WRITTEN: f64 = 1.00;
/// What an object is billed for while it is awake.
const OBJECT_GB: f64 = 0.128;

type Bill = BTreeMap<String, f64>;

struct Billed {
    stack: Stack,
    http: Client,
    pid: u32,
}

pub async fn measure() -> anyhow::Result<Value> {
    let billed = Billed::start().await?;
    // Keys are exchanged, the directory is read, and code is compiled with the first.
    billed.orders("", 3).await?;
    let (secret, publishable) = (billed.bill("secret").await?, billed.bill("publishable").await?);
    Ok(json!({
        "what": "per order: counts of what the platform bills, and dollars per million orders at the published prices; \
                 included quotas are ignored",
        "orders": ORDERS, "secret": secret, "publishable": publishable,
    }))
}

impl Billed {
    async fn start() -> anyhow::Result<Self> {
        let mut stack = Stack::start(Front::Edge, Backing::Memory).await?;
        let port = |url: &str| anyhow::Ok(url.rsplit(':').next().unwrap_or_default().parse::<u16>()?);
        let (edge_port, core_port) = (port(&stack.client.edge)?, port(&stack.client.core)?);
        stack.edge = None;
        let variables = edge_variables(&stack.keys, core_port)?;
        let process = edge::start_behind(&stack.dir().join("billed"), edge_port, &variables, DRIVER)?;
        let pid = process.pid();
        stack.edge = Some(process);
        first_answer(edge_port).await?;
        Ok(Self { http: stack.client.clone(), stack, pid })
    }

    async fn bill(&self, kind: &str) -> anyhow::Result<Value> {
        let (before, cpu_before) = (self.counts().await?, cpu_ms(self.pid)?);
        let made = self.orders(kind, ORDERS).await?;
        let (delivered, cpu_delivered) = (self.settled().await?, cpu_ms(self.pid)?);
        for (id, ..) in &made {
            let reply = self.http.fetch(id).await?;
            anyhow::ensure!(reply.body.get("state") == Some(&json!("delivered")), "{reply:?}");
        }
        // Looking is not billed to the order.
        let (looked, cpu_looked) = (self.settled().await?, cpu_ms(self.pid)?);
        for (id, code, from) in &made {
            let (headers, app) = self.caller(kind, from);
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let path = format!("/v1/orders/{id}/verify");
            let reply = app.call(Method::POST, &path, &headers, &json!({ "code": code })).await?;
            anyhow::ensure!(reply.body.get("result") == Some(&json!("verified")), "{reply:?}");
        }
        let (verified, cpu_verified) = (self.settled().await?, cpu_ms(self.pid)?);
        let mut sum = per_order(&delivered, &before, cpu_delivered - cpu_before);
        let verify = per_order(&verified, &looked, cpu_verified - cpu_looked);
        let (create_dollars, verify_dollars) = (dollars(&sum), dollars(&verify));
        for (what, count) in &verify {
            *sum.entry(what.clone()).or_default() += count;
        }
        Ok(json!({
            "counts": shown(&sum), "of_which_verify": shown(&verify),
            "create_and_deliver_dollars": total(&create_dollars), "verify_dollars": total(&verify_dollars),
            "dollars": shown(&dollars(&sum)), "dollars_a_million": total(&dollars(&sum)),
        }))
    }

    /// One after the other, as they come to one phone's ledger. Ids, codes, and what the client's
    /// network is made of.
    async fn orders(&self, kind: &str, count: usize) -> anyhow::Result<Vec<(String, String, String)>> {
        let mut made = Vec::new();
        for _ in 0..count {
            let (phone, key) = (fresh_phone(), fresh_key());
            let (own, client) = self.caller(kind, &phone);
            let mut headers = vec![("idempotency-key", key.as_str())];
            headers.extend(own.iter().map(|(name, value)| (*name, value.as_str())));
            let reply = client.call(Method::POST, "/v1/orders", &headers, &login(&phone)).await?;
            anyhow::ensure!(reply.status == 202, "{reply:?}");
            made.push((reply.id()?, client.code(&phone).await?, phone));
        }
        Ok(made)
    }

    /// An app calls from its user's own network.
    fn caller(&self, kind: &str, digits: &str) -> (Vec<(&'static str, String)>, Client) {
        if kind != "publishable" {
            return (Vec::new(), self.http.clone());
        }
        let part =
            |from: usize| digits.get(from..from + 2).unwrap_or_default().parse::<u8>().unwrap_or_default();
        let network = format!("10.{}.{}.{}", part(7), part(9), part(11));
        let headers =
            vec![("cf-connecting-ip", network), (edge::CF_HEADER, r#"{"country": "IN"}"#.to_owned())];
        (headers, self.http.with_key(&self.stack.keys.publishable))
    }

    async fn counts(&self) -> anyhow::Result<Bill> {
        let url = format!("{}/bill", self.http.edge);
        let reply = self.http.raw(Method::GET, url, &[], Vec::new()).await?;
        Ok(serde_json::from_value(reply.body)?)
    }

    /// The counts when nothing is under way any more.
    async fn settled(&self) -> anyhow::Result<Bill> {
        let (mut counts, mut since) = (self.counts().await?, Instant::now());
        let deadline = Instant::now() + wait::DEADLINE;
        while since.elapsed() < QUIET {
            anyhow::ensure!(Instant::now() < deadline, "it never gets quiet");
            tokio::time::sleep(PAUSE).await;
            let now = self.counts().await?;
            if now != counts {
                (counts, since) = (now, Instant::now());
            }
        }
        Ok(counts)
    }
}

fn per_order(after: &Bill, before: &Bill, cpu_ms: f64) -> Bill {
    let of = |what: &String| before.get(what).copied().unwrap_or_default();
    let mut bill: Bill =
        after.iter().map(|(what, count)| (what.clone(), (count - of(what)) / float(ORDERS))).collect();
    bill.insert("cpu_ms".into(), cpu_ms / float(ORDERS));
    bill.retain(|_, count| *count != 0.0);
    bill
}

fn dollars(bill: &Bill) -> Bill {
    let sum = |prefixes: &[&str]| {
        let counted = |what: &str| prefixes.iter().any(|prefix| what.starts_with(prefix));
        bill.iter().filter(|(what, _)| counted(what)).map(|(_, count)| count).sum::<f64>()
    };
    // The directory is read now and then, whatever is ordered.
    let object_requests = sum(&["requests_to_", "alarms_of_"]) - sum(&["requests_to_directory"]);
    [
        ("worker_requests", sum(&["worker_requests_by_callers", "worker_requests_by_core"]) * WORKER_REQUEST),
        ("cpu", sum(&["cpu_ms"]) * CPU_MS),
        ("object_requests", object_requests * OBJECT_REQUEST),
        ("object_time", sum(&["object_ms"]) / 1_000.0 * OBJECT_GB * GB_SECOND),
        ("rows_read", sum(&["rows_read"]) * ROW_READ),
        ("rows_written", sum(&["rows_written_by_", "alarms_set"]) * ROW_WRITTEN),
    ]
    .map(|(what, dollars)| (what.to_owned(), dollars))
    .into()
}

fn total(bill: &Bill) -> f64 {
    rounded(bill.values().sum())
}

fn shown(bill: &Bill) -> Value {
    bill.iter().map(|(what, count)| (what.clone(), json!(rounded(*count)))).collect::<Map<_, _>>().into()
}
