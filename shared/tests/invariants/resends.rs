//! A resend is a message like an order's: what an order would be refused for, it is refused for.

use tiffin_shared::bytes::Bytes;
use tiffin_shared::challenge::altcha::Cost;
use tiffin_shared::country::Country;
use tiffin_shared::guard::Cause;
use tiffin_shared::guard::Level;
use tiffin_shared::guard::Mode;
use tiffin_shared::guard::Standing as Verdict;
use tiffin_shared::guard::blocklist::Listed;
use tiffin_shared::guard::blocklist::Subject;
use tiffin_shared::id::GatewayId;
use tiffin_shared::id::OrderId;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Create;
use tiffin_shared::ledger::Ledger;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::ledger::Part;
use tiffin_shared::ledger::Resend;
use tiffin_shared::ledger::Standing;
use tiffin_shared::order::Attempt;
use tiffin_shared::order::AttemptState;
use tiffin_shared::order::Reason;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::wire::api::Channel;
use tiffin_shared::wire::api::ChannelChoice;
use tiffin_shared::wire::api::OrderState;
use tiffin_shared::wire::event::OrderEvent;

use crate::common::fixtures::START;
use crate::common::fixtures::command;
use crate::common::fixtures::create_as;
use crate::common::fixtures::event;
use crate::common::fixtures::proof;
use crate::common::fixtures::resend;
use crate::common::fixtures::whose;
use crate::common::host::Host;

const PREFIX: Bytes<8> = Bytes([5; 8]);

fn india() -> Country {
    Country::parse("IN").unwrap()
}

fn ordered(standing: Standing) -> (Host, OrderId) {
    let mut host = Host::default();
    let create =
        Create { country: Some(india()), prefix: Some(PREFIX), ..create_as(standing, 0, 1, Cost::Light) };
    match host.ask::<Ledger>(&command(1, Ask::Create(Box::new(create))), START).outcome {
        Outcome::Created { order, .. } => (host, OrderId::parse(&order.id).unwrap()),
        other => panic!("{other:?}"),
    }
}

/// Asks for a call by voice, or what else is said.
fn ask(host: &mut Host, id: &OrderId, key: u8, after_ms: u64, with: impl FnOnce(&mut Resend)) -> Outcome {
    let mut asked = resend(0, id, key, ChannelChoice::Voice);
    with(&mut asked);
    let command = command(100 + u64::from(key), Ask::Resend(Box::new(asked)));
    host.ask::<Ledger>(&command, START.plus(after_ms)).outcome
}

fn is_resent(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Resent { replayed: false, .. })
}

fn listed(subject: Subject, level: Level) -> Listed {
    let mut listed = Listed::default();
    let verdict =
        Verdict { level, until: START.plus(DAY_MS), because: Cause::NoConversion, mode: Mode::Enforce };
    listed.put(subject, Some(verdict), START);
    listed
}

#[test]
fn one_that_is_too_early_hears_from_when_on() {
    let (mut host, id) = ordered(Standing::Server);
    let from = START.plus(30_000);
    let early = ask(&mut host, &id, 1, 10_000, |_| {});
    assert_eq!(early, Outcome::ResendTooEarly { from, retry_after_ms: 20_000 });
    let detail = early.problem().unwrap().detail;
    assert_eq!(detail, "A resend is possible from 2026-11-19T10:00:30.000Z on.");
    assert!(is_resent(&ask(&mut host, &id, 1, 30_000, |_| {})));
}

#[test]
fn a_prefix_or_country_that_is_blocked_since_gets_no_other_message() {
    for subject in [Subject::Prefix(PREFIX), Subject::Country(india())] {
        let (mut host, id) = ordered(Standing::Server);
        let blocked = ask(&mut host, &id, 1, MINUTE_MS, |asked| asked.listed = listed(subject, Level::Block));
        assert_eq!(blocked, Outcome::Blocked);
        let challenged =
            ask(&mut host, &id, 1, MINUTE_MS, |asked| asked.listed = listed(subject, Level::Challenge));
        assert_eq!(challenged, Outcome::ChallengeRequired { cost: Cost::Heavy });
        for (cost, passes) in [(Cost::Medium, false), (Cost::Heavy, true)] {
            let solved = ask(&mut host, &id, 1, MINUTE_MS, |asked| {
                (asked.listed, asked.solved) = (listed(subject, Level::Challenge), Some(proof(9, cost)));
            });
            assert_eq!(is_resent(&solved), passes, "{solved:?}");
        }
    }
}

#[test]
fn a_country_that_is_closed_since_gets_no_other_message() {
    let (mut host, id) = ordered(Standing::Server);
    let closed = ask(&mut host, &id, 1, MINUTE_MS, |asked| {
        asked.countries = serde_json::from_str(r#"["DE"]"#).unwrap();
    });
    assert_eq!(closed, Outcome::NoRoute);
}

#[test]
fn a_strangers_spends_his_part_and_a_solved_challenge_once() {
    let (mut host, id) = ordered(Standing::Stranger);
    let within_the_minute = ask(&mut host, &id, 1, 30_000, |_| {});
    assert_eq!(within_the_minute, Outcome::ChallengeRequired { cost: Cost::Light });
    let solve = |asked: &mut Resend| asked.solved = Some(proof(9, Cost::Light));
    assert!(is_resent(&ask(&mut host, &id, 1, 30_000, solve)));
    let again = ask(&mut host, &id, 2, 3 * MINUTE_MS, |asked| {
        asked.channel = ChannelChoice::Sms;
        asked.services.iter_mut().for_each(|service| service.routes.rotate_left(1));
        solve(asked);
    });
    assert_eq!(again, Outcome::ChallengeRequired { cost: Cost::Light }, "it was used");
}

#[test]
fn what_failed_before_it_does_not_end_the_order_that_is_sent_again() {
    let (mut host, id) = ordered(Standing::Server);
    let failed = |host: &mut Host, seq, dispatch| {
        let event = OrderEvent { seq, dispatch, state: OrderState::Failed, ..event(&id.to_string()) };
        host.ask::<Ledger>(&command(9, Ask::Event(event)), START.plus(MINUTE_MS));
        match host.ask::<Ledger>(&command(9, Ask::Fetch(whose(0, &id))), START.plus(MINUTE_MS)).outcome {
            Outcome::Found(order) => (order.state, order.attempts.len()),
            other => panic!("{other:?}"),
        }
    };
    let sent = OrderEvent { seq: 1, state: OrderState::Sending, ..event(&id.to_string()) };
    host.ask::<Ledger>(&command(8, Ask::Event(sent)), START);
    assert!(is_resent(&ask(&mut host, &id, 1, 30_000, |_| {})));
    assert_eq!(failed(&mut host, 2, 0), (OrderState::Sending, 1), "it tells of the sending before");
    let due = host.ask::<Ledger>(&command(9, Ask::Tick), START.plus(MINUTE_MS)).due;
    assert!(due.iter().any(|parcel| parcel.id.part == Part::Dispatch(1)), "the resend is not lost");
    assert_eq!(failed(&mut host, 3, 1).0, OrderState::Failed);
}

#[test]
fn the_newest_sending_alone_waits_for_core() {
    let (mut host, id) = ordered(Standing::Server);
    assert!(is_resent(&ask(&mut host, &id, 1, 30_000, |_| {})));
    let other_way = |asked: &mut Resend| {
        asked.channel = ChannelChoice::Sms;
        asked.services.iter_mut().for_each(|service| service.routes.rotate_left(1));
    };
    assert!(is_resent(&ask(&mut host, &id, 2, 2 * MINUTE_MS, other_way)));
    let due = host.ask::<Ledger>(&command(9, Ask::Tick), START.plus(3 * MINUTE_MS)).due;
    let parts: Vec<_> = due.into_iter().map(|parcel| parcel.id.part).collect();
    assert_eq!(parts, [Part::Job, Part::Dispatch(2)], "core would refuse the older one after the newer");
}

#[test]
fn the_same_way_is_new_thirty_seconds_after_a_failure_that_passes_and_no_sooner() {
    let (mut host, id) = ordered(Standing::Server);
    let failed_at = START.plus(MINUTE_MS);
    let attempt = |n, gateway| Attempt {
        n,
        channel: Channel::Sms,
        gateway: GatewayId::parse(gateway).unwrap(),
        state: AttemptState::Failed,
        at: failed_at,
        expected_by: None,
        sender: None,
        told: None,
        recall: None,
        changed: "first attempt".into(),
        reason: Some(Reason::ProviderDown),
    };
    let attempts = vec![attempt(1, "alpha"), attempt(2, "beta")];
    let event = OrderEvent {
        order: id.clone(),
        seq: 1,
        dispatch: 0,
        state: OrderState::Sending,
        reason: None,
        attempts,
        next: None,
        cost: None,
    };
    host.ask::<Ledger>(&command(8, Ask::Event(event)), failed_at);
    let by_sms = |asked: &mut Resend| asked.channel = ChannelChoice::Sms;
    let early = ask(&mut host, &id, 1, MINUTE_MS + 29_999, by_sms);
    assert_eq!(early, Outcome::NothingChanged { may_change: vec![Channel::Voice] });
    assert!(is_resent(&ask(&mut host, &id, 1, MINUTE_MS + 30_000, by_sms)));
}
