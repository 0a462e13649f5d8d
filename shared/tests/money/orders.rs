//! Orders with their account, in random interleavings.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prop_assert_eq;
use proptest::prop_oneof;
use proptest::proptest;
use proptest::sample::select;
use tiffin_shared::money::Kind;
use tiffin_shared::money::Side;
use tiffin_shared::order::Ask;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Cause;
use tiffin_shared::order::Cost;
use tiffin_shared::order::Found;
use tiffin_shared::order::Reason;
use tiffin_shared::order::Receipt;
use tiffin_shared::order::Terms;

use crate::account::sums;
use crate::common;
use crate::common::fixtures::tenant;
use crate::common::money::order as order_id;
use crate::common::order::gateway;
use crate::world::World;

const ORDERS: u8 = 4;

#[derive(Clone, Debug)]
enum Action {
    /// Some posting reaches the account: it stays in the bag where it is to come again.
    Post { which: usize, again: bool },
    /// Some answer reaches its record.
    Answer { which: usize, again: bool },
    /// A message between account and orders is lost.
    Lose { which: usize },
    /// Some process logs what it has in hand, and may die before it tells the account.
    Append { which: usize, tells: bool },
    /// An order's record, or its worker, does something.
    Order { order: u8, what: What },
    /// Time passes.
    Pass { ms: u64 },
}

#[derive(Clone, Debug)]
enum What {
    Claim,
    Resend(u8),
    Result(CallOutcome),
    Looked(Found),
    Receipt {
        back: u32,
        receipt: Receipt,
        cost: Option<Cost>,
    },
    Stop(Cause),
    Ran,
    Tick,
    /// The store loses the record.
    Forget,
}

/// Below the list's price, above it, nothing, and in another currency.
fn costs() -> impl Strategy<Value = Option<Cost>> {
    let cost = |(amount, currency): (&str, &str)| Cost::parse(amount, currency, false);
    select(vec![("0.0011", "USD"), ("0.5", "USD"), ("0", "USD"), ("0.001", "EUR"), ("", "")]).prop_map(cost)
}

fn actions(forgets: bool) -> impl Strategy<Value = Vec<Action>> {
    let taken = || CallOutcome::Taken { provider_id: "m1".into() };
    let what = prop_oneof![
        12 => Just(What::Claim),
        2 => (1..3_u8).prop_map(What::Resend),
        8 => prop_oneof![
            4 => Just(taken()),
            2 => Just(CallOutcome::Failed(Reason::ProviderDown)),
            1 => Just(CallOutcome::Failed(Reason::Rejected)),
            2 => Just(CallOutcome::Unknown),
            1 => Just(CallOutcome::Throttled { retry_after_ms: None }),
        ].prop_map(What::Result),
        1 => select(vec![Found::Missing, Found::Taken { provider_id: "m1".into() }]).prop_map(What::Looked),
        5 => (0..3_u32, select(vec![Receipt::Delivered, Receipt::Sent, Receipt::Failed(Reason::Rejected)]), costs())
            .prop_map(|(back, receipt, cost)| What::Receipt { back, receipt, cost }),
        1 => select(vec![Cause::Cancelled, Cause::Superseded, Cause::Verified]).prop_map(What::Stop),
        1 => Just(What::Ran),
        2 => Just(What::Tick),
        u32::from(forgets) => Just(What::Forget),
    ];
    let again = || proptest::bool::weighted(0.3);
    let which = || 0..32_usize;
    let action = prop_oneof![
        14 => (0..ORDERS, what).prop_map(|(order, what)| Action::Order { order, what }),
        7 => (which(), again()).prop_map(|(which, again)| Action::Post { which, again }),
        7 => (which(), again()).prop_map(|(which, again)| Action::Answer { which, again }),
        1 => which().prop_map(|which| Action::Lose { which }),
        2 => (which(), proptest::bool::ANY).prop_map(|(which, tells)| Action::Append { which, tells }),
        4 => prop_oneof![0..3_000_u64, 3_000..40_000_u64, 100_000..400_000_u64]
            .prop_map(|ms| Action::Pass { ms }),
    ];
    vec(action, 1..160)
}

fn play(world: &mut World, action: &Action) {
    match action {
        Action::Post { which, again } if !world.postings.is_empty() => {
            let at = which % world.postings.len();
            let posting = if *again { world.postings[at].clone() } else { world.postings.swap_remove(at) };
            world.post(posting);
        }
        Action::Answer { which, again } if !world.answers.is_empty() => {
            let at = which % world.answers.len();
            let answer = if *again { world.answers[at].clone() } else { world.answers.swap_remove(at) };
            world.answer(answer);
        }
        Action::Lose { which } if !world.postings.is_empty() && which % 2 == 0 => {
            world.postings.swap_remove(which % world.postings.len());
        }
        Action::Lose { which } if !world.answers.is_empty() => {
            world.answers.swap_remove(which % world.answers.len());
        }
        Action::Append { which, tells } if !world.in_hand.is_empty() => {
            let entries = world.in_hand[which % world.in_hand.len()].clone();
            world.append(&entries, *tells);
        }
        Action::Order { order, what } => act(world, *order, what),
        Action::Pass { ms } => world.now = world.now.plus(*ms),
        Action::Post { .. } | Action::Answer { .. } | Action::Lose { .. } | Action::Append { .. } => {}
    }
}

fn act(world: &mut World, order: u8, what: &What) {
    let n = world.records.get(&order).map_or(0, |record| record.n);
    let ask = match what.clone() {
        What::Claim => return drop(world.claim(order, None)),
        What::Resend(n) => return drop(world.claim(order, Some(n))),
        What::Ran => return world.ran(order),
        What::Forget => {
            if let Some(record) = world.records.get_mut(&order) {
                (record.host, record.closed_with) = Default::default();
            }
            return;
        }
        What::Result(outcome) => Ask::Result { n, outcome },
        What::Looked(found) => Ask::Looked { n, look: 1, found },
        What::Receipt { back, receipt, cost } => {
            let n = n.saturating_sub(back);
            let tried = world.timeline(order).and_then(|it| {
                it.attempts.into_iter().find(|tried| tried.attempt.n == n).map(|tried| tried.attempt.gateway)
            });
            let gateway = tried.unwrap_or_else(|| gateway("alpha"));
            Ask::Receipt { gateway, n, provider_id: "m1".into(), receipt, cost }
        }
        What::Stop(cause) => Ask::Stop { cause, tenant: tenant(0), terms: Terms::default() },
        What::Tick => Ask::Tick,
    };
    world.ask(order, ask);
}

/// What each order's entries come to, by kind.
fn of_order(world: &World, which: u8) -> BTreeMap<Kind, i64> {
    let mut sums = BTreeMap::new();
    for entry in world.logged().iter().filter(|entry| entry.order == Some(order_id(which))) {
        *sums.entry(entry.kind).or_insert(0) += entry.lines[1].micros;
    }
    sums
}

const BILLINGS: [&str; 5] = [
    r#"{"currency": "USD", "opening_micros": 12000, "low_balance_micros": 6000}"#,
    r#"{"currency": "USD", "opening_micros": 100000}"#,
    r#"{"mode": "postpaid", "currency": "USD", "credit_limit_micros": 10000}"#,
    r#"{"currency": "USD", "opening_micros": 100000, "caps": {"day_micros": 14000}}"#,
    r#"{"currency": "USD", "opening_micros": 30000, "charged_by": "provider"}"#,
];

proptest! {
    #![proptest_config(common::cases(2_048))]

    #[test]
    fn money_balances_whatever_comes_twice_late_or_never(
        billing in select(BILLINGS.to_vec()),
        max_price in select(vec![None, Some(2_500), Some(5_000)]),
        script in actions(false),
    ) {
        let mut world = World::new(billing, max_price);
        for action in &script {
            play(&mut world, action);
        }
        let summary = world.settle_down();
        let logged = world.logged();
        let numbers: Vec<u64> = logged.iter().map(|entry| entry.seq).collect();
        prop_assert_eq!(numbers, (1..=summary.seq).collect::<Vec<_>>(), "no entry is lost or doubled");
        prop_assert_eq!(sums(&logged).values().sum::<i64>(), 0);
        prop_assert_eq!(summary.held_micros, 0, "nobody holds anything");
        prop_assert_eq!(summary.open_orders, 0);
        let mut charged = 0;
        for which in world.records.keys() {
            let Some(bill) = world.timeline(*which).and_then(|it| it.bill) else { continue };
            let it = bill.sums;
            prop_assert_eq!(it.held_micros, it.captured_micros + it.released_micros, "{:?}", it);
            assert!(it.refunded_micros <= it.captured_micros, "{it:?}");
            assert!(max_price.is_none_or(|max| it.captured_micros <= max), "{it:?}");
            let entries = of_order(&world, *which);
            let of = |kind| entries.get(&kind).copied().unwrap_or(0);
            for (kind, sum) in [
                (Kind::Hold, it.held_micros),
                (Kind::Capture, it.captured_micros),
                (Kind::Release, it.released_micros),
                (Kind::Refund, it.refunded_micros),
            ] {
                prop_assert_eq!(of(kind), i64::try_from(sum).unwrap(), "{:?} of order {}", kind, which);
            }
            charged += it.captured_micros - it.refunded_micros;
        }
        prop_assert_eq!(summary.charged_micros, charged);
        let books = sums(&logged);
        prop_assert_eq!(books.get(&Side::Held).copied().unwrap_or(0), 0);
    }

    #[test]
    fn an_account_balances_even_where_records_are_lost(
        billing in select(BILLINGS.to_vec()),
        script in actions(true),
    ) {
        let mut world = World::new(billing, None);
        world.forgets = true;
        for action in &script {
            play(&mut world, action);
        }
        world.settle_down();
        // What a lost record held, the account lets go by itself.
        world.now = world.now.plus(40 * tiffin_shared::time::DAY_MS);
        let summary = world.ask_account(tiffin_shared::money::Ask::Tick).summary;
        prop_assert_eq!((summary.held_micros, summary.open_orders), (0, 0));
        let funded = summary.available_micros + i64::try_from(summary.charged_micros).unwrap();
        prop_assert_eq!(funded, summary.funded_micros);
    }
}
