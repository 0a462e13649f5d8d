//! The list of the guard's verdicts: bounded, and strict where it matters.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use tiffin_shared::bytes::Bytes;
use tiffin_shared::country::Country;
use tiffin_shared::guard::Cause;
use tiffin_shared::guard::Level;
use tiffin_shared::guard::Mode;
use tiffin_shared::guard::Standing;
use tiffin_shared::guard::blocklist::Blocklist;
use tiffin_shared::guard::blocklist::ENTRIES_MAX;
use tiffin_shared::guard::blocklist::Listed;
use tiffin_shared::guard::blocklist::Put;
use tiffin_shared::guard::blocklist::Subject;
use tiffin_shared::guard::blocklist::TENANT_ENTRIES_MAX;
use tiffin_shared::id::TenantId;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::UnixMs;

const START: UnixMs = UnixMs(1_795_082_400_000);

fn standing(level: Level, minutes: u64) -> Option<Standing> {
    let until = START.plus(minutes * MINUTE_MS);
    Some(Standing { level, until, because: Cause::NoConversion, mode: Mode::Enforce })
}

fn tag(number: u64) -> Subject {
    Subject::Prefix(Bytes(number.to_be_bytes()))
}

fn shop() -> TenantId {
    TenantId::parse("shop").unwrap()
}

#[test]
fn the_stricter_of_prefix_and_country_stands_until_it_ends() {
    let country = Country::parse("IN").unwrap();
    let mut list = Listed::default();
    list.put(tag(1), standing(Level::Block, 10), START);
    list.put(Subject::Country(country), standing(Level::Challenge, 20), START);
    let (all, left_out) = Blocklist::gather([(shop(), list)], START);
    assert_eq!(left_out, 0);
    let written = concat!(
        r#"{"shop":{"prefixes":{"AAAAAAAAAAE":["block",1795083000000,"no_conversion","enforce"]},"#,
        r#""countries":{"IN":["challenge",1795083600000,"no_conversion","enforce"]}}}"#,
    );
    assert_eq!(serde_json::to_string(&all).unwrap(), written);
    assert_eq!(serde_json::from_str::<Blocklist>(written).unwrap(), all);
    let level = |number: u64, minutes| {
        let at = START.plus(minutes * MINUTE_MS);
        all.lookup(&shop(), Bytes(number.to_be_bytes()), country, at).level
    };
    assert_eq!([level(1, 0), level(1, 10), level(1, 20)], [Level::Block, Level::Challenge, Level::Open]);
    assert_eq!(level(2, 0), Level::Challenge);
    let other = TenantId::parse("other").unwrap();
    assert_eq!(all.lookup(&other, Bytes([0; 8]), country, START).level, Level::Open);
    assert_eq!(all.lookup_guess(&shop(), START).level, Level::Open);
}

#[test]
fn a_late_milder_verdict_replaces_nothing_and_open_everything() {
    let mut list = Listed::default();
    assert_eq!(list.put(tag(1), standing(Level::Block, 10), START), Put::Changed);
    assert_eq!(list.put(tag(1), standing(Level::Challenge, 90), START), Put::Kept);
    assert_eq!(list.put(tag(1), standing(Level::Block, 5), START), Put::Kept);
    assert_eq!(list.put(tag(1), standing(Level::Block, 20), START), Put::Changed);
    assert_eq!(list.put(tag(1), None, START), Put::Changed);
    assert!(list.is_empty());
}

#[test]
fn a_full_list_drops_the_challenge_that_ends_first_and_never_a_block() {
    let max = TENANT_ENTRIES_MAX as u64;
    let mut list = Listed::default();
    for number in 0..max {
        let level = if number < 2 { Level::Challenge } else { Level::Block };
        list.put(tag(number), standing(level, 100 - number.min(90)), START);
    }
    assert_eq!(
        list.put(tag(max), standing(Level::Challenge, 5), START),
        Put::Full,
        "the weakest is the new one"
    );
    assert_eq!(
        list.put(tag(max), standing(Level::Block, 50), START),
        Put::Dropped(Bytes(1_u64.to_be_bytes()))
    );
    assert_eq!(list.put(tag(max + 1), standing(Level::Block, 50), START), Put::Dropped(Bytes([0; 8])));
    assert_eq!(list.put(tag(max + 2), standing(Level::Block, 50), START), Put::Full);
    assert_eq!(list.len(), TENANT_ENTRIES_MAX);
    // What is over makes room.
    let later = START.plus(60 * MINUTE_MS);
    assert_eq!(list.put(tag(max + 2), standing(Level::Block, 90), later), Put::Changed);
}

#[test]
fn a_snapshot_is_bounded_over_all_tenants() {
    let lists = (0..6_u64).map(|tenant| {
        let mut list = Listed::default();
        for number in 0..TENANT_ENTRIES_MAX as u64 {
            let level = if number % 2 == 0 { Level::Challenge } else { Level::Block };
            list.put(tag(number), standing(level, 10 + tenant), START);
        }
        (TenantId::parse(&format!("t{tenant}")).unwrap(), list)
    });
    let (all, left_out) = Blocklist::gather(lists, START);
    assert_eq!((all.len(), left_out), (ENTRIES_MAX, 1_000));
    let first = TenantId::parse("t0").unwrap();
    let level = |number: u64| {
        all.lookup(&first, Bytes(number.to_be_bytes()), Country::parse("IN").unwrap(), START).level
    };
    assert_eq!([level(0), level(1)], [Level::Open, Level::Block]);
    let bytes = serde_json::to_string(&all).unwrap().len();
    assert!(bytes < 150_000, "{bytes} bytes");
}
