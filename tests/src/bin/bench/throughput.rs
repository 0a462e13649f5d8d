//! Orders and guesses a second on one isolate, against a worker and an object that do nothing but keep a row.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::keys::Keys;
use tiffin_tests::stack::edge_variables;

use crate::figures::cpu_ms;
use crate::figures::float;
use crate::figures::folder;
use crate::figures::median;
use crate::figures::rounded;
use crate::load;
use crate::load::post;
use crate::peers::Core;
use crate::peers::FLOOR;
use crate::peers::Worker;

/// Alternating, so that a busy machine hurts both alike.
const ROUNDS: usize = 5;
/// In each round.
const ORDERS: usize = 600;
/// Guesses at each order after the first: five would be all.
const MORE_GUESSES: usize = 3;

/// `create_alike` is `create` against a floor that makes the same calls of the platform: alarms, and a hand-over.
const KINDS: [&str; 5] = ["create", "create_alike", "create_publishable", "first_guess", "verify"];

/// One run: requests a second, and processor time of workerd per request in microseconds.
#[derive(Clone, Copy)]
struct Rate {
    per_second: f64,
    cpu_us: f64,
}

/// One comparison, round by round.
#[derive(Default)]
struct Rates {
    ours: Vec<Rate>,
    floor: Vec<Rate>,
}

enum Side {
    Floor,
    Ours,
}

struct Bench {
    keys: Keys,
    core: Core,
    ours: Worker,
    floor: Worker,
    /// Hand-overs that must have come by now.
    due: usize,
    _dir: TempDir,
}

pub async fn measure() -> anyhow::Result<Value> {
    let mut bench = Bench::start().await?;
    bench.round(&mut <[Rates; KINDS.len()]>::default()).await?;
    let mut all = <[Rates; KINDS.len()]>::default();
    for _ in 0..ROUNDS {
        bench.round(&mut all).await?;
    }
    let mut result = Map::new();
    let what = "requests a second over 32 connections, and workerd's processor time per request in µs, medians; \
                the floor is a worker and an object that read one row and write one";
    result.insert("what".into(), json!(what));
    result.insert("rounds".into(), json!(ROUNDS));
    result.insert("orders_a_round".into(), json!(ORDERS));
    for (name, rates) in KINDS.into_iter().zip(&all) {
        result.insert(name.into(), rates.summary());
    }
    Ok(Value::Object(result))
}

impl Bench {
    async fn start() -> anyhow::Result<Self> {
        let dir = folder()?;
        let keys = Keys::make(&dir.path().join("keys"))?;
        let core = Core::start().await?;
        let variables = edge_variables(&keys, core.port)?;
        let ours = Worker::start(dir.path(), &variables, None).await?;
        let floor = Worker::start(dir.path(), &variables, Some(FLOOR)).await?;
        Ok(Self { keys, core, ours, floor, due: 0, _dir: dir })
    }

    async fn round(
        &mut self,
        [create, alike, publishable, first_guess, verify]: &mut [Rates; KINDS.len()],
    ) -> anyhow::Result<()> {
        let phones: Vec<_> = (0..ORDERS).map(|_| fresh_phone()).collect();
        let floors: Vec<_> = phones.iter().map(|phone| bare(phone)).collect();

        let secret = bearer(&self.keys.secret);
        let orders = phones.iter().map(|phone| order(phone, &secret, &[])).collect();
        let bodies = self.ours(orders, 202, ORDERS, create).await?;
        let fresh = self.floor(floors.clone(), 0, create).await?;
        let alikes = phones.iter().map(|phone| bare(&format!("alike/{phone}"))).collect();
        self.floor(alikes, ORDERS, alike).await?;
        alike.ours.extend(create.ours.last());

        let app = bearer(&self.keys.publishable);
        let from_apps = (0..ORDERS).map(|_| {
            let phone = fresh_phone();
            let network = format!("10.{}.{}.{}", &phone[7..9], &phone[9..11], &phone[11..13]);
            order(
                &phone,
                &app,
                &[("cf-connecting-ip", &network), (tiffin_tests::edge::CF_HEADER, r#"{"country": "IN"}"#)],
            )
        });
        self.ours(from_apps.collect(), 202, ORDERS, publishable).await?;
        publishable.floor.push(fresh);

        let guesses = bodies.iter().map(|body| guess(body, &secret)).collect::<anyhow::Result<Vec<_>>>()?;
        self.floor(floors.clone(), 0, first_guess).await?;
        self.ours(guesses.clone(), 200, ORDERS, first_guess).await?;

        self.ours(again(&guesses), 200, 0, verify).await?;
        self.floor(again(&floors), 0, verify).await?;
        Ok(())
    }

    /// Until the hand-overs that follow are over too: they are part of the price.
    async fn ours(
        &mut self,
        requests: Vec<Vec<u8>>,
        status: u16,
        hand_overs: usize,
        rates: &mut Rates,
    ) -> anyhow::Result<Vec<String>> {
        let (rate, bodies) = self.run(Side::Ours, requests, status, hand_overs).await?;
        rates.ours.push(rate);
        Ok(bodies)
    }

    async fn run(
        &mut self,
        side: Side,
        requests: Vec<Vec<u8>>,
        status: u16,
        hand_overs: usize,
    ) -> anyhow::Result<(Rate, Vec<String>)> {
        let worker = match side {
            Side::Floor => &self.floor,
            Side::Ours => &self.ours,
        };
        let (count, pid) = (float(requests.len()), worker.process.pid());
        self.due += hand_overs;
        let before = cpu_ms(pid)?;
        let ran = load::run(worker.port, requests, status).await?;
        self.core.until_taken(self.due).await?;
        let cpu_us = (cpu_ms(pid)? - before) * 1_000.0 / count;
        Ok((Rate { per_second: count / ran.took.as_secs_f64(), cpu_us }, ran.bodies))
    }

    async fn floor(
        &mut self,
        requests: Vec<Vec<u8>>,
        hand_overs: usize,
        rates: &mut Rates,
    ) -> anyhow::Result<Rate> {
        let (rate, _) = self.run(Side::Floor, requests, 200, hand_overs).await?;
        rates.floor.push(rate);
        Ok(rate)
    }
}

impl Rates {
    fn summary(&self) -> Value {
        let of = |rates: &[Rate], figure: fn(&Rate) -> f64| median(rates.iter().map(figure).collect());
        let rate = |rate: &Rate| rate.per_second;
        let cpu = |rate: &Rate| rate.cpu_us;
        let pairs = || self.ours.iter().zip(&self.floor);
        let ratios: Vec<_> = pairs().map(|(ours, floor)| ours.per_second / floor.per_second).collect();
        let cpu_ratios = pairs().map(|(ours, floor)| floor.cpu_us / ours.cpu_us).collect();
        json!({
            "ours_a_second": rounded(of(&self.ours, rate)),
            "floor_a_second": rounded(of(&self.floor, rate)),
            "ratios": ratios.iter().copied().map(rounded).collect::<Vec<_>>(),
            "ratio": rounded(median(ratios)),
            "ours_cpu_us": rounded(of(&self.ours, cpu)),
            "floor_cpu_us": rounded(of(&self.floor, cpu)),
            "cpu_ratio": rounded(median(cpu_ratios)),
        })
    }
}

fn again(requests: &[Vec<u8>]) -> Vec<Vec<u8>> {
    (0..MORE_GUESSES).flat_map(|_| requests.iter().cloned()).collect()
}

pub fn bearer(key: &str) -> String {
    format!("Bearer {key}")
}

pub fn order(phone: &str, bearer: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let key = fresh_key();
    let headers = [&[("authorization", bearer), ("idempotency-key", &key)], more].concat();
    post("/v1/orders", &headers, &login(phone).to_string())
}

/// What the floor gets for the same phone: as many bytes to keep.
pub fn bare(phone: &str) -> Vec<u8> {
    post(&format!("/{phone}"), &[], &login(phone).to_string())
}

fn guess(created: &str, bearer: &str) -> anyhow::Result<Vec<u8>> {
    let order: Value = serde_json::from_str(created)?;
    let id = order.get("id").and_then(Value::as_str).unwrap_or_default();
    Ok(post(&format!("/v1/orders/{id}/verify"), &[("authorization", bearer)], r#"{"code":"000000"}"#))
}
