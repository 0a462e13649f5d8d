//! One decision of a ledger, natively: decode, step, encode. No host, no network.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use serde_json::Value;
use serde_json::json;
use tiffin_shared::bytes::hmac_sha256;
use tiffin_shared::config::Edge;
use tiffin_shared::directory::Directory;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::http::Peer;
use tiffin_shared::http::Question;
use tiffin_shared::http::Request;
use tiffin_shared::http::Turn;
use tiffin_shared::http::Visit;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Command;
use tiffin_shared::ledger::Keys as LedgerKeys;
use tiffin_shared::ledger::Ledger;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::ledger::Reply;
use tiffin_shared::ledger::State;
use tiffin_shared::machine;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::UnixMs;
use tiffin_tests::keys::Keys;
use tiffin_tests::keys::Variables;
use tiffin_tests::keys::settings;

use crate::figures::float;
use crate::figures::folder;
use crate::figures::median;
use crate::figures::rounded;

const BATCHES: usize = 2_001;
/// Few: a batch should fit between two turns of the scheduler.
const CALLS: usize = 20;
/// A whole decision should cost less.
const AIM_NS: f64 = 5_000.0;
const START: UnixMs = UnixMs(1_800_000_000_000);
/// A new order supersedes an older one of its service, so live ones have a service each.
const SERVICES: [&str; 4] = ["login", "second", "third", "fourth"];

struct World {
    edge: Edge,
    keys: Arc<LedgerKeys>,
    directory: Arc<Directory>,
    secret: String,
    state: Option<String>,
    now: UnixMs,
}

pub fn measure() -> anyhow::Result<Value> {
    let mut world = World::new()?;
    let mut live = Vec::new();
    for service in SERVICES.iter().take(3) {
        live.push(world.order(service)?);
        world.now = world.now.plus(MINUTE_MS);
    }
    let state = world.state.clone().context("nothing was kept")?;
    let create = world.create(SERVICES[3])?;
    let path = format!("/v1/orders/{}/verify", live.last().context("no order")?);
    let verify = world.command(path, r#"{"code":"000000"}"#.into())?;
    let run = |command: &Command| {
        per_call(|| machine::run::<Ledger>(black_box(Some(&state)), command, world.now).map(drop))
    };
    let (create_ns, verify_ns) = (run(&create)?, run(&verify)?);
    let json_ns = per_call(|| {
        let decoded: State = serde_json::from_str(black_box(&state))?;
        serde_json::to_string(&decoded).map(drop)
    })?;
    let hmac_ns = per_call(|| {
        black_box(hmac_sha256(black_box(&[7; 32]), &[&[1; 64]]));
        anyhow::Ok(())
    })?;
    let derive_ns = per_call(|| {
        black_box(create.entropy.derive::<32>(black_box("label")));
        anyhow::Ok(())
    })?;
    let (header, plaintext) = (vec![b'h'; 200], vec![b'p'; 160]);
    let sealer = &world.keys.sealer;
    let seal_ns = per_call(|| sealer.seal([7; 24], black_box(&header), black_box(&plaintext)).map(drop))?;
    let figure = |ns: f64| {
        json!({
            "ns": rounded(ns), "of_json": rounded(ns / json_ns), "of_hmac": rounded(ns / hmac_ns),
            "is_below_aim": ns < AIM_NS,
        })
    };
    Ok(json!({
        "what": "nanoseconds per decode, step and encode of a ledger with three live orders, median of batches",
        "batches": BATCHES, "calls": CALLS, "state_bytes": state.len(), "aim_ns": AIM_NS,
        "create": figure(create_ns), "verify": figure(verify_ns),
        "floor_json_ns": rounded(json_ns), "floor_hmac_ns": rounded(hmac_ns),
        "of_these_seal_ns": rounded(seal_ns), "of_these_derive_ns": rounded(derive_ns),
    }))
}

fn per_call<E: Into<anyhow::Error>>(mut call: impl FnMut() -> Result<(), E>) -> anyhow::Result<f64> {
    let mut batches = Vec::new();
    for _ in 0..BATCHES {
        let began = Instant::now();
        for _ in 0..CALLS {
            call().map_err(Into::into)?;
        }
        batches.push(began.elapsed().as_secs_f64() * 1e9 / float(CALLS));
    }
    Ok(median(batches))
}

impl World {
    fn new() -> anyhow::Result<Self> {
        let dir = folder()?;
        let file = dir.path().join("settings.toml");
        let more: String = SERVICES
            .iter()
            .skip(1)
            .map(|name| format!("[tenants.dev.services.{name}]\nbrand = \"Tiffin\"\n"))
            .collect();
        let text = std::fs::read_to_string(settings())?;
        let first = "[tenants.dev.services.login]";
        std::fs::write(&file, text.replacen(first, &format!("{more}{first}"), 1))?;
        let keys = Keys::make_for(&file, &dir.path().join("keys"))?;
        let edge = Edge::read(|name| keys.edge.get(name).cloned())?;
        let drawn = || anyhow::Ok(Entropy::new([1; 32]));
        Ok(Self {
            keys: edge.keys(&mut None, START, drawn)?,
            directory: Arc::new(keys.config(&Variables::new())?.directory()?),
            edge,
            secret: keys.secret,
            state: None,
            now: START,
        })
    }

    /// What the front door asks the ledger for this request.
    fn command(&self, path: String, body: String) -> anyhow::Result<Command> {
        let entropy = Entropy::new([u8::try_from(self.now.since(START) / MINUTE_MS)?; 32]);
        let headers = vec![
            ("authorization".to_owned(), format!("Bearer {}", self.secret)),
            ("idempotency-key".to_owned(), format!("\"bench-{}\"", self.now.0)),
        ];
        let request =
            Request { method: "POST".into(), path, query: String::new(), headers, body: body.into_bytes() };
        let visit = Visit {
            directory: &self.directory,
            request: &request,
            peer: Peer::default(),
            entropy: &entropy,
            now: self.now,
        };
        let pending = match self.edge.front.begin(&visit) {
            Turn::Ask(pending) => pending,
            Turn::Reply(refused) => anyhow::bail!("{}", refused.body),
            Turn::Document(_) | Turn::Stream(_) => anyhow::bail!("no call of a ledger"),
        };
        let Some(Question::Ledger { ask, .. }) = pending.question() else { anyhow::bail!("no ledger") };
        Ok(Command { keys: self.keys.clone(), ask: ask.clone(), entropy })
    }

    fn create(&self, service: &str) -> anyhow::Result<Command> {
        let body = json!({"to": {"phone": "+33612345678"}, "service": service});
        self.command("/v1/orders".into(), body.to_string())
    }

    /// An order that core has taken. Its id.
    fn order(&mut self, service: &str) -> anyhow::Result<String> {
        let create = self.create(service)?;
        let reply = self.apply(&create)?;
        let Outcome::Created { order, .. } = reply.outcome else { anyhow::bail!("{:?}", reply.outcome) };
        for parcel in reply.due {
            let (keys, entropy) = (self.keys.clone(), create.entropy.clone());
            self.apply(&Command { keys, entropy, ask: Ask::Done(parcel.id) })?;
        }
        Ok(order.id)
    }

    fn apply(&mut self, command: &Command) -> anyhow::Result<Reply> {
        let (reply, commit) = machine::run::<Ledger>(self.state.as_deref(), command, self.now)?;
        if let Some(commit) = commit {
            self.state = Some(commit.body);
        }
        Ok(reply)
    }
}
