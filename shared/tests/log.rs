//! What a log has taken stays, once, in order, wherever its host dies.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod common;

use std::collections::BTreeMap;
use std::ops::Range;

use proptest::collection::vec;
use proptest::proptest;
use serde_json::json;
use tiffin_shared::log::APPEND_ROWS_MAX;
use tiffin_shared::log::Command;
use tiffin_shared::log::HEAD_ROWS_MAX;
use tiffin_shared::log::Log;
use tiffin_shared::log::PAGE_ROWS;
use tiffin_shared::log::Page;
use tiffin_shared::log::PageState;
use tiffin_shared::log::Paged;
use tiffin_shared::log::Reply;
use tiffin_shared::log::Row;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::UnixMs;

use self::common::fixtures::START;
use self::common::host::Host;
use self::common::log::counted;
use self::common::log::row;

const KEEP_MS: u64 = 30 * DAY_MS;

#[derive(Default)]
struct World {
    head: Host,
    /// By their head's beginning and their number.
    pages: BTreeMap<(u64, u64), Host>,
    later_ms: u64,
}

impl World {
    fn ask(&mut self, command: &Command) -> Reply {
        self.head.ask::<Log>(command, self.now())
    }

    fn now(&self) -> UnixMs {
        START.plus(self.later_ms)
    }

    fn append(&mut self, names: &[u16]) -> Reply {
        self.append_for(names, KEEP_MS)
    }

    fn append_for(&mut self, names: &[u16], keep_ms: u64) -> Reply {
        let rows = names.iter().map(row).collect();
        self.ask(&Command::Append { rows, keep_ms })
    }

    /// As a host appends: what is full is written before, and after.
    fn append_all(&mut self, names: Range<u16>, keep_ms: u64) {
        for names in names.collect::<Vec<_>>().chunks(APPEND_ROWS_MAX) {
            let reply = self.append_for(names, keep_ms);
            assert!(reply.appended);
            self.seal(reply, 255);
        }
    }

    fn page(&mut self, began_at: UnixMs, number: u64, command: &Option<PageState>) -> Paged {
        let now = self.now();
        self.pages.entry((began_at.0, number)).or_default().ask::<Page>(command, now)
    }

    fn names(&mut self) -> Vec<u64> {
        self.rows().iter().map(|row| row.body["name"].as_u64().unwrap()).collect()
    }

    /// Writes full pages, and dies after so many steps.
    fn seal(&mut self, mut reply: Reply, steps: u8) {
        for _ in 0..steps / 2 {
            let Some((number, page)) = reply.full.take() else { return };
            assert_eq!(self.page(reply.began_at, number, &Some(page)), Paged::Written);
            reply = self.ask(&Command::Sealed(number));
        }
        if steps % 2 == 1
            && let Some((number, page)) = reply.full
        {
            self.page(reply.began_at, number, &Some(page));
        }
    }

    fn rows(&mut self) -> Vec<Row> {
        let head = self.ask(&Command::Read);
        let pages: Vec<_> =
            (0..head.pages).flat_map(|page| self.page(head.began_at, page, &None).rows()).collect();
        pages.into_iter().chain(head.tail).collect()
    }
}

proptest! {
    #![proptest_config(common::cases(128))]

    #[test]
    fn every_row_is_there_once_and_in_order_wherever_its_host_dies(
        appends in vec((1..APPEND_ROWS_MAX, 0..8_u8), 1..40),
    ) {
        let (mut world, mut taken) = (World::default(), Vec::new());
        let mut next = 0_u16;
        for (count, steps) in appends {
            let names: Vec<u16> = (next..).take(count).collect();
            next += u16::try_from(count).unwrap();
            let mut reply = world.append(&names);
            if !reply.appended {
                world.seal(reply, 255);
                reply = world.append(&names);
            }
            assert!(reply.appended);
            // Who did not hear the answer sends the same again.
            let again = world.append(&names);
            assert_eq!(again.numbers, reply.numbers);
            taken.extend(names);
            world.seal(reply, steps);
        }
        let rows = world.rows();
        let found: Vec<_> = rows.iter().map(|row| row.body["name"].as_u64().unwrap()).collect();
        assert_eq!(found, taken.iter().map(|name| u64::from(*name)).collect::<Vec<_>>());
        assert!(rows.iter().map(|row| row.n).eq(0..rows.len() as u64));
    }
}

proptest! {
    #![proptest_config(common::cases(128))]

    /// It dies after any row, begins again from any that it has not heard of, and others write as much as they like.
    #[test]
    fn who_counts_has_every_row_once_however_much_others_write(
        moves in vec((0..PAGE_ROWS, 1..12_u64, 0..12_u64), 1..40),
    ) {
        let (mut world, mut others, mut written) = (World::default(), 0_u16, 0);
        for (noise, count, again) in moves {
            let names: Vec<u16> = (others..).take(noise).collect();
            others += u16::try_from(noise).unwrap();
            let reply = world.append(&names);
            world.seal(reply, 255);
            let from = written + 1_u64;
            let rows = (from.saturating_sub(again).max(1)..from + count).map(counted).collect();
            let reply = world.ask(&Command::AppendCounted { rows, keep_ms: KEEP_MS });
            assert!(reply.appended);
            assert_eq!(reply.numbers.len() as u64, count);
            world.seal(reply, 255);
            written += count;
        }
        let counts: Vec<_> = world.rows().iter().filter_map(|row| row.body["counted"].as_u64()).collect();
        assert_eq!(counts, (1..=written).collect::<Vec<_>>());
    }
}

#[test]
fn a_head_whose_pages_nobody_takes_refuses_and_loses_nothing() {
    let mut world = World::default();
    let names: Vec<u16> = (0..u16::try_from(HEAD_ROWS_MAX).unwrap()).collect();
    for some in names.chunks(PAGE_ROWS) {
        assert!(world.append(some).appended);
    }
    let refused = world.append(&[9_999]);
    assert!(!refused.appended && refused.full.is_some());
    world.seal(refused, 2);
    assert!(world.append(&[9_999]).appended);
    assert_eq!(world.rows().len(), names.len() + 1);
}

#[test]
fn a_log_is_forgotten_with_its_last_row() {
    let mut world = World::default();
    world.append(&[1]);
    let later = START.plus(KEEP_MS);
    assert_eq!(world.head.ask::<Log>(&Command::Read, later.minus(1)).tail.len(), 1);
    assert!(world.head.ask::<Log>(&Command::Read, later).tail.is_empty());
}

#[test]
fn a_shorter_time_for_later_rows_loses_none_that_were_promised_longer() {
    let mut world = World::default();
    world.append_all(0..200, 92 * DAY_MS);
    world.append_all(200..201, 3 * DAY_MS);
    world.later_ms = 10 * DAY_MS;
    world.append_all(201..500, 3 * DAY_MS);
    let rows = world.rows();
    assert!(
        rows.iter().map(|row| row.n).eq(0..500),
        "{:?}",
        rows.iter().map(|row| row.n).collect::<Vec<_>>()
    );
    assert!(world.names().into_iter().eq(0..500));
    // Then each goes when its time is over: of page 3, with the last of the first 200, all.
    world.later_ms = 14 * DAY_MS;
    world.append_all(500..501, 3 * DAY_MS);
    let left = world.names();
    assert!(left.iter().take(200).copied().eq(0..200) && left.last() == Some(&500), "{left:?}");
    assert!(!left.contains(&300), "what was kept for three days is gone: {left:?}");
    world.later_ms = 93 * DAY_MS;
    assert!(world.names().is_empty());
}

#[test]
fn a_head_that_was_lost_begins_anew_beside_its_old_pages() {
    let mut world = World::default();
    world.append_all(0..300, KEEP_MS);
    world.head = Host::default();
    world.later_ms = 1;
    world.append_all(1_000..1_300, KEEP_MS);
    assert!(world.names().into_iter().eq(1_000..1_300));
}

#[test]
fn a_page_whose_place_others_have_is_told_so_and_keeps_theirs() {
    let mut world = World::default();
    let page = |n| PageState {
        rows: vec![Row { n, at: START, id: "a".into(), body: json!(n) }],
        expires_at: START.plus(1),
    };
    assert_eq!(world.page(START, 0, &Some(page(1))), Paged::Written);
    assert_eq!(world.page(START, 0, &Some(page(1))), Paged::Written);
    assert_eq!(world.page(START, 0, &Some(page(2))), Paged::Differs);
    assert_eq!(world.page(START, 0, &None), Paged::Rows(page(1).rows));
}
