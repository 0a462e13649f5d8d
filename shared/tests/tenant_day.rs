//! A tenant's quota of orders a day, at the front door: who is refused, who is told what, and that nothing is spent.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use tiffin_shared::bytes;
use tiffin_shared::directory::ApiKey;
use tiffin_shared::directory::Countries;
use tiffin_shared::directory::Directory;
use tiffin_shared::directory::KeyKind;
use tiffin_shared::directory::Ordered;
use tiffin_shared::directory::Risk;
use tiffin_shared::directory::Route;
use tiffin_shared::directory::Service;
use tiffin_shared::directory::Tenant;
use tiffin_shared::directory::key_digest;
use tiffin_shared::directory::write_key;
use tiffin_shared::http::Answer;
use tiffin_shared::http::Front;
use tiffin_shared::http::Peer;
use tiffin_shared::http::Pending;
use tiffin_shared::http::Question;
use tiffin_shared::http::Request;
use tiffin_shared::http::Response;
use tiffin_shared::http::Turn;
use tiffin_shared::http::Visit;
use tiffin_shared::id::GatewayId;
use tiffin_shared::keys::ChallengeKey;
use tiffin_shared::keys::IndexKey;
use tiffin_shared::keys::Ring;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Ledger;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::visitor;
use tiffin_shared::wire::api::Channel;

use self::common::fixtures;
use self::common::fixtures::START;
use self::common::host::Host;

const QUOTA: u64 = 5;
const BODY: &str = r#"{"to":{"phone":"+919876543210"},"service":"login"}"#;
/// Seconds left of the day at [`START`], which is ten in the morning.
const LEFT_S: u64 = 14 * 3_600;
/// A wait may be this much longer, so that not everyone comes back at midnight.
const JITTER_S: u64 = 30;

fn key(kind: KeyKind) -> String {
    write_key(kind, [kind.prefix().as_bytes()[0]; 24])
}

fn directory(orders_per_day: Option<u64>, ordered: Option<Ordered>) -> Arc<Directory> {
    let service = Service {
        brand: "Shop".into(),
        digits: 6,
        ttl_ms: fixtures::TTL_MS,
        risk: Risk::Normal,
        channels: vec![Channel::Sms],
        waiting_ms: fixtures::WAITING_MS,
        autofill: None,
        templates: Vec::new(),
        dlt: None,
        texts: None,
        sim_swap: None,
        refunds: None,
    };
    let services = BTreeMap::from([(fixtures::service(0), service)]);
    let tenant = Tenant { services, countries: Countries::All, orders_per_day, ..Tenant::default() };
    let api_key = |id, kind| ApiKey {
        id: fixtures::key_id(id),
        tenant: fixtures::tenant(0),
        kind,
        digest: key_digest(&key(kind)),
        origins: Vec::new(),
        services: Vec::new(),
        revoked: false,
    };
    let gateway = GatewayId::parse("alpha").unwrap();
    Arc::new(Directory {
        tenants: BTreeMap::from([(fixtures::tenant(0), tenant)]),
        keys: vec![api_key("k1", KeyKind::Secret), api_key("k2", KeyKind::Publishable)],
        routes: vec![Route::new(gateway, Channel::Sms, Countries::All)],
        ordered: ordered.map(|ordered| (fixtures::tenant(0), ordered)).into_iter().collect(),
        ..Directory::default()
    })
}

fn used(orders: u64) -> Arc<Directory> {
    directory(Some(QUOTA), Ordered::coarse(START.day(), orders, QUOTA))
}

fn front() -> Front {
    let ring = format!("c1:{}", bytes::encode(&[3; 32]));
    let challenges = Ring::parse(&ring, |id, key| Ok(ChallengeKey::new(id, key))).unwrap();
    Front { index: IndexKey::new([8; 32]), challenges, turnstile: None }
}

/// The host around the front door: one ledger, and client networks that admit everybody.
struct World {
    ledger: Host,
    body: &'static str,
    /// What was asked, by name.
    asked: Vec<&'static str>,
    is_away: bool,
}

impl Default for World {
    fn default() -> Self {
        Self { ledger: Host::default(), body: BODY, asked: Vec::new(), is_away: false }
    }
}

impl World {
    fn call(
        &mut self,
        directory: &Arc<Directory>,
        path: &str,
        kind: KeyKind,
        name: &str,
        now: UnixMs,
    ) -> Response {
        self.asked.clear();
        let headers =
            [("authorization", format!("Bearer {}", key(kind))), ("idempotency-key", name.to_owned())];
        let headers = headers.map(|(name, value)| (name.to_owned(), value)).into();
        let (method, query) = ("POST".to_owned(), String::new());
        let request = Request { method, path: path.to_owned(), query, headers, body: self.body.into() };
        let (front, entropy) = (front(), fixtures::entropy(1));
        let peer = Peer { ip: Some([192, 0, 2, 1].into()), origin: None };
        let mut turn = front.begin(&Visit { directory, request: &request, peer, entropy: &entropy, now });
        loop {
            turn = match turn {
                Turn::Ask(pending) => {
                    let answer = self.answer(&pending, now);
                    front.answer(*pending, (!self.is_away).then_some(answer))
                }
                Turn::Document(response) | Turn::Reply(response) => return response,
                Turn::Stream(_) => panic!("a stream"),
            };
        }
    }

    fn order(&mut self, directory: &Arc<Directory>, kind: KeyKind, name: &str) -> Response {
        self.call(directory, "/v1/orders", kind, name, START)
    }

    fn answer(&mut self, pending: &Pending, now: UnixMs) -> Answer {
        match pending.question().unwrap() {
            Question::Ledger { ask, .. } => {
                self.asked.push(if matches!(ask, Ask::Create(_)) { "create" } else { "look" });
                Answer::Ledger(self.ledger.ask::<Ledger>(&fixtures::command(1, ask.clone()), now).outcome)
            }
            Question::Visitor { .. } => {
                self.asked.push("network");
                Answer::Visitor(visitor::Reply::Admit { remaining: 2, reset_ms: 60_000 })
            }
            Question::Evidence(_) | Question::Factor(_) | Question::Turnstile(_) => {
                panic!("nobody else is asked")
            }
        }
    }
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
}

fn field(response: &Response, name: &str) -> serde_json::Value {
    serde_json::from_str::<serde_json::Value>(&response.body).unwrap()[name].clone()
}

#[test]
fn a_server_sees_what_is_left_of_the_day_and_waits_for_the_next() {
    let mut world = World::default();
    for (orders, limit) in [(0, "r=5;t=0"), (1, "r=4;t=50400"), (4, "r=1;t=50400")] {
        let reply = world.order(&used(orders), KeyKind::Secret, "first");
        assert_eq!(reply.status, 202, "{reply:?}");
        assert_eq!(header(&reply, "ratelimit-policy"), Some(r#""tenant-day";q=5;w=86400"#));
        assert_eq!(header(&reply, "ratelimit"), Some(format!(r#""tenant-day";{limit}"#).as_str()));
    }
    let reply = world.order(&used(5), KeyKind::Secret, "second");
    assert_eq!((reply.status, field(&reply, "code")), (429, "rate_limited".into()), "{reply:?}");
    assert!(field(&reply, "detail").as_str().unwrap().contains("5 orders of the day"), "{reply:?}");
    let wait_s: u64 = header(&reply, "retry-after").unwrap().parse().unwrap();
    assert!((LEFT_S..=LEFT_S + JITTER_S).contains(&wait_s), "{wait_s}");
    assert_eq!(header(&reply, "ratelimit"), Some(format!(r#""tenant-day";r=0;t={wait_s}"#).as_str()));
}

#[test]
fn a_refusal_spends_nothing_and_an_order_that_was_made_is_still_answered() {
    for (kind, orders) in [(KeyKind::Secret, 4), (KeyKind::Publishable, 2)] {
        let mut world = World::default();
        let made = world.order(&used(orders), kind, "first");
        assert_eq!(made.status, 202, "{made:?}");
        let before = world.ledger.body().unwrap().to_owned();
        let replayed = world.order(&used(5), kind, "first");
        assert_eq!((replayed.status, header(&replayed, "idempotency-replayed")), (202, Some("true")));
        assert_eq!((field(&replayed, "id"), &world.asked), (field(&made, "id"), &vec!["look"]));
        assert_eq!(world.order(&used(5), kind, "second").status, 429);
        assert_eq!((&world.asked, world.ledger.body()), (&vec!["look"], Some(before.as_str())));
    }
}

#[test]
fn when_nobody_knows_whether_it_was_made_the_day_is_not_blamed() {
    let mut world = World { is_away: true, ..World::default() };
    let reply = world.order(&used(5), KeyKind::Secret, "first");
    assert_eq!((reply.status, header(&reply, "retry-after")), (503, Some("2")), "{reply:?}");
}

#[test]
fn a_stranger_is_refused_as_by_an_address_own_limits_and_never_told_of_the_day() {
    let mut world = World::default();
    for (orders, status) in [(0, 202), (2, 202), (3, 429), (5, 429)] {
        let name = if status == 202 { "first" } else { "second" };
        let reply = world.order(&used(orders), KeyKind::Publishable, name);
        assert_eq!(reply.status, status, "{reply:?}");
        let told = format!("{:?}", reply);
        assert!(!told.contains("tenant") && !told.contains("of the day"), "{told}");
        if status == 429 {
            let uniform = Outcome::RateLimited { retry_after_ms: LEFT_S * SECOND_MS }.problem().unwrap();
            assert_eq!(field(&reply, "detail"), uniform.detail);
            assert_eq!(header(&reply, "retry-after"), Some(LEFT_S.to_string().as_str()), "in whole minutes");
        }
    }
}

/// Whoever has the key of an app could spend all of a tenant's day, and its own server would send nothing until midnight.
#[test]
fn a_quarter_of_the_day_is_kept_for_the_tenants_own_server() {
    let told = r#"{"to":{"phone":"+919876543210"},"service":"login","client":{"ip":"192.0.2.9"}}"#;
    for (quota, open) in [(1, 1), (2, 1), (4, 3), (5, 3), (100, 75), (1_000, 750)] {
        let directory = |orders| directory(Some(quota), Ordered::coarse(START.day(), orders, quota));
        for (orders, status) in [(open - 1, 202), (open, 429)] {
            for (kind, body) in [(KeyKind::Publishable, BODY), (KeyKind::Secret, told)] {
                let mut world = World { body, ..World::default() };
                let reply = world.order(&directory(orders), kind, "first");
                assert_eq!(reply.status, status, "{orders} of {quota}: {reply:?}");
                let is_told = reply.body.contains("kept for its server's own");
                assert_eq!(is_told, status == 429 && kind == KeyKind::Secret && quota > 1, "{reply:?}");
            }
        }
        let last = World::default().order(&directory(quota - 1), KeyKind::Secret, "first");
        assert_eq!(last.status, 202, "the last of {quota}: {last:?}");
    }
}

#[test]
fn figures_of_another_day_and_tenants_without_a_quota_refuse_nobody() {
    let spent = |day| Some(Ordered { day, orders: 99 });
    let today = START.day();
    for (what, directory, limit) in [
        ("yesterday's", directory(Some(QUOTA), spent(today - 1)), Some(r#""tenant-day";r=5;t=0"#)),
        ("tomorrow's", directory(Some(QUOTA), spent(today + 1)), Some(r#""tenant-day";r=5;t=0"#)),
        ("none known", directory(Some(QUOTA), None), Some(r#""tenant-day";r=5;t=0"#)),
        ("no quota", directory(None, spent(today)), None),
    ] {
        let reply = World::default().order(&directory, KeyKind::Secret, "first");
        assert_eq!((reply.status, header(&reply, "ratelimit")), (202, limit), "{what}: {reply:?}");
    }
    let midnight = START.day_ends_at();
    let status = |now| World::default().call(&used(5), "/v1/orders", KeyKind::Secret, "first", now).status;
    assert_eq!([status(midnight.minus(1)), status(midnight)], [429, 202]);
}

#[test]
fn a_preflight_has_the_quota_as_a_check_of_its_own_for_servers() {
    let mut world = World::default();
    let mut checks = |directory: &Arc<Directory>, kind| {
        let reply = world.call(directory, "/v1/preflight", kind, "first", START);
        assert_eq!(reply.status, 200, "{reply:?}");
        let checks: Vec<_> = field(&reply, "checks").as_array().unwrap().clone();
        let last = checks.last().unwrap();
        (field(&reply, "ok") == true, format!("{} {}", last["name"], last["result"]).replace('"', ""))
    };
    assert_eq!(checks(&used(4), KeyKind::Secret), (true, "quota pass".into()));
    assert_eq!(checks(&used(5), KeyKind::Secret), (false, "quota fail".into()));
    assert_eq!(checks(&directory(None, None), KeyKind::Secret), (true, "limits pass".into()));
    assert_eq!(checks(&used(5), KeyKind::Publishable), (true, "idempotency_key pass".into()));
    assert_eq!(world.order(&used(4), KeyKind::Secret, "first").status, 202);
    let reply = world.call(&used(5), "/v1/preflight", KeyKind::Secret, "first", START);
    assert_eq!(field(&reply, "ok"), true, "the order that was made is answered: {reply:?}");
}
