//! The `RateLimit` fields, read by an independent parser of structured fields.

use proptest::collection::vec;
use proptest::proptest;
use sfv::BareItem;
use sfv::List;
use sfv::ListEntry;
use sfv::Parser;
use tiffin_shared::bucket::Bucket;
use tiffin_shared::bucket::Rate;
use tiffin_shared::quota;
use tiffin_shared::quota::Quota;
use tiffin_shared::time::MINUTE_MS;

use crate::common;
use crate::common::fixtures::START;
use crate::common::fixtures::entropy;

/// Each item's name and its parameters with their values.
fn parse(field: &str) -> Vec<(String, Vec<(String, i64)>)> {
    let list: List = Parser::new(field).parse().unwrap();
    let item = |entry: ListEntry| {
        let ListEntry::Item(item) = entry else { panic!("an inner list in {field}") };
        let BareItem::String(name) = item.bare_item else { panic!("no String in {field}") };
        let number = |value: BareItem| match value {
            BareItem::Integer(number) => i64::from(number),
            other => panic!("{other:?} in {field}"),
        };
        let parameters = item.params.into_iter().map(|(key, value)| (key.to_string(), number(value)));
        (name.to_string(), parameters.collect())
    };
    list.into_iter().map(item).collect()
}

proptest! {
    #![proptest_config(common::cases(256))]

    #[test]
    fn both_fields_are_lists_of_strings_with_their_integers(
        numbers in vec((0..=u64::MAX, 0..=u64::MAX, 0..=u64::MAX, 0..=u64::MAX), 1..5),
        wait_ms in 0..10_000_000_u64,
    ) {
        let names = ["ip", "tenant day", r#"odd " \ name"#];
        let quotas: Vec<_> = (numbers.into_iter().zip(names.into_iter().cycle()))
            .map(|((quota, window_s, remaining, reset_s), name)| {
                Quota { name, quota, window_s, remaining: remaining % 3, reset_s }
            })
            .collect();
        let (policy, limit) = (quota::policy(&quotas).unwrap(), quota::limit(&quotas).unwrap());
        let retry_after_s = quota::retry_after_s(&quotas, wait_ms);
        assert!(retry_after_s >= wait_ms.div_ceil(1_000).max(1));
        for ((quota, policy), limit) in quotas.iter().zip(parse(&policy)).zip(parse(&limit)) {
            let keys = |item: &[(String, i64)]| item.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
            assert_eq!((policy.0.as_str(), limit.0.as_str()), (quota.name, quota.name));
            assert_eq!((keys(&policy.1), keys(&limit.1)), (["q", "w"].map(Into::into).into(), ["r", "t"].map(Into::into).into()));
            assert!(policy.1[0].1 >= 0 && policy.1[1].1 > 0 && limit.1[0].1 >= 0 && limit.1[1].1 >= 0);
            let exhausted = quota.remaining == 0;
            assert!(!exhausted || retry_after_s >= u64::try_from(limit.1[1].1).unwrap(), "Retry-After before t");
        }
    }
}

#[test]
fn a_bucket_of_three_a_minute_reads_as_in_the_draft() {
    let rate = Rate { capacity: 3, refill_ms: MINUTE_MS };
    let mut bucket = Bucket::default();
    for _ in 0..3 {
        bucket.take(rate, START).unwrap();
    }
    let at = START.plus(17_001);
    let quotas = [Quota::of_tokens("ip", rate, bucket.remaining(rate, at), bucket.next_ms(rate, at))];
    assert_eq!(quota::policy(&quotas).unwrap(), r#""ip";q=3;w=180"#);
    assert_eq!(quota::limit(&quotas).unwrap(), r#""ip";r=0;t=43"#);
    assert_eq!(quota::retry_after_s(&quotas, 0), 43);
    assert_eq!((quota::policy(&[]), quota::limit(&[])), (None, None));
}

#[test]
fn names_that_no_structured_field_can_hold_are_cleaned() {
    let quota = Quota { name: "f\u{fc}r\n\"all\\", quota: 1, window_s: 0, remaining: 1, reset_s: 0 };
    assert_eq!(quota::policy(&[quota]).unwrap(), r#""fr\"all\\";q=1;w=1"#);
    assert_eq!(parse(&quota::limit(&[quota]).unwrap())[0].0, r#"fr"all\"#);
}

#[test]
fn jitter_only_lengthens_a_wait_by_a_tenth_at_most_and_spreads_it() {
    let quota = Quota { name: "ip", quota: 3, window_s: 180, remaining: 0, reset_s: 60 };
    let waits: std::collections::BTreeSet<_> =
        (0..200).map(|event| quota.jittered(&entropy(event)).reset_s).collect();
    assert_eq!(waits, (60..=66).collect());
    let left = Quota { remaining: 1, ..quota };
    assert_eq!(left.jittered(&entropy(1)), left);
}
