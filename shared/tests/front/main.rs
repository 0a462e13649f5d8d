//! What the front door decides by itself: who is asked, with what, and what a stranger hears when nobody answers.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "../common/mod.rs"]
mod common;

mod echoes;
mod networks;

use std::collections::BTreeMap;
use std::sync::Arc;

use tiffin_shared::bytes;
use tiffin_shared::directory::ApiKey;
use tiffin_shared::directory::Countries;
use tiffin_shared::directory::Directory;
use tiffin_shared::directory::Funds;
use tiffin_shared::directory::KeyKind;
use tiffin_shared::directory::Route;
use tiffin_shared::directory::Service;
use tiffin_shared::directory::Tenant;
use tiffin_shared::directory::key_digest;
use tiffin_shared::directory::write_key;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::http::Answer;
use tiffin_shared::http::Front;
use tiffin_shared::http::Peer;
use tiffin_shared::http::Question;
use tiffin_shared::http::Request;
use tiffin_shared::http::Response;
use tiffin_shared::http::Turn;
use tiffin_shared::http::Visit;
use tiffin_shared::id::GatewayId;
use tiffin_shared::id::OrderId;
use tiffin_shared::keys::ChallengeKey;
use tiffin_shared::keys::IndexKey;
use tiffin_shared::keys::Ring;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::visitor;
use tiffin_shared::wire::api::Channel;

use self::common::fixtures;
use self::common::fixtures::PHONE;

const SECRET: KeyKind = KeyKind::Secret;
const APP: KeyKind = KeyKind::Publishable;

fn key(kind: KeyKind) -> String {
    write_key(kind, [kind.prefix().as_bytes()[0]; 24])
}

fn directory() -> Directory {
    let service: Service = serde_json::from_str(r#"{"brand":"Shop","channels":["sms"]}"#).unwrap();
    let services = [0, 1].map(|nth| (fixtures::service(nth), service.clone()));
    let tenant = Tenant { services: services.into(), countries: Countries::All, ..Tenant::default() };
    let known = |id, kind, services| ApiKey {
        id: fixtures::key_id(id),
        tenant: fixtures::tenant(0),
        kind,
        digest: key_digest(&key(kind)),
        origins: Vec::new(),
        services,
        revoked: false,
    };
    // The app's key is for one of the two services.
    let keys = vec![known("k1", SECRET, Vec::new()), known("k2", APP, vec![fixtures::service(0)])];
    let gateway = GatewayId::parse("alpha").unwrap();
    let route = Route::new(gateway, Channel::Sms, Countries::All);
    let tenants = BTreeMap::from([(fixtures::tenant(0), tenant)]);
    Directory { tenants, keys, routes: vec![route], ..Directory::default() }
}

fn front() -> Front {
    let text = format!("c1:{}", bytes::encode(&[9; 32]));
    let challenges = Ring::parse(&text, |id, key| Ok(ChallengeKey::new(id, key))).unwrap();
    Front { index: IndexKey::new([1; 32]), challenges, turnstile: None }
}

fn begin(directory: Directory, kind: KeyKind, path: &str, body: &str, ip: Option<&str>) -> Turn {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let headers =
        vec![header("authorization", &format!("Bearer {}", key(kind))), header("idempotency-key", "\"k\"")];
    let (method, path, body) = ("POST".to_owned(), path.to_owned(), body.as_bytes().to_vec());
    let request = Request { method, path, headers, body, ..Request::default() };
    let peer = Peer { ip: ip.map(|ip| ip.parse().unwrap()), origin: None };
    let (entropy, now) = (Entropy::new([3; 32]), fixtures::START);
    let directory = Arc::new(directory);
    front().begin(&Visit { directory: &directory, request: &request, peer, entropy: &entropy, now })
}

/// What the ledger is asked, by a caller without an address.
fn asked(kind: KeyKind, path: &str, body: &str) -> Ask {
    match begin(directory(), kind, path, body, None) {
        Turn::Ask(pending) => match pending.question() {
            Some(Question::Ledger { ask, .. }) => ask.clone(),
            _ => panic!("somebody else is asked"),
        },
        Turn::Reply(reply) => panic!("{reply:?}"),
        Turn::Document(_) | Turn::Stream(_) => panic!("no question"),
    }
}

fn replied(turn: Turn) -> Response {
    match turn {
        Turn::Reply(reply) => reply,
        Turn::Ask(_) | Turn::Document(_) | Turn::Stream(_) => panic!("not decided"),
    }
}

fn order() -> OrderId {
    OrderId::new([2; 16], front().index.ledger("phone", PHONE))
}

fn call(name: &str) -> String {
    format!("/v1/orders/{}/{name}", order())
}

fn login() -> String {
    format!(r#"{{"to":{{"phone":"{PHONE}"}},"service":"login"}}"#)
}

#[test]
fn a_guess_that_nobody_could_judge_is_unavailable_for_apps_too() {
    for kind in [SECRET, APP] {
        for answer in [None, Some(Answer::Ledger(Outcome::Unavailable))] {
            let turn = begin(directory(), kind, &call("verify"), r#"{"code":"123456"}"#, None);
            let Turn::Ask(pending) = turn else { panic!("not asked") };
            let reply = replied(front().answer(*pending, answer));
            assert_eq!(reply.status, 503, "{reply:?}");
            assert!(
                reply.body.contains("Fetch the order"),
                "a guess that comes again is another one: {reply:?}"
            );
            assert!(reply.headers.iter().any(|(name, _)| *name == "retry-after"));
        }
    }
}

#[test]
fn an_idempotency_key_of_a_server_is_not_that_of_an_app() {
    let named = |kind| match asked(kind, "/v1/orders", &login()) {
        Ask::Create(create) => (create.idempotency_key, create.fingerprint),
        _ => panic!("no order"),
    };
    let (server, app) = (named(SECRET), named(APP));
    assert_ne!(server.0, app.0);
    assert_eq!(server.1, app.1, "the content is the same");
    let again = |kind| match asked(kind, &call("resend"), "{}") {
        Ask::Resend(resend) => resend.idempotency_key,
        _ => panic!("no resend"),
    };
    assert_ne!(again(SECRET), again(APP));
}

#[test]
fn a_key_for_some_services_takes_its_scope_along_and_orders_for_no_other() {
    for name in ["verify", "resend", "cancel"] {
        for (kind, scope) in [(SECRET, Vec::new()), (APP, vec![fixtures::service(0)])] {
            let body = if name == "verify" { r#"{"code":"123456"}"# } else { "" };
            let whose = match asked(kind, &call(name), body) {
                Ask::Cancel(whose) => whose,
                Ask::Resend(resend) => resend.whose,
                Ask::Verify(verify) => verify.whose,
                _ => panic!("{name} asks something else"),
            };
            assert_eq!(whose.scope, scope, "{name}");
        }
    }
    let other = login().replace("login", fixtures::SERVICES[1]);
    let refused = replied(begin(directory(), APP, "/v1/orders", &other, None));
    assert!(refused.status == 422 && refused.body.contains("unknown_service"), "{refused:?}");
    assert!(matches!(asked(SECRET, "/v1/orders", &other), Ask::Create(_)));
}

#[test]
fn a_resend_is_refused_without_funds_and_to_a_number_that_is_blocked_since() {
    let with = |change: fn(&mut Tenant)| {
        let mut directory = directory();
        change(directory.tenants.get_mut(&fixtures::tenant(0)).unwrap());
        replied(begin(directory, SECRET, &call("resend"), "{}", None))
    };
    let unfunded = with(|tenant| tenant.funds = Funds::Exhausted);
    assert_eq!(unfunded.status, 402, "{unfunded:?}");
    let blocked = with(|tenant| tenant.blocked = vec![PHONE.to_owned()]);
    assert!(blocked.status == 403 && blocked.body.contains(r#""blocked""#), "{blocked:?}");
}

#[test]
fn a_resend_by_an_app_counts_like_an_order_of_its_network() {
    for (kind, counts) in [(APP, true), (SECRET, false)] {
        let Turn::Ask(pending) = begin(directory(), kind, &call("resend"), "{}", Some("192.0.2.7")) else {
            panic!("not asked")
        };
        let is_counted = matches!(
            pending.question(),
            Some(Question::Visitor { command: visitor::Command { ask: visitor::Ask::Order(_), .. }, .. })
        );
        assert_eq!(is_counted, counts);
    }
}

/// An order that names a phone and a mailbox, of a service that tries its channels in this order.
fn to_both(kind: KeyKind, channels: &str, channel: &str) -> Turn {
    let mut directory = directory();
    let service = format!(r#"{{"brand":"Shop","channels":{channels}}}"#);
    let services = &mut directory.tenants.get_mut(&fixtures::tenant(0)).unwrap().services;
    *services.get_mut(&fixtures::service(0)).unwrap() = serde_json::from_str(&service).unwrap();
    let route = Route::new(GatewayId::parse("mail").unwrap(), Channel::Email, Countries::All);
    directory.routes.push(route);
    let to = format!(r#"{{"phone":"{PHONE}","email":"anyone@example.com"}}"#);
    let body = format!(r#"{{"to":{to},"service":"login","channel":"{channel}"}}"#);
    begin(directory, kind, "/v1/orders", &body, None)
}

#[test]
fn what_may_reach_a_phone_counts_at_the_phone_whichever_channel_comes_first() {
    let of = |channels, channel| match to_both(SECRET, channels, channel) {
        Turn::Ask(pending) => match pending.question() {
            Some(Question::Ledger { ledger, ask: Ask::Create(create), .. }) => (*ledger, create.clone()),
            _ => panic!("somebody else is asked"),
        },
        _ => panic!("not asked"),
    };
    let (phone, mailbox) = ("phone", "email");
    let ledger = |kind, address| front().index.ledger(kind, address);
    for channels in [r#"["sms","email"]"#, r#"["email","sms"]"#] {
        let (asked, create) = of(channels, "auto");
        assert_eq!(asked, ledger(phone, PHONE), "{channels}");
        assert!(create.phone.is_some() && create.prefix.is_some(), "{channels}");
        // By mail alone: no resend finds a phone in it.
        let (asked, create) = of(channels, "email");
        assert_eq!(asked, ledger(mailbox, "anyone@example.com"));
        assert!(create.phone.is_none() && create.prefix.is_none(), "{channels}");
    }
}

#[test]
fn an_app_names_one_address() {
    for channel in ["auto", "sms", "email"] {
        let refused = replied(to_both(APP, r#"["sms","email"]"#, channel));
        assert!(refused.status == 400 && refused.body.contains("not both"), "{refused:?}");
    }
}
