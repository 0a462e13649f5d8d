//! What operators do: the bytes that are stored of it, and what an erasure leaves of an address.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tiffin_shared::admin;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::directory::Limits;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::escalation;
use tiffin_shared::id::GatewayId;
use tiffin_shared::id::OrderId;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Ledger;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::order;
use tiffin_shared::order::Decision;
use tiffin_shared::order::Desk;
use tiffin_shared::order::Order;
use tiffin_shared::wire::api::Channel;
use tiffin_shared::wire::api::OrderState;
use tiffin_shared::wire::job::Dispatch;
use tiffin_shared::wire::job::Header;

use self::common::fixtures;
use self::common::fixtures::START;
use self::common::fixtures::command;
use self::common::host::Host;

fn reads<T: Serialize + DeserializeOwned>(text: &str) {
    let value: T = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&value).unwrap(), text);
}

#[test]
fn what_operators_set_is_pinned() {
    let mut host = Host::default();
    let settings = admin::RouteSettings { priority: Some(9), ..admin::RouteSettings::default() };
    let change = admin::Change::PutRoute(GatewayId::parse("alpha").unwrap(), Some(settings));
    let by = admin::By { name: "asha".into(), token: "t".into() };
    let wish = Box::new(admin::Wish { by, change, expected: None });
    host.ask::<admin::Admin>(&admin::Command::Change { seen: 0, wish }, START);
    let pinned = r#"{"clock":1795082400000,"version":1,"routes":{"alpha":{"version":1,"value":{"priority":9}}},"unlogged":[{"n":1,"at":1795082400000,"by":{"name":"asha","token":"t"},"what":"route.set alpha","before":null,"after":{"priority":9}}]}"#;
    assert_eq!(host.stored.unwrap().commit.body, pinned);
    reads::<admin::Settings>(pinned);
}

#[test]
fn the_state_of_escalations_is_pinned() {
    let mut host = Host::default();
    let opening = escalation::Opening {
        kind: escalation::Kind::Refund,
        rule: Some(escalation::Rule::Overdue),
        subject: "alpha for acme".into(),
        tenant: None,
        gateway: Some(GatewayId::parse("alpha").unwrap()),
        orders: Vec::new(),
        text: "nothing was heard".into(),
        due_ms: 1_000,
        request: Bytes([0; 16]),
    };
    let open = escalation::Command::Open { by: "rule".into(), opening: Box::new(opening) };
    host.ask::<escalation::Escalations>(&open, START);
    let pinned = r#"{"clock":1795082400000,"last":1,"all":[{"id":1,"kind":"refund","rule":"overdue","subject":"alpha for acme","state":"open","gateway":"alpha","opened_at":1795082400000,"due_at":1795082401000,"orders":[],"notes":[{"at":1795082400000,"by":"rule","text":"nothing was heard"}],"request":"AAAAAAAAAAAAAAAAAAAAAA"}]}"#;
    assert_eq!(host.stored.unwrap().commit.body, pinned);
    reads::<escalation::State>(pinned);
}

fn erased(host: &mut Host, forget: Vec<OrderId>) -> Vec<OrderId> {
    match host.ask::<Ledger>(&command(9, Ask::Erase(forget)), START.plus(5_000)).outcome {
        Outcome::Erased { orders } => orders,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_erased_ledger_says_nothing_of_its_orders_and_still_counts_them() {
    let mut host = Host::default();
    for n in 1..=3_u8 {
        let create = fixtures::create(0, 1, n, n);
        let mask = create.to.clone();
        let reply = host.ask::<Ledger>(&command(n.into(), Ask::Create(Box::new(create))), START);
        assert!(matches!(reply.outcome, Outcome::Created { .. }), "{:?}", reply.outcome);
        assert!(host.stored.as_ref().unwrap().commit.body.contains(&mask));
    }
    let all = erased(&mut host, Vec::new());
    assert_eq!(all.len(), 3, "asking forgets nothing");
    assert_eq!(erased(&mut host, all[..1].to_vec()), all[1..], "a part at a time");
    assert!(erased(&mut host, all.clone()).is_empty());
    let left = host.stored.as_ref().unwrap().commit.body.clone();
    assert!(!left.contains("ord_") && !left.contains("sealed") && !left.contains('*'), "{left}");
    // The bucket is as empty as it was: an erasure is no way to more messages.
    let again = host
        .ask::<Ledger>(&command(9, Ask::Create(Box::new(fixtures::create(0, 1, 9, 9)))), START.plus(5_001));
    assert!(matches!(again.outcome, Outcome::RateLimited { .. }), "{:?}", again.outcome);
}

#[test]
fn an_erased_order_is_not_sent_by_the_job_that_comes_after() {
    let ask = |host: &mut Host, n: u8, ask| {
        let command = order::Command { entropy: Entropy::new([n; 32]), ask };
        host.ask::<Order>(&command, START.plus(u64::from(n)))
    };
    let masked = Some("+91••••••3210".to_owned());
    let header = Header { prefix: Some(Bytes([1; 8])), to_masked: masked, ..common::order::header() };
    let claim = || order::Ask::Claim {
        taken_at: None,
        token: Bytes([1; 16]),
        header: Box::new(header.clone()),
        dispatch: None,
        offers: Vec::new(),
        terms: order::Terms::default(),
    };
    for comes_first in [true, false] {
        let mut host = Host::default();
        if comes_first {
            ask(&mut host, 1, claim());
            assert!(host.stored.as_ref().unwrap().commit.body.contains("3210"));
        }
        assert_eq!(ask(&mut host, 2, order::Ask::Desk(Desk::Erase)).decision, Decision::Noted);
        let body = host.stored.as_ref().unwrap().commit.body.clone();
        let says = ["prefix", "3210", "attempt\""].into_iter().find(|word| body.contains(word));
        assert_eq!(says, None, "{body}");
        assert_eq!(ask(&mut host, 3, claim()).decision, Decision::Stop);
    }
}

#[test]
fn an_erased_order_keeps_its_state_says_when_and_takes_nothing_more() {
    let delivered = order::Ask::Receipt {
        gateway: common::order::gateway("alpha"),
        n: 1,
        provider_id: "m1".into(),
        receipt: order::Receipt::Delivered,
        cost: None,
    };
    for (before, state) in [(Some(delivered), OrderState::Delivered), (None, OrderState::Cancelled)] {
        let mut sent = common::order::Sent::new();
        before.into_iter().for_each(|ask| drop(sent.ask(ask)));
        assert_eq!(sent.ask(order::Ask::Desk(Desk::Erase)).decision, Decision::Noted);
        let read = sent.host.ask::<order::Read>(&(), START).expect("a record");
        assert_eq!((read.state, read.erased_at, read.is_closed), (state, Some(START), true));
        assert_eq!(read.outlook(&[], &Limits::default(), 12_000, START), None);
        let body = |sent: &common::order::Sent| sent.host.body().map(str::to_owned);
        let kept = body(&sent);
        let resend = Dispatch { n: 1, channel: Channel::Voice };
        assert_eq!(sent.ask(common::order::dispatched(9, Some(resend))).decision, Decision::Stop);
        let wish = Desk::RetryRefused {
            by: "asha".into(),
            code: "not_found".into(),
            why: "x".into(),
            may_change: Vec::new(),
        };
        assert_eq!(sent.ask(order::Ask::Desk(wish)).decision, Decision::Stop);
        assert_eq!(sent.ask(order::Ask::Desk(Desk::Erase)).decision, Decision::Noted);
        assert_eq!(body(&sent), kept, "nothing is written any more");
    }
}

#[test]
fn wishes_of_support_beyond_the_bound_are_refused_and_what_came_of_the_last_is_logged() {
    let mut host = Host::default();
    let ask = |host: &mut Host, ask| {
        host.ask::<Order>(&order::Command { entropy: Entropy::new([1; 32]), ask }, START).decision
    };
    let claim = order::Ask::Claim {
        taken_at: None,
        token: Bytes([1; 16]),
        header: Box::new(common::order::header()),
        dispatch: None,
        offers: Vec::new(),
        terms: order::Terms::default(),
    };
    ask(&mut host, claim);
    let asked = || {
        let channel = tiffin_shared::wire::api::ChannelChoice::Auto;
        order::Ask::Desk(Desk::RetryAsked { by: "asha".into(), reason: "x".into(), channel })
    };
    let noted = (0..100).filter(|_| ask(&mut host, asked()) == Decision::Noted).count();
    assert_eq!(noted, order::DESK_ENTRIES_MAX - 1);
    let refused = Desk::RetryRefused {
        by: "asha".into(),
        code: "nothing_changed".into(),
        why: "x".into(),
        may_change: Vec::new(),
    };
    assert_eq!(ask(&mut host, order::Ask::Desk(refused.clone())), Decision::Noted);
    assert_eq!(ask(&mut host, order::Ask::Desk(refused)), Decision::Stop);
}
