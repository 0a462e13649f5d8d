//! Fixed keys, names and requests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::LazyLock;

use tiffin_shared::bytes;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::challenge::Nonce;
use tiffin_shared::challenge::Proof;
use tiffin_shared::challenge::altcha::Cost;
use tiffin_shared::directory::Countries;
use tiffin_shared::directory::Limits;
use tiffin_shared::directory::Risk;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::guard::blocklist::Listed;
use tiffin_shared::id::GatewayId;
use tiffin_shared::id::KeyId;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::ServiceId;
use tiffin_shared::id::TenantId;
use tiffin_shared::keys::Pepper;
use tiffin_shared::keys::Ring;
use tiffin_shared::keys::Signing;
use tiffin_shared::keys::Verifying;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Ceilings;
use tiffin_shared::ledger::Command;
use tiffin_shared::ledger::Content;
use tiffin_shared::ledger::Create;
use tiffin_shared::ledger::Keys;
use tiffin_shared::ledger::Parcel;
use tiffin_shared::ledger::Resend;
use tiffin_shared::ledger::ServiceRoutes;
use tiffin_shared::ledger::Standing;
use tiffin_shared::ledger::Way;
use tiffin_shared::ledger::Whose;
use tiffin_shared::order::Attempt;
use tiffin_shared::order::AttemptState;
use tiffin_shared::order::Reason;
use tiffin_shared::phone::Phone;
use tiffin_shared::risk::Factors;
use tiffin_shared::risk::GeoPolicy;
use tiffin_shared::seal::PrivateKey;
use tiffin_shared::seal::PublicKey;
use tiffin_shared::seal::Sealer;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::window::Cap;
use tiffin_shared::wire::api::Channel;
use tiffin_shared::wire::api::ChannelChoice;
use tiffin_shared::wire::api::OrderState;
use tiffin_shared::wire::event::OrderEvent;
use tiffin_shared::wire::job::Job;
use tiffin_shared::wire::job::Private;

pub const START: UnixMs = UnixMs(1_795_082_400_000);
pub const TTL_MS: u64 = 5 * MINUTE_MS;
pub const WAITING_MS: u64 = 12_000;
/// Out of the way: tenants see each other in these alone.
pub const CEILINGS: Ceilings =
    Ceilings { hourly: Cap { max: 1_000, window_ms: HOUR_MS }, daily: Cap { max: 1_000, window_ms: DAY_MS } };
pub const PHONE: &str = "+919876543210";
pub const TENANTS: [&str; 2] = ["acme", "bolt"];
pub const SERVICES: [&str; 2] = ["login", "pay"];

static KEYS: LazyLock<Arc<Keys>> = LazyLock::new(|| {
    let pepper = format!("p1:{}", bytes::encode(&[4; 32]));
    let public = PublicKey::new(&key_id("w1"), worker().public()).unwrap();
    Arc::new(Keys {
        peppers: Ring::parse(&pepper, |id, key| Ok(Pepper::new(id, key))).unwrap(),
        sealer: Sealer::new(&public, &Entropy::new([6; 32])).unwrap(),
    })
});

pub fn keys() -> Arc<Keys> {
    Arc::clone(&KEYS)
}

/// The delivery workers' private key.
pub fn worker() -> PrivateKey {
    PrivateKey::new([5; 32]).unwrap()
}

pub fn workers() -> Ring<PrivateKey> {
    Ring::parse(&format!("w1:{}", bytes::encode(&[5; 32])), |_, key| PrivateKey::new(key)).unwrap()
}

pub fn edge() -> Signing {
    Signing::new(&key_id("e1"), [3; 32])
}

pub fn edges() -> Ring<Verifying> {
    Ring::parse(&format!("e1:{}", bytes::encode(&edge().public())), |_, key| Verifying::new(key)).unwrap()
}

pub fn entropy(event: u64) -> Entropy {
    Entropy::new(bytes::sha256(&event.to_be_bytes()))
}

pub fn key_id(name: &str) -> KeyId {
    KeyId::parse(name).unwrap()
}

pub fn tenant(nth: usize) -> TenantId {
    TenantId::parse(TENANTS[nth]).unwrap()
}

pub fn service(nth: usize) -> ServiceId {
    ServiceId::parse(SERVICES[nth]).unwrap()
}

pub fn ledger_id() -> LedgerId {
    LedgerId::new([7; 16])
}

/// An order for a code of six digits by SMS.
pub fn create(of: usize, what_for: usize, key: u8, body: u8) -> Create {
    let phone = Phone::parse(PHONE).unwrap();
    Create {
        ledger: ledger_id(),
        tenant: tenant(of),
        service: service(what_for),
        limits: Limits::default(),
        ceilings: CEILINGS,
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
        waiting_ms: WAITING_MS,
        country: None,
        prefix: None,
        code: None,
        digits: 6,
        ttl_ms: TTL_MS,
        channel: Channel::Sms,
        max_price_micros: None,
        sms_segments: None,
        trace: None,
        idempotency_key: Bytes([key; 16]),
        fingerprint: Bytes([body; 16]),
        to: phone.masked(),
        phone: Some(phone),
        email: None,
        locale: "en".into(),
        binding: None,
        client_ref: None,
        metadata: BTreeMap::new(),
    }
}

/// The same by somebody of another standing: with a challenge solved for it where that is what it takes.
pub fn create_as(standing: Standing, what_for: usize, key: u8, cost: Cost) -> Create {
    let is_solved = standing == Standing::Solved;
    Create {
        standing: if is_solved { Standing::Stranger } else { standing },
        solved: is_solved.then(|| proof(key, cost)),
        ..create(0, what_for, key, 0)
    }
}

/// A solved challenge.
pub fn proof(nonce: u8, cost: Cost) -> Proof {
    Proof { nonce: Nonce(Bytes([nonce; 16])), cost }
}

pub fn command(event: u64, ask: Ask) -> Command {
    Command { keys: keys(), entropy: entropy(event), ask }
}

pub fn whose(of: usize, order: &OrderId) -> Whose {
    Whose {
        tenant: tenant(of),
        order: order.clone(),
        limits: Limits::default(),
        scope: Vec::new(),
        services: Vec::new(),
    }
}

pub fn job(parcel: &Parcel) -> &Job {
    match &parcel.content {
        Content::Job { job, .. } => job,
        Content::Notice(notice) => panic!("a notice: {notice:?}"),
    }
}

/// What a delivery worker reads.
pub fn open(parcel: &Parcel) -> Private {
    let job = job(parcel);
    let plaintext = job.sealed.open(&worker(), job.header.as_bytes()).unwrap();
    serde_json::from_slice(&plaintext).unwrap()
}

/// A wish to have a code sent once more, where there are two ways by SMS and one by voice.
pub fn resend(of: usize, order: &OrderId, key: u8, channel: ChannelChoice) -> Resend {
    let way = |channel, gateway| Way {
        channel,
        gateway: GatewayId::parse(gateway).unwrap(),
        hides_payments: false,
    };
    let routes = vec![way(Channel::Sms, "alpha"), way(Channel::Sms, "beta"), way(Channel::Voice, "gamma")];
    Resend {
        whose: whose(of, order),
        idempotency_key: Bytes([key; 16]),
        fingerprint: Bytes([channel as u8; 16]),
        channel,
        services: [0, 1].map(|nth| ServiceRoutes { service: service(nth), routes: routes.clone() }).to_vec(),
        ceilings: CEILINGS,
        countries: Countries::All,
        listed: Listed::default(),
        solved: None,
        by_operator: false,
    }
}

/// What core tells the ledger of an order whose first attempt failed.
pub fn event(order: &str) -> OrderEvent {
    let attempt = Attempt {
        n: 1,
        channel: Channel::Sms,
        gateway: GatewayId::parse("alpha").unwrap(),
        state: AttemptState::Failed,
        at: START.plus(2_500),
        changed: "first attempt".into(),
        reason: Some(Reason::ProviderDown),
        expected_by: None,
        sender: None,
        told: None,
        recall: None,
    };
    let order = OrderId::parse(order).unwrap();
    OrderEvent {
        order,
        seq: 2,
        dispatch: 0,
        state: OrderState::Sending,
        reason: None,
        attempts: vec![attempt],
        next: None,
        cost: None,
    }
}
