//! Random commands from a seed, in a world of few phones, keys and orders, so that they meet.

use std::collections::BTreeMap;

use tiffin_shared::bytes::Bytes;
use tiffin_shared::code::Code;
use tiffin_shared::directory::Limits;
use tiffin_shared::directory::Risk;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::id::GatewayId;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::ServiceId;
use tiffin_shared::id::TenantId;
use tiffin_shared::keys::Ring;
use tiffin_shared::ledger;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Ceilings;
use tiffin_shared::ledger::Content;
use tiffin_shared::ledger::Create;
use tiffin_shared::ledger::Event;
use tiffin_shared::ledger::ParcelId;
use tiffin_shared::ledger::Part;
use tiffin_shared::ledger::Standing;
use tiffin_shared::ledger::Unlock;
use tiffin_shared::ledger::Verify;
use tiffin_shared::ledger::Whose;
use tiffin_shared::order;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Cost;
use tiffin_shared::order::Found;
use tiffin_shared::order::Hint;
use tiffin_shared::order::Reason;
use tiffin_shared::order::Receipt;
use tiffin_shared::phone::Phone;
use tiffin_shared::risk::Factors;
use tiffin_shared::risk::GeoPolicy;
use tiffin_shared::route::Health;
use tiffin_shared::route::Offer;
use tiffin_shared::route::Way;
use tiffin_shared::seal::PrivateKey;
use tiffin_shared::series;
use tiffin_shared::series::Counts;
use tiffin_shared::series::Grain;
use tiffin_shared::series::Period;
use tiffin_shared::tally;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;
use tiffin_shared::wire::api::OrderState;
use tiffin_shared::wire::event::OrderEvent;
use tiffin_shared::wire::job::Dispatch;
use tiffin_shared::wire::job::Header;
use tiffin_shared::wire::job::Private;

/// In the year 2040: no alarm of the object rings while the script runs.
pub const START: UnixMs = UnixMs(2_208_988_800_000);
const PHONES: u64 = 4;
const KEYS: u64 = 60;
/// Orders remembered for fetching, verifying and events.
const RECENT: usize = 6;

pub struct Script {
    random: u64,
    now: UnixMs,
    orders: Vec<OrderId>,
    codes: BTreeMap<OrderId, Code>,
    nonces: u64,
}

impl Script {
    pub fn new(seed: u64) -> Self {
        Self { random: seed, now: START, orders: Vec::new(), codes: BTreeMap::new(), nonces: 0 }
    }

    /// SplitMix64: small, and the same everywhere.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn entropy(&mut self) -> Entropy {
        let mut bytes = [0; 32];
        for byte in &mut bytes {
            *byte = u8::try_from(self.below(256)).unwrap_or(0);
        }
        Entropy::new(bytes)
    }

    /// Mostly forward; sometimes back, as a skewed clock is; sometimes far, so that codes and windows end.
    pub fn tick(&mut self) -> UnixMs {
        let step = self.below(400);
        self.now = match step {
            0 => self.now.plus(6 * 3_600_000),
            1..4 => self.now.plus(400_000),
            _ => self.now.plus(self.below(4_000)),
        };
        if step > 360 { self.now.minus(self.below(120_000)) } else { self.now }
    }

    pub fn ledger_event(&mut self) -> (LedgerId, Event) {
        let (now, entropy) = (self.tick(), self.entropy());
        let choice = self.below(100);
        let known = self.known();
        let (ledger, ask) = match (choice, known) {
            (0..20, _) | (_, None) => {
                let create = self.create();
                (create.ledger, Ask::Create(Box::new(create)))
            }
            (20..32, Some(order)) => (order.ledger(), Ask::Fetch(self.whose(order))),
            (32..75, Some(order)) => {
                let guess = self.guess(&order);
                (
                    order.ledger(),
                    Ask::Verify(Verify {
                        whose: self.whose(order),
                        guess,
                        binding: None,
                        solved: None,
                        is_stranger: false,
                    }),
                )
            }
            (75..82, Some(order)) => (order.ledger(), Ask::Done(ParcelId { order, part: Part::Job })),
            (82..92, Some(order)) => (order.ledger(), Ask::Event(self.order_event(order))),
            // Seldom: a lock takes twenty guesses.
            (92, Some(order)) => (order.ledger(), Ask::Unlock(Unlock { tenant: self.tenant(), at: now })),
            (_, Some(order)) => (order.ledger(), Ask::Tick),
        };
        (ledger, Event { now, entropy, ask })
    }

    /// Remembers new orders and, as a worker would, their codes.
    pub fn learn(&mut self, workers: &Ring<PrivateKey>, reply: &ledger::Reply) {
        for parcel in &reply.due {
            let Content::Job { job, dispatch: None } = &parcel.content else { continue };
            let header: Header = serde_json::from_str(&job.header).expect("a header");
            let key = workers.get(&job.sealed.key).expect("the workers' key");
            let plaintext = job.sealed.open(key, job.header.as_bytes()).expect("a job that opens");
            let private: Private = serde_json::from_slice(&plaintext).expect("a private part");
            if self.codes.insert(header.order.clone(), private.code).is_none() {
                self.orders.push(header.order);
            }
        }
        let surplus = self.orders.len().saturating_sub(RECENT);
        self.orders.drain(..surplus);
    }

    fn known(&mut self) -> Option<OrderId> {
        let count = u64::try_from(self.orders.len()).ok().filter(|count| *count > 0)?;
        let at = usize::try_from(self.below(count)).ok()?;
        self.orders.get(at).cloned()
    }

    fn tenant(&mut self) -> TenantId {
        TenantId::parse(if self.below(4) == 0 { "other" } else { "dev" }).expect("a name")
    }

    fn whose(&mut self, order: OrderId) -> Whose {
        Whose {
            tenant: self.tenant(),
            order,
            limits: Limits::default(),
            scope: Vec::new(),
            services: Vec::new(),
        }
    }

    fn guess(&mut self, order: &OrderId) -> Code {
        let right = self.codes.get(order).cloned().filter(|_| self.random.is_multiple_of(7));
        right.unwrap_or_else(|| Code::sample(6, [self.below(1_000_000)]).expect("a code"))
    }

    fn create(&mut self) -> Create {
        let (phone, key) = (self.below(PHONES), self.below(KEYS));
        let service = if self.below(3) == 0 { "payment" } else { "login" };
        create(phone, key, self.below(2), &self.tenant(), service)
    }

    fn order_event(&mut self, order: OrderId) -> OrderEvent {
        let state = match self.below(16) {
            0 => OrderState::Failed,
            1..5 => OrderState::Sending,
            5..10 => OrderState::Sent,
            _ => OrderState::Delivered,
        };
        OrderEvent {
            order,
            seq: self.below(6),
            dispatch: 0,
            state,
            reason: None,
            attempts: Vec::new(),
            next: None,
            cost: None,
        }
    }

    pub fn order_ask(&mut self) -> (OrderId, UnixMs, Entropy, order::Ask) {
        let (now, entropy, phone) = (self.tick(), self.entropy(), self.below(PHONES));
        let era = u8::try_from(self.now.since(START) / 200_000 % 251).unwrap_or(0);
        let order = OrderId::new([era; 16], LedgerId::new([u8::try_from(phone).unwrap_or(0); 16]));
        let n = u32::try_from(self.below(4) + 1).unwrap_or(1);
        let ask = match self.below(16) {
            0..4 => {
                let created_at = START.plus(self.now.since(START) / 200_000 * 200_000);
                let header = Header {
                    v: 1,
                    order: order.clone(),
                    tenant: self.tenant(),
                    service: ServiceId::parse("login").expect("a name"),
                    channel: Channel::Sms,
                    then: Vec::new(),
                    created_at,
                    expires_at: created_at.plus(300_000),
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
                };
                let offers = vec![offer("alpha", 2), offer("beta", 0)];
                let n = u8::try_from(self.below(3)).unwrap_or(0);
                let dispatch = (n > 0).then_some(Dispatch { n, channel: Channel::Sms });
                let token = Bytes([u8::try_from(self.below(3)).unwrap_or(0); 16]);
                order::Ask::Claim {
                    taken_at: None,
                    token,
                    header: Box::new(header),
                    dispatch,
                    offers,
                    terms: order::Terms { announces: true, ..order::Terms::default() },
                }
            }
            4..7 => order::Ask::Result { n, outcome: self.outcome() },
            7 => order::Ask::Receipt {
                gateway: alpha(),
                n,
                provider_id: "SM1".into(),
                receipt: Receipt::Sent,
                cost: Cost::parse("0.0075", "USD", true),
            },
            8 => order::Ask::Reported(self.below(8)),
            11 => order::Ask::Hint { gateway: alpha(), n, provider_id: "SM1".into(), hint: Hint::Arrived },
            12 => order::Ask::Hint { gateway: alpha(), n, provider_id: "SM1".into(), hint: Hint::Lost },
            10 => order::Ask::Looked { n, look: 1, found: Found::Missing },
            15 => order::Ask::SimChecked { n: 1, verdict: order::SimVerdict::Unchanged },
            9 if self.below(4) == 0 => order::Ask::Stop {
                cause: order::Cause::Cancelled,
                tenant: TenantId::parse("shop").expect("a name"),
                terms: order::Terms { announces: true, ..order::Terms::default() },
            },
            13 => {
                let receipt = (self.below(2) == 0).then_some(Receipt::Delivered);
                order::Ask::Polled { n, status: "queued".into(), receipt }
            }
            14 => order::Ask::Recalled { n, outcome: Some(order::Recall::Stopped) },
            _ => order::Ask::Tick,
        };
        (order, now, entropy, ask)
    }

    fn outcome(&mut self) -> CallOutcome {
        match self.below(8) {
            0 => CallOutcome::Failed(Reason::InvalidNumber),
            1 => CallOutcome::Unknown,
            2 => CallOutcome::Taken { provider_id: "SM1".into() },
            3 => CallOutcome::Throttled { retry_after_ms: Some(5_000) },
            _ => CallOutcome::Failed(Reason::ProviderDown),
        }
    }

    /// Some batches come twice, some a day early or late.
    pub fn tally(&mut self) -> (TenantId, UnixMs, tally::Command) {
        let (tenant, now) = (self.tenant(), self.tick());
        let command = match self.below(5) {
            0 => tally::Command::Read,
            _ => {
                self.nonces += self.below(3).min(1);
                let day = now.day().saturating_add(self.below(40) / 38).saturating_sub(self.below(40) / 38);
                let batch = Bytes(u128::from(self.nonces).to_be_bytes());
                tally::Command::Add { batch, day, orders: self.below(100) }
            }
        };
        (tenant, now, command)
    }

    /// Some batches come twice, and some periods are long over.
    pub fn series(&mut self) -> (Period, UnixMs, series::Command) {
        let (hours, now) = (self.below(60), self.tick());
        let grain = if self.below(2) == 0 { Grain::Minute } else { Grain::Hour };
        let period = Period::of(grain, now.minus(hours * 3_600_000));
        let command = match self.below(4) {
            0 => series::Command::Read,
            _ => {
                self.nonces += self.below(3).min(1);
                let mut counts = Counts { accepted: self.below(9), ..Counts::default() };
                counts.latencies.add(self.below(100_000));
                let slot = u8::try_from(self.below(70)).unwrap_or(0);
                let batch = Bytes(u128::from(self.nonces).to_be_bytes());
                series::Command::Add { period, batch, slots: [(slot, counts)].into() }
            }
        };
        (period, now, command)
    }

    pub fn nonce(&mut self) -> ([u8; 16], UnixMs) {
        self.nonces += self.below(2);
        let [a, b, c, d, e, f, g, h] = self.nonces.to_be_bytes();
        ([a, b, c, d, e, f, g, h, 0, 0, 0, 0, 0, 0, 0, 0], self.tick())
    }
}

fn alpha() -> GatewayId {
    GatewayId::parse("alpha").expect("a name")
}

pub fn offer(gateway: &str, looks_max: u8) -> Offer {
    let gateway = GatewayId::parse(gateway).expect("a name");
    Offer {
        way: Way { channel: Channel::Sms, gateway, sender: None },
        health: Health::Closed,
        free_at: UnixMs(0),
        window_ms: 12_000,
        looks_max,
        polls_max: 0,
        is_mute: false,
        price_micros: Some(2_500),
        why: "up".into(),
    }
}

pub fn create(phone: u64, key: u64, body: u64, tenant: &TenantId, service: &str) -> Create {
    let short = |number: u64| Bytes(u128::from(number).to_be_bytes());
    let number = Phone::parse(&format!("+9198765432{phone:02}")).expect("a number");
    Create {
        ledger: LedgerId::new([u8::try_from(phone).unwrap_or(0); 16]),
        tenant: tenant.clone(),
        service: ServiceId::parse(service).expect("a name"),
        limits: Limits::default(),
        ceilings: Ceilings::default(),
        standing: Standing::Server,
        solved: None,
        is_suspect: false,
        origin: None,
        geo: GeoPolicy::default(),
        factors: Factors::default(),
        services: Vec::new(),
        safer_channel: None,
        channels: Vec::new(),
        risk: Risk::Normal,
        waiting_ms: 12_000,
        country: None,
        prefix: None,
        code: None,
        digits: 6,
        ttl_ms: 300_000,
        channel: Channel::Sms,
        max_price_micros: None,
        sms_segments: None,
        trace: None,
        idempotency_key: short(key),
        fingerprint: short(body),
        to: number.masked(),
        phone: Some(number),
        email: None,
        locale: "en".into(),
        binding: None,
        client_ref: None,
        metadata: BTreeMap::new(),
    }
}
