//! What the rules come to, case by case. A text costs 2,500 millionths, a call 9,000.

use serde_json::json;
use tiffin_shared::directory::Refund;
use tiffin_shared::money::Currency;
use tiffin_shared::order::Ask;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Cause;
use tiffin_shared::order::ChargeState;
use tiffin_shared::order::Cost;
use tiffin_shared::order::Costs;
use tiffin_shared::order::Decision;
use tiffin_shared::order::Entry;
use tiffin_shared::order::Errand;
use tiffin_shared::order::Happening;
use tiffin_shared::order::Moved;
use tiffin_shared::order::Reason;
use tiffin_shared::order::Receipt;
use tiffin_shared::order::STILL_SENDING_MS;
use tiffin_shared::order::Sums;
use tiffin_shared::order::Terms;
use tiffin_shared::webhook::Kind;
use tiffin_shared::webhook::of_order;
use tiffin_shared::wire::api::OrderState;

use crate::common::fixtures::TTL_MS;
use crate::common::fixtures::tenant;
use crate::common::money::order;
use crate::common::order::gateway;
use crate::common::order::offer;
use crate::world::World;

const RICH: &str = r#"{"currency": "USD", "opening_micros": 1000000}"#;

/// Posts and claims until the worker may call, and returns the attempt's number.
fn begins(world: &mut World, resend: Option<u8>) -> Option<u32> {
    let offers = vec![offer("alpha"), offer("beta")];
    for _ in 0..8 {
        match world.claim_with(0, resend, offers.clone()).decision {
            Decision::Send { n, .. } => return Some(n),
            Decision::Post(_) => deliver(world),
            _ => return None,
        }
    }
    panic!("it never begins")
}

fn deliver(world: &mut World) {
    while !world.postings.is_empty() || !world.answers.is_empty() {
        for posting in std::mem::take(&mut world.postings) {
            world.post(posting);
        }
        for answer in std::mem::take(&mut world.answers) {
            world.answer(answer);
        }
    }
}

fn taken(world: &mut World, n: u32) {
    world.ask(0, Ask::Result { n, outcome: CallOutcome::Taken { provider_id: format!("m{n}") } });
}

fn receipt(world: &mut World, n: u32, receipt: Receipt) {
    let gateway = gateway(if n % 2 == 1 { "alpha" } else { "beta" });
    world.ask(0, Ask::Receipt { gateway, n, provider_id: format!("m{n}"), receipt, cost: None });
}

fn stop(world: &mut World, cause: Cause) {
    world.ask(0, Ask::Stop { cause, tenant: tenant(0), terms: Terms::default() });
}

/// Held, charged, released and refunded; and what became of each message, in the end.
fn ends(world: &mut World) -> ([u64; 4], Vec<ChargeState>) {
    let summary = world.settle_down();
    let bill = world.timeline(0).unwrap().bill.unwrap();
    let Sums { held_micros, captured_micros, released_micros, refunded_micros, is_final } = bill.sums;
    assert!(is_final && bill.is_posted);
    assert_eq!(summary.charged_micros, captured_micros - refunded_micros);
    let states = bill.charges.iter().map(|charge| charge.state).collect();
    ([held_micros, captured_micros, released_micros, refunded_micros], states)
}

#[test]
fn what_was_called_off_before_it_left_costs_nothing() {
    let mut world = World::new(RICH, None);
    assert!(matches!(world.claim(0, None).decision, Decision::Post(_)));
    deliver(&mut world);
    stop(&mut world, Cause::Cancelled);
    // The dearest message it might have taken.
    assert_eq!(ends(&mut world), ([9_000, 0, 9_000, 0], vec![]));
}

#[test]
fn what_was_called_off_when_it_was_overdue_goes_back() {
    let mut world = World::new(RICH, None);
    let n = begins(&mut world, None).unwrap();
    taken(&mut world, n);
    world.now = world.now.plus(13_000);
    stop(&mut world, Cause::Cancelled);
    let refunded = vec![ChargeState::Refunded(Refund::Cancelled)];
    assert_eq!(ends(&mut world), ([2_500, 2_500, 0, 2_500], refunded));
}

#[test]
fn what_nobody_proved_to_arrive_goes_back_and_what_arrived_or_was_verified_does_not() {
    for (last, is_refunded) in [
        (None, true),
        (Some(Receipt::Sent), true),
        (Some(Receipt::Failed(Reason::AbsentPermanent)), true),
        (Some(Receipt::Delivered), false),
    ] {
        let mut world = World::new(RICH, None);
        let n = begins(&mut world, None).unwrap();
        taken(&mut world, n);
        if let Some(last) = last {
            receipt(&mut world, n, last);
        }
        world.now = world.now.plus(TTL_MS);
        let back = if is_refunded { 2_500 } else { 0 };
        let (sums, states) = ends(&mut world);
        assert_eq!(sums, [2_500, 2_500, 0, back], "{last:?}");
        let refunded = ChargeState::Refunded(Refund::NotDelivered);
        assert_eq!(states, [if is_refunded { refunded } else { ChargeState::Captured }]);
    }
    let mut world = World::new(RICH, None);
    let n = begins(&mut world, None).unwrap();
    taken(&mut world, n);
    stop(&mut world, Cause::Verified);
    assert_eq!(ends(&mut world), ([2_500, 2_500, 0, 0], vec![ChargeState::Captured]));
}

#[test]
fn a_late_receipt_moves_nothing() {
    let mut world = World::new(RICH, None);
    let n = begins(&mut world, None).unwrap();
    taken(&mut world, n);
    world.now = world.now.plus(TTL_MS + 60_000);
    let before = ends(&mut world);
    receipt(&mut world, n, Receipt::Delivered);
    assert_eq!(world.timeline(0).unwrap().state, OrderState::Expired);
    assert_eq!(ends(&mut world), before);
}

#[test]
fn a_second_message_of_one_sending_that_arrived_too_goes_back_and_a_resend_does_not() {
    let mut world = World::new(RICH, None);
    let first = begins(&mut world, None).unwrap();
    taken(&mut world, first);
    world.now = world.now.plus(13_000);
    let second = begins(&mut world, None).unwrap();
    taken(&mut world, second);
    receipt(&mut world, second, Receipt::Delivered);
    receipt(&mut world, first, Receipt::Delivered);
    world.now = world.now.plus(TTL_MS);
    let states = vec![ChargeState::Captured, ChargeState::Refunded(Refund::Duplicate)];
    assert_eq!(ends(&mut world), ([5_000, 5_000, 0, 2_500], states));

    let mut world = World::new(RICH, None);
    let first = begins(&mut world, None).unwrap();
    taken(&mut world, first);
    receipt(&mut world, first, Receipt::Delivered);
    let second = begins(&mut world, Some(1)).unwrap();
    taken(&mut world, second);
    receipt(&mut world, second, Receipt::Delivered);
    world.now = world.now.plus(TTL_MS);
    assert_eq!(ends(&mut world), ([5_000, 5_000, 0, 0], vec![ChargeState::Captured; 2]));
}

#[test]
fn a_failed_attempt_costs_nothing_and_its_hold_serves_the_next() {
    let mut world = World::new(RICH, None);
    let n = begins(&mut world, None).unwrap();
    world.ask(0, Ask::Result { n, outcome: CallOutcome::Failed(Reason::Rejected) });
    let n = begins(&mut world, None).unwrap();
    taken(&mut world, n);
    stop(&mut world, Cause::Verified);
    let states = vec![ChargeState::Dropped, ChargeState::Captured];
    assert_eq!(ends(&mut world), ([2_500, 2_500, 0, 0], states));
}

#[test]
fn an_order_that_nobody_can_pay_fails_and_says_so() {
    for (billing, max_price, reason) in [
        (r#"{"currency": "USD", "opening_micros": 2499}"#, None, Reason::BalanceTooLow),
        (r#"{"currency": "EUR"}"#, None, Reason::BalanceTooLow),
        (
            r#"{"currency": "USD", "opening_micros": 9000, "caps": {"day_micros": 2000}}"#,
            None,
            Reason::SpendCapReached,
        ),
        (RICH, Some(2_499), Reason::PriceTooHigh),
    ] {
        let mut world = World::new(billing, max_price);
        assert_eq!(begins(&mut world, None), None, "{billing}");
        let timeline = world.timeline(0).unwrap();
        assert_eq!((timeline.state, timeline.reason), (OrderState::Failed, Some(reason)));
        assert_eq!(ends(&mut world), ([0; 4], vec![]));
    }
}

#[test]
fn where_the_dearest_way_is_out_of_reach_a_cheaper_one_is_taken() {
    // For a text, not for a call.
    let mut world = World::new(r#"{"currency": "USD", "opening_micros": 3000}"#, None);
    assert!(matches!(world.claim(0, None).decision, Decision::Post(_)));
    deliver(&mut world);
    assert!(matches!(world.claim(0, None).decision, Decision::Post(_)));
    deliver(&mut world);
    let Decision::Send { way, .. } = world.claim(0, None).decision else { panic!("it is not sent") };
    assert_eq!(way.gateway, gateway("alpha"));
    let sums = world.timeline(0).unwrap().bill.unwrap().sums;
    assert_eq!(sums.outstanding_micros(), 2_500);
}

fn costs(world: &mut World, n: u32, amount: &str, currency: &str) {
    let (gateway, provider_id) = (gateway("alpha"), format!("m{n}"));
    let cost = Cost::parse(amount, currency, false);
    world.ask(0, Ask::Receipt { gateway, n, provider_id, receipt: Receipt::Delivered, cost });
}

#[test]
fn a_tenant_that_pays_the_providers_price_gets_the_difference_back_and_never_pays_more_than_the_list() {
    let by_provider = r#"{"currency": "USD", "opening_micros": 1000000, "charged_by": "provider"}"#;
    for (billing, amount, currency, back) in [
        (by_provider, "0.0011", "USD", 1_400),
        (by_provider, "0", "USD", 2_500),
        (by_provider, "0.0040", "USD", 0),
        (by_provider, "0.0011", "EUR", 0),
        (RICH, "0.0011", "USD", 0),
    ] {
        let mut world = World::new(billing, None);
        let n = begins(&mut world, None).unwrap();
        taken(&mut world, n);
        costs(&mut world, n, amount, currency);
        // Its first word counts.
        costs(&mut world, n, "0.0001", "USD");
        let (sums, states) = ends(&mut world);
        assert_eq!(
            (sums, states),
            ([2_500, 2_500, 0, back], vec![ChargeState::Captured]),
            "{amount} {currency}"
        );
        let told = world.timeline(0).unwrap().attempts[0].cost;
        assert_eq!(told, Cost::parse(amount, currency, false).map(|cost| cost.price));
    }
}

#[test]
fn what_did_not_arrive_goes_back_whole_whatever_the_provider_took_for_it() {
    let mut world =
        World::new(r#"{"currency": "USD", "opening_micros": 1000000, "charged_by": "provider"}"#, None);
    let n = begins(&mut world, None).unwrap();
    taken(&mut world, n);
    let cost = Cost::parse("0.0011", "USD", false);
    let receipt = Receipt::Failed(Reason::AbsentPermanent);
    world.ask(0, Ask::Receipt { gateway: gateway("alpha"), n, provider_id: format!("m{n}"), receipt, cost });
    world.now = world.now.plus(TTL_MS);
    let refunded = vec![ChargeState::Refunded(Refund::NotDelivered)];
    assert_eq!(ends(&mut world), ([2_500, 2_500, 0, 2_500], refunded));
}

/// The kinds of webhooks that a tenant hears of the order, in their order.
fn hears(world: &World) -> Vec<Kind> {
    let told = |errand: &Errand| -> Vec<Kind> {
        let events =
            errand.fresh.iter().filter_map(|(n, entry)| of_order(&order(0), &errand.timeline, *n, entry));
        events.map(|event| event.unwrap().kind).collect()
    };
    world.records[&0].told.iter().flat_map(told).collect()
}

#[test]
fn a_refund_is_told_once_the_account_has_it_and_so_is_what_came_after_it() {
    let mut world = World::new(RICH, None);
    world.announces = true;
    let n = begins(&mut world, None).unwrap();
    taken(&mut world, n);
    deliver(&mut world);
    world.now = world.now.plus(TTL_MS + 60_000);
    let before = [Kind::OrderAttemptStarted, Kind::OrderSent];
    for _ in 0..3 {
        world.ask(0, Ask::Tick);
        world.ran(0);
    }
    assert!(world.timeline(0).unwrap().is_closed);
    assert_eq!(hears(&world), before, "the account has not answered");
    deliver(&mut world);
    world.ran(0);
    assert_eq!(hears(&world), [&before[..], &[Kind::OrderRefunded, Kind::OrderExpired]].concat());

    let last = world.records[&0].told.last().unwrap();
    let is_refund =
        |entry: &&(u32, Entry)| matches!(entry.1.what, Happening::Money { what: Moved::Refund, .. });
    let (n, entry) = last.fresh.iter().find(is_refund).unwrap();
    let payload = of_order(&order(0), &last.timeline, *n, entry).unwrap().unwrap().payload;
    let data = &serde_json::from_str::<serde_json::Value>(&payload).unwrap()["data"];
    assert_eq!(data["order"]["cost"], serde_json::to_value(cost([0, 2_500, 2_500])).unwrap());
    let told = [&data["attempt"], &data["amount_micros"], &data["rule"]];
    assert_eq!(told, [&json!(1), &json!(2_500), &json!("not_delivered")]);
}

#[test]
fn a_refund_before_the_end_and_one_at_the_end_are_told_once_each() {
    let billing = r#"{"currency": "USD", "opening_micros": 1000000, "charged_by": "provider"}"#;
    let mut world = World::new(billing, None);
    world.announces = true;
    let n = begins(&mut world, None).unwrap();
    taken(&mut world, n);
    let cost = Cost::parse("0.0011", "USD", false);
    let (gateway, provider_id) = (gateway("alpha"), format!("m{n}"));
    world.ask(0, Ask::Receipt { gateway, n, provider_id, receipt: Receipt::Sent, cost });
    deliver(&mut world);
    world.ran(0);
    let mut told = vec![Kind::OrderAttemptStarted, Kind::OrderSent, Kind::OrderRefunded];
    world.ran(0);
    assert_eq!(hears(&world), told);
    world.now = world.now.plus(TTL_MS + 60_000);
    world.ask(0, Ask::Tick);
    world.ran(0);
    assert_eq!(hears(&world), told, "the account has not answered");
    deliver(&mut world);
    world.ran(0);
    world.ran(0);
    told.extend([Kind::OrderRefunded, Kind::OrderExpired]);
    assert_eq!(hears(&world), told);
}

/// On hold, charged and refunded.
fn cost([held_micros, charged_micros, refunded_micros]: [u64; 3]) -> Costs {
    Costs { currency: Currency::default(), held_micros, charged_micros, refunded_micros }
}

#[test]
fn the_edge_hears_what_an_order_costs_as_it_changes_and_after_its_end() {
    let mut world = World::new(RICH, None);
    let heard = |world: &mut World| {
        // What is not told at once is told within a second.
        world.now = world.now.plus(STILL_SENDING_MS);
        world.ask(0, Ask::Tick);
        let event = world.records[&0].event.clone().unwrap();
        let (seq, cost) = (event.seq, event.cost.unwrap());
        world.ask(0, Ask::Reported(seq));
        (seq, cost)
    };
    assert!(matches!(world.claim(0, None).decision, Decision::Post(_)));
    deliver(&mut world);
    let (on_hold, told) = heard(&mut world);
    assert_eq!(told, cost([9_000, 0, 0]));
    let n = begins(&mut world, None).unwrap();
    taken(&mut world, n);
    let (charged, told) = heard(&mut world);
    assert_eq!(told, cost([6_500, 2_500, 0]));
    world.now = world.now.plus(TTL_MS + 60_000);
    world.ask(0, Ask::Tick);
    let (closed, told) = heard(&mut world);
    assert_eq!(told, cost([0, 2_500, 2_500]));
    assert!(on_hold < charged && charged < closed, "{on_hold} {charged} {closed}");

    let mut world = World::new(RICH, Some(2_499));
    assert_eq!(begins(&mut world, None), None);
    assert_eq!(heard(&mut world).1, cost([0; 3]), "nothing was held for it");
}
