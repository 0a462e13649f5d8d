//! The tally of a tenant's day, against a model that remembers every batch.

use std::collections::BTreeSet;

use proptest::proptest;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::tally::BATCHES_MAX;
use tiffin_shared::tally::Command;
use tiffin_shared::tally::Tally;
use tiffin_shared::time::SECOND_MS;

use crate::common;
use crate::common::fixtures::START;
use crate::common::host::Host;
use crate::common::pause;
use crate::common::tally::Action;
use crate::common::tally::script;

proptest! {
    #![proptest_config(common::cases(256))]

    #[test]
    fn each_batch_of_today_counts_once_and_nothing_of_another_day(script in script(pause::any(), 1..50)) {
        let (mut host, mut now) = (Host::default(), START);
        // Of the day on which something was last counted.
        let (mut counted_on, mut seen, mut sum) = (None, BTreeSet::new(), 0_u64);
        for step in script {
            now = pause::after(now, step.pause);
            let (command, today) = (step.action.command(now), host.seen(now).day());
            let is_today = counted_on == Some(today);
            if let (Action::Add { batch, orders, .. }, Command::Add { day, .. }) = (&step.action, &command)
                && *day >= today
                && !(is_today && seen.contains(batch))
            {
                if !is_today {
                    (counted_on, seen, sum) = (Some(today), BTreeSet::new(), 0);
                }
                seen.insert(*batch);
                sum = sum.saturating_add(*orders);
            }
            let reply = host.ask::<Tally>(&command, now);
            let expected = if counted_on == Some(today) { sum } else { 0 };
            assert_eq!((reply.day, reply.orders), (today, expected));
        }
    }
}

fn add(host: &mut Host, n: usize, now_ms: u64) -> u64 {
    let batch = Bytes(u128::try_from(n).unwrap().to_be_bytes());
    let add = Command::Add { batch, day: START.plus(now_ms).day(), orders: 10 };
    host.ask::<Tally>(&add, START.plus(now_ms)).orders
}

#[test]
fn midnight_begins_anew_and_what_comes_late_from_yesterday_is_dropped() {
    let (mut host, midnight) = (Host::default(), START.day_ends_at());
    assert_eq!(add(&mut host, 1, 0), 10);
    let at = |host: &mut Host, day, now| {
        let add = Command::Add { batch: Bytes([9; 16]), day, orders: 5 };
        let reply = host.ask::<Tally>(&add, now);
        (reply.day, reply.orders)
    };
    let (yesterday, today) = (START.day(), START.day() + 1);
    assert_eq!(at(&mut host.clone(), yesterday, midnight.minus(1)), (yesterday, 15));
    assert_eq!(at(&mut host.clone(), today, midnight.minus(1)), (yesterday, 15), "a clock that is ahead");
    assert_eq!(at(&mut host.clone(), yesterday, midnight), (today, 0));
    assert_eq!(at(&mut host, today, midnight), (today, 5));
    assert_eq!(at(&mut host, yesterday, midnight.minus(1)), (today, 5), "a clock that is behind");
}

#[test]
fn a_state_is_short_and_forgets_the_oldest_batch_first() {
    let mut host = Host::default();
    for n in 0..10 * BATCHES_MAX {
        add(&mut host, n, 100 * SECOND_MS);
    }
    let length = host.body().unwrap().len();
    assert!(length < 26 * BATCHES_MAX + 64, "{length} bytes");
    let before = add(&mut host, 9 * BATCHES_MAX, 101 * SECOND_MS);
    assert_eq!(before, 100 * u64::try_from(BATCHES_MAX).unwrap(), "the oldest that is remembered");
    assert_eq!(add(&mut host, 9 * BATCHES_MAX - 1, 101 * SECOND_MS), before + 10);
}
