//! Scripts for core's record of an order.

use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prop_oneof;
use proptest::sample::select;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::id::GatewayId;
use tiffin_shared::id::OrderId;
use tiffin_shared::order::Ask;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Cause;
use tiffin_shared::order::Command;
use tiffin_shared::order::Decision;
use tiffin_shared::order::Found;
use tiffin_shared::order::Hint;
use tiffin_shared::order::Order;
use tiffin_shared::order::Reason;
use tiffin_shared::order::Recall;
use tiffin_shared::order::Receipt;
use tiffin_shared::order::Reply;
use tiffin_shared::order::SimDoubt;
use tiffin_shared::order::SimVerdict;
use tiffin_shared::order::Terms;
use tiffin_shared::risk::Factors;
use tiffin_shared::route::Health;
use tiffin_shared::route::Offer;
use tiffin_shared::route::Way;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;
use tiffin_shared::wire::job;
use tiffin_shared::wire::job::Dispatch;
use tiffin_shared::wire::job::Header;

use super::fixtures::START;
use super::fixtures::TTL_MS;
use super::fixtures::entropy;
use super::fixtures::ledger_id;
use super::fixtures::service;
use super::fixtures::tenant;
use super::host::Host;
use super::pause;
use super::pause::Pause;

pub const VERDICTS: [SimVerdict; 3] =
    [SimVerdict::Swapped, SimVerdict::Unchanged, SimVerdict::Unknown(SimDoubt::NoAnswer)];

/// Attempts and reports are named by how many came after them.
#[derive(Clone, Debug)]
pub enum Action {
    Claim,
    Hint { back: u32, provider: u8, hint: Hint },
    Resend { n: u8, channel: Channel },
    Ran,
    Stop(Cause),
    Receipt { back: u32, provider: u8, receipt: Receipt },
    Looked { back: u32, look: u8, found: Found },
    Polled { back: u32, status: &'static str, receipt: Option<Receipt> },
    Recalled { back: u32, outcome: Option<Recall> },
    Reported { back: u64 },
    Result { back: u32, outcome: CallOutcome },
    SimChecked { n: u8, verdict: SimVerdict },
    Tick,
}

pub type Move = pause::Move<Action>;

pub fn script(
    pauses: impl Strategy<Value = Pause>,
    moves: std::ops::Range<usize>,
) -> impl Strategy<Value = Vec<Move>> {
    pause::script(pauses, action(), moves)
}

/// Seconds, as between two hand-overs of one job; now and then longer than a claim or a code lasts.
pub fn pauses() -> impl Strategy<Value = Pause> {
    prop_oneof![
        4 => Just(0_i64),
        8 => 1..3_000_i64,
        4 => 1..25_000_i64,
        1 => 1..400_000_i64,
    ]
}

fn action() -> impl Strategy<Value = Action> {
    let back = || prop_oneof![6 => Just(0_u32), 1 => 0..3_u32];
    let outcome = prop_oneof![
        1 => select(vec![Reason::Rejected, Reason::InvalidNumber, Reason::Blocked]).prop_map(CallOutcome::Failed),
        2 => Just(CallOutcome::Taken { provider_id: "m1".into() }),
        8 => Just(CallOutcome::Failed(Reason::ProviderDown)),
        1 => prop_oneof![Just(None), (0..60_000_u64).prop_map(Some)]
            .prop_map(|retry_after_ms| CallOutcome::Throttled { retry_after_ms }),
        1 => Just(CallOutcome::Unknown),
    ];
    let receipt = select(vec![Receipt::Delivered, Receipt::Failed(Reason::AbsentTemporary), Receipt::Sent]);
    prop_oneof![
        10 => Just(Action::Claim),
        2 => (1..4_u8, select(vec![Channel::Sms, Channel::Voice]))
            .prop_map(|(n, channel)| Action::Resend { n, channel }),
        1 => select(vec![Cause::Cancelled, Cause::Superseded, Cause::Verified]).prop_map(Action::Stop),
        1 => (back(), 1..3_u8, receipt.clone())
            .prop_map(|(back, provider, receipt)| Action::Receipt { back, provider, receipt }),
        1 => (back(), 1..3_u8, select(vec![Hint::Arrived, Hint::Lost]))
            .prop_map(|(back, provider, hint)| Action::Hint { back, provider, hint }),
        1 => (back(), select(vec!["", "queued", "sent", "delivered"]), proptest::option::of(receipt.clone()))
            .prop_map(|(back, status, receipt)| Action::Polled { back, status, receipt }),
        1 => (back(), proptest::option::of(select(vec![Recall::Asked, Recall::Stopped, Recall::TooLate])))
            .prop_map(|(back, outcome)| Action::Recalled { back, outcome }),
        2 => (0..3_u64).prop_map(|back| Action::Reported { back }),
        2 => Just(Action::Ran),
        2 => (back(), 1..4_u8, select(vec![Found::Missing, Found::Unclear, Found::Taken { provider_id: "m1".into() }]))
            .prop_map(|(back, look, found)| Action::Looked { back, look, found }),
        8 => (back(), outcome).prop_map(|(back, outcome)| Action::Result { back, outcome }),
        1 => (1..4_u8, select(VERDICTS.to_vec())).prop_map(|(n, verdict)| Action::SimChecked { n, verdict }),
        2 => Just(Action::Tick),
    ]
}

pub fn header() -> Header {
    Header {
        v: job::VERSION,
        order: OrderId::new([2; 16], ledger_id()),
        tenant: tenant(0),
        service: service(0),
        channel: Channel::Sms,
        then: vec![Channel::Voice],
        created_at: START,
        expires_at: START.plus(TTL_MS),
        country: None,
        prefix: None,
        supersedes: Vec::new(),
        request: None,
        factors: Factors::default(),
        tier: None,
        is_deliver_only: false,
        max_price_micros: None,
        sms_segments: None,
        trace: None,
        to_masked: None,
        client_ref: None,
    }
}

/// A claim by the worker that named it `token`.
pub fn claim(token: u64) -> Ask {
    dispatched(token, None)
}

/// The same for a resend.
pub fn dispatched(token: u64, dispatch: Option<Dispatch>) -> Ask {
    let token = Bytes(u128::from(token).to_be_bytes());
    let channels = header().channels(dispatch.as_ref());
    let offers = ["alpha", "beta", "gamma"].iter().map(|name| offer(name));
    let offers = offers.filter(|offer| channels.contains(&offer.way.channel)).collect();
    Ask::Claim { taken_at: None, token, header: Box::new(header()), dispatch, offers, terms: terms() }
}

/// Every change is told.
pub fn terms() -> Terms {
    Terms { announces: true, ..Terms::default() }
}

/// Two gateways for text messages, of which the first can be asked after an unknown outcome, and one for calls.
pub fn offer(gateway: &str) -> Offer {
    let channel = if gateway == "gamma" { Channel::Voice } else { Channel::Sms };
    Offer {
        way: Way { channel, gateway: self::gateway(gateway), sender: None },
        health: Health::Closed,
        free_at: UnixMs(0),
        window_ms: 12_000,
        looks_max: if gateway == "alpha" { 2 } else { 0 },
        polls_max: if gateway == "alpha" { 4 } else { 0 },
        is_mute: false,
        price_micros: Some(if gateway == "gamma" { 9_000 } else { 2_500 }),
        why: "up".into(),
    }
}

pub fn gateway(name: &str) -> GatewayId {
    GatewayId::parse(name).unwrap()
}

pub fn command(event: u64, ask: Ask) -> Command {
    Command { entropy: entropy(event), ask }
}

/// An order whose first message was taken, by a gateway that can be asked, and is waited for.
pub struct Sent {
    pub host: Host,
    pub now: UnixMs,
    pub events: u64,
}

impl Sent {
    pub fn new() -> Self {
        let mut sent = Self { host: Host::default(), now: START, events: 0 };
        sent.ask(claim(1));
        sent.ask(Ask::Result { n: 1, outcome: CallOutcome::Taken { provider_id: "m1".into() } });
        sent
    }

    pub fn ask(&mut self, ask: Ask) -> Reply {
        self.events += 1;
        self.host.ask::<Order>(&command(self.events, ask), self.now)
    }
}

/// A record with its clock and what an onlooker knows of it.
pub struct World {
    pub host: Host,
    pub now: UnixMs,
    /// The same as the stored state sees it.
    pub clock: UnixMs,
    /// The latest attempt.
    pub n: u32,
    /// The latest event told.
    pub seq: u64,
    /// The latest errand.
    pub token: Bytes<8>,
    events: u64,
}

impl Default for World {
    fn default() -> Self {
        Self {
            host: Host::default(),
            now: START,
            clock: START,
            n: 0,
            seq: 0,
            token: Bytes([0; 8]),
            events: 0,
        }
    }
}

impl World {
    /// The one that attempt `n` goes by; the first, where there is no such attempt.
    fn gateway(&self, n: u32) -> GatewayId {
        let record: serde_json::Value =
            self.host.body().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
        let attempts = record["attempts"].as_array();
        let mut of_n = attempts.into_iter().flatten().filter(|record| record["attempt"]["n"] == n);
        let name = of_n.next().and_then(|record| record["attempt"]["gateway"].as_str());
        gateway(name.unwrap_or("alpha"))
    }

    pub fn next(&mut self, step: &Move) -> Command {
        self.events += 1;
        self.now = pause::after(self.now, step.pause);
        self.clock = self.host.seen(self.now);
        let ask = match step.action.clone() {
            Action::Claim => claim(self.events),
            Action::Hint { back, provider, hint } => {
                let (n, provider_id) = (self.n.saturating_sub(back), format!("m{provider}"));
                Ask::Hint { gateway: self.gateway(n), n, provider_id, hint }
            }
            Action::Resend { n, channel } => dispatched(self.events, Some(Dispatch { n, channel })),
            Action::Ran => Ask::Ran { token: self.token },
            Action::Stop(cause) => Ask::Stop { cause, tenant: tenant(0), terms: terms() },
            Action::Receipt { back, provider, receipt } => {
                let (n, provider_id) = (self.n.saturating_sub(back), format!("m{provider}"));
                Ask::Receipt { gateway: self.gateway(n), n, provider_id, receipt, cost: None }
            }
            Action::Looked { back, look, found } => {
                Ask::Looked { n: self.n.saturating_sub(back), look, found }
            }
            Action::Polled { back, status, receipt } => {
                Ask::Polled { n: self.n.saturating_sub(back), status: status.into(), receipt }
            }
            Action::Recalled { back, outcome } => Ask::Recalled { n: self.n.saturating_sub(back), outcome },
            Action::Reported { back } => Ask::Reported(self.seq.saturating_sub(back)),
            Action::Result { back, outcome } => Ask::Result { n: self.n.saturating_sub(back), outcome },
            Action::SimChecked { n, verdict } => Ask::SimChecked { n, verdict },
            Action::Tick => Ask::Tick,
        };
        command(self.events, ask)
    }

    pub fn play(&mut self, step: &Move) -> Reply {
        let command = self.next(step);
        let reply = self.host.ask::<Order>(&command, self.now);
        self.note(&reply);
        reply
    }

    pub fn note(&mut self, reply: &Reply) {
        if let Decision::Send { n, .. } = reply.decision {
            self.n = n;
        }
        self.token = reply.errand.as_ref().map_or(self.token, |errand| errand.token);
        self.seq = reply.event.as_ref().map_or(self.seq, |event| event.seq);
    }
}
