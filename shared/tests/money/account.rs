//! The account: nothing below its limit, nothing moved twice, and books that add up.

use std::collections::BTreeMap;

use proptest::proptest;
use tiffin_shared::id::OrderId;
use tiffin_shared::money::Account;
use tiffin_shared::money::Answer;
use tiffin_shared::money::Ask;
use tiffin_shared::money::Command;
use tiffin_shared::money::Entry;
use tiffin_shared::money::Kind;
use tiffin_shared::money::Reply;
use tiffin_shared::money::Side;
use tiffin_shared::money::Standing;

use crate::common;
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
