//! The account: nothing below its limit, nothing moved twice, and books that add up.

use std::collections::BTreeMap;

use proptest::proptest;
use tiffin_shared::id::OrderId;
use tiffin_shared::money::Account;
use tiffin_shared::money::Answer;
use tiffin_shared::money::Ask;
use tiffin_shared::money::Command;
use tiffin_shared::money::Credited;
use tiffin_shared::money::Currency;
use tiffin_shared::money::Entry;
use tiffin_shared::money::Kind;
use tiffin_shared::money::Posting;
use tiffin_shared::money::Reply;
use tiffin_shared::money::Side;
use tiffin_shared::money::Standing;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::time::UnixMs;

use crate::common;
use crate::common::fixtures::START;
use crate::common::money::World;
use crate::common::pause;

/// The sums of entries, by side of the books.
pub fn sums<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> BTreeMap<Side, i64> {
    let mut sums = BTreeMap::new();
    for line in entries.into_iter().flat_map(|entry| &entry.lines) {
        *sums.entry(line.account).or_insert(0) += line.micros;
    }
    sums
}

fn adds_up(world: &World, reply: &Reply) {
    let it = &reply.summary;
    let credit = i64::try_from(world.billing.credit_micros()).unwrap();
    assert!(it.available_micros >= -credit, "{it:?}");
    let mut all = world.log.clone();
    all.extend(world.waiting.iter().cloned());
    let numbers: Vec<u64> = all.iter().map(|entry| entry.seq).collect();
    assert_eq!(numbers, (1..=it.seq).collect::<Vec<_>>(), "each entry once, in the log or in the account");
    for entry in &all {
        assert_eq!(entry.lines.iter().map(|line| line.micros).sum::<i64>(), 0, "{entry:?}");
        assert_eq!(entry.lines.len(), if entry.kind == Kind::LowBalance { 0 } else { 2 });
    }
    let sums = sums(&all);
    let side = |side| sums.get(&side).copied().unwrap_or(0);
    assert_eq!(side(Side::Available), it.available_micros);
    assert_eq!(side(Side::Held), i64::try_from(it.held_micros).unwrap());
    assert_eq!(side(Side::Charges), i64::try_from(it.charged_micros).unwrap());
    assert_eq!(side(Side::Funding), -it.funded_micros);
    if let Some(cap) = world.billing.caps.day_micros {
        assert!(it.spent_today_micros <= cap, "{it:?}");
    }
}

/// Without what others leave to be held.
fn plain(reply: &Reply) -> Vec<Answer> {
    let without = |answer: &Answer| match answer {
        Answer::Posted(standing) => Answer::Posted(Standing { reach_micros: 0, ..*standing }),
        Answer::Busy | Answer::Late => *answer,
    };
    reply.answers.iter().map(without).collect()
}

#[test]
fn a_settled_account_takes_another_currency_and_its_books_still_add_up() {
    let mut world = World::new(serde_json::from_str(r#"{"currency": "USD"}"#).unwrap());
    let put_in = |amount_micros, reference: &str| Ask::Credit {
        amount_micros,
        reference: reference.into(),
        note: None,
    };
    let ask = |world: &World, ask| Command { billing: world.billing.clone(), logged: 0, ask };
    for of in [put_in(9_000, "a"), put_in(-4_000, "b")] {
        world.play(&ask(&world, of));
    }
    let (holds, closes) = (posting(world.now, 1, false), posting(world.now, 2, true));
    let held = world.play(&ask(&world, holds));
    assert!(!held.summary.is_settled(), "{held:?}");
    world.billing.currency = Currency::parse("EUR").unwrap();
    let refused = world.play(&ask(&world, put_in(1, "c")));
    assert_eq!((refused.credited, refused.summary.currency.as_str()), (Some(Credited::Currency), "USD"));
    world.play(&ask(&world, closes));
    // Looking shows it, and writes nothing.
    let (body, seen) = (world.host.body().map(str::to_owned), world.play(&ask(&world, Ask::Read)));
    assert_eq!((seen.summary.is_settled(), seen.summary.currency.as_str()), (true, "EUR"));
    assert_eq!(world.host.body(), body.as_deref());
    let taken = world.play(&ask(&world, put_in(700, "d")));
    assert_eq!((taken.credited, taken.summary.available_micros), (Some(Credited::Done), 700));
    assert_eq!((taken.summary.funded_micros, taken.summary.charged_micros), (700, 0));
    adds_up(&world, &taken);
    let changed = world.waiting.iter().find(|entry| entry.kind == Kind::Currency).unwrap();
    assert_eq!(changed.note.as_deref(), Some("USD to EUR"));
    // One that pays no more keeps what it was in.
    world.billing.currency = Currency::NONE;
    assert_eq!(world.play(&ask(&world, put_in(-700, "e"))).credited, Some(Credited::Currency));
}

/// An order that holds 5,000, and then spends them.
fn posting(now: UnixMs, n: u32, closes: bool) -> Ask {
    Ask::Post(vec![Posting {
        tenant: common::fixtures::tenant(0),
        order: common::money::order(1),
        n,
        country: None,
        held_micros: 5_000,
        captured_micros: if closes { 5_000 } else { 0 },
        released_micros: 0,
        refunded_micros: 0,
        closes,
        until: now.plus(HOUR_MS),
        deadline: now.plus(HOUR_MS),
    }])
}

/// An order may come before anyone looked at the account.
#[test]
fn an_account_has_its_first_money_whatever_is_asked_first() {
    let billing = r#"{"currency": "USD", "opening_micros": 9000}"#;
    let put_in = Ask::Credit { amount_micros: 1_000, reference: "a".into(), note: None };
    for (first, available) in [(Ask::Open, 9_000), (put_in, 10_000), (posting(START, 1, false), 4_000)] {
        let mut world = World::new(serde_json::from_str(billing).unwrap());
        for ask in [first, Ask::Open] {
            let reply = world.play(&Command { billing: world.billing.clone(), logged: 0, ask });
            assert_eq!(reply.summary.available_micros, available, "{reply:?}");
        }
    }
}

#[test]
fn a_low_balance_is_handed_out_until_the_tenant_was_told_and_holds_up_nothing() {
    let billing = r#"{"currency": "USD", "opening_micros": 9000, "low_balance_micros": 5000}"#;
    let mut world = World::new(serde_json::from_str(billing).unwrap());
    let ask = |world: &World, logged, ask| Command { billing: world.billing.clone(), logged, ask };
    world.play(&ask(&world, 0, Ask::Open));
    let less = Ask::Credit { amount_micros: -6_000, reference: "a".into(), note: None };
    let low = world.play(&ask(&world, 0, less));
    let told = low.tell.clone().unwrap();
    assert_eq!((told.kind, told.available_micros), (Kind::LowBalance, 3_000));
    // The log has everything: the account keeps no entries for it, and rings until the tenant was told.
    let seq = low.summary.seq;
    let logged = world.play(&ask(&world, seq, Ask::Tick));
    assert_eq!((logged.entries.len(), logged.tell.as_ref()), (0, Some(&told)));
    assert!(world.host.wake_at().is_some_and(|at| at <= world.now.plus(5_000)), "{:?}", world.host.wake_at());
    let early = world.play(&ask(&world, seq, Ask::Told(told.seq - 1)));
    assert_eq!(early.tell, Some(told.clone()));
    assert_eq!(world.play(&ask(&world, seq, Ask::Told(told.seq))).tell, None);
    assert_eq!(world.host.wake_at(), None);
}

proptest! {
    #![proptest_config(common::cases(1_024))]

    #[test]
    fn an_account_never_goes_below_its_limit_and_its_books_add_up(
        billing in common::money::billings(),
        script in common::money::script(pause::any(), 1..60),
    ) {
        let mut world = World::new(billing);
        for step in &script {
            let command = world.next(step);
            let reply = world.play(&command);
            adds_up(&world, &reply);
            let again = world.play(&command);
            assert_eq!(again.summary.seq, reply.summary.seq, "the same again moves nothing");
            // What closed an order finds it closed.
            let closes = |ask: &Ask| matches!(ask, Ask::Post(of) if of.iter().any(|posting| posting.closes));
            assert!(closes(&command.ask) || plain(&again) == plain(&reply), "and is answered alike");
        }
    }

    #[test]
    fn what_an_order_holds_is_what_its_entries_say(
        billing in common::money::billings(),
        script in common::money::script(pause::forward(), 1..60),
    ) {
        let mut world = World::new(billing);
        let mut closed: BTreeMap<OrderId, u64> = BTreeMap::new();
        for step in &script {
            let command = world.next(step);
            let reply = world.play(&command);
            let Ask::Post(postings) = &command.ask else { continue };
            let mut of: BTreeMap<&OrderId, i64> = BTreeMap::new();
            let all: Vec<Entry> = world.log.iter().chain(&world.waiting).cloned().collect();
            for entry in &all {
                let held = entry.lines.iter().filter(|line| line.account == Side::Held);
                if let Some(order) = &entry.order {
                    *of.entry(order).or_default() += held.map(|line| line.micros).sum::<i64>();
                }
            }
            assert!(of.values().all(|held| *held >= 0), "{of:?}");
            for (posting, answer) in postings.iter().zip(&reply.answers) {
                if posting.closes && matches!(answer, Answer::Posted(_)) && of.contains_key(&posting.order) {
                    closed.insert(posting.order.clone(), reply.summary.seq);
                }
            }
        }
        // What nobody comes back for is let go.
        let later = world.now.plus(30 * tiffin_shared::time::DAY_MS);
        let tick = Command { billing: world.billing.clone(), logged: 0, ask: Ask::Tick };
        let reply = world.host.ask::<Account>(&tick, later);
        assert_eq!((reply.summary.held_micros, reply.summary.open_orders), (0, 0));
    }
}
