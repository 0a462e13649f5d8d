//! An account, and what its orders cost.

use serde_json::json;
use tiffin_shared::country::Country;
use tiffin_shared::id::OrderId;
use tiffin_shared::ledger;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::money;
use tiffin_shared::money::Account;
use tiffin_shared::money::Posting;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::wire::event::OrderEvent;

use super::ask;
use super::ordered;
use super::pinned;
use super::pins::ACCOUNT;
use super::reads;
use crate::common::fixtures;
use crate::common::fixtures::START;
use crate::common::fixtures::event;
use crate::common::host::Host;
use crate::common::money::order;

/// Held, captured, released and refunded, all in all.
fn posting(which: u8, n: u32, sums: [u64; 4]) -> Posting {
    let [held_micros, captured_micros, released_micros, refunded_micros] = sums;
    Posting {
        tenant: fixtures::tenant(0),
        order: order(which),
        n,
        country: Some(Country::parse("IN").unwrap()),
        held_micros,
        captured_micros,
        released_micros,
        refunded_micros,
        closes: refunded_micros > 0,
        until: START.plus(25 * HOUR_MS),
        deadline: START.plus(30_000),
    }
}

#[test]
fn the_state_of_an_account_is_pinned_after_a_fixed_script() {
    let mut host = Host::default();
    let billing = json!({"currency": "USD", "opening_micros": 20_000, "low_balance_micros": 9_000});
    let credit = money::Ask::Credit {
        amount_micros: -2_000,
        reference: "invoice 7".into(),
        note: Some("paid out".into()),
    };
    let asks = [
        (0, money::Ask::Open),
        (0, credit),
        (0, money::Ask::Post(vec![posting(1, 1, [9_000, 0, 0, 0]), posting(2, 1, [2_500, 0, 0, 0])])),
        (0, money::Ask::Post(vec![posting(1, 2, [9_000, 2_500, 0, 0]), posting(3, 1, [9_000, 0, 0, 0])])),
        (3, money::Ask::Post(vec![posting(2, 2, [2_500, 2_500, 0, 2_500])])),
    ];
    for (second, (logged, ask)) in (0..).zip(asks) {
        let billing = serde_json::from_value(billing.clone()).unwrap();
        host.ask::<Account>(&money::Command { billing, logged, ask }, START.plus(1_000 * second));
    }
    assert_eq!(host.body(), Some(ACCOUNT));
    reads::<money::State>(ACCOUNT);
    let with_more = ACCOUNT.replacen('{', r#"{"new":1,"#, 1);
    assert!(serde_json::from_str::<money::State>(&with_more).is_err());
}

#[test]
fn what_an_order_costs_is_pinned_in_cores_word_and_in_the_api() {
    let cost = r#"{"currency":"USD","held_micros":6500,"charged_micros":2500,"refunded_micros":0}"#;
    let mut host = Host::default();
    let (order, _) = ordered(&mut host);
    let told = OrderEvent { cost: Some(serde_json::from_str(cost).unwrap()), ..event(&order.id) };
    let text = serde_json::to_string(&told).unwrap();
    assert!(text.ends_with(&format!(r#","cost":{cost}}}"#)), "{text}");
    // An edge that does not know a field of a newer core's word takes the rest.
    let newer = text.replacen('{', r#"{"new":1,"#, 1);
    ask(&mut host, 4, ledger::Ask::Event(serde_json::from_str(&newer).unwrap()));
    let whose = fixtures::whose(0, &OrderId::parse(&order.id).unwrap());
    let Outcome::Found(order) = ask(&mut host, 5, ledger::Ask::Fetch(whose)).outcome else { panic!() };
    pinned(&order.cost, cost);
    let text = serde_json::to_string(&order).unwrap();
    assert!(text.ends_with(&format!(r#","cost":{cost}}}"#)), "{text}");
    reads::<ledger::State>(host.body().unwrap());
}
