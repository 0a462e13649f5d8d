//! Statistics of the codes.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]
#![expect(clippy::print_stdout, reason = "the statistics are worth reading")]

use tiffin_shared::bytes::sha256;
use tiffin_shared::code::Code;
use tiffin_shared::code::DIGITS_MAX;
use tiffin_shared::code::DIGITS_MIN;
use tiffin_shared::entropy::Entropy;

/// Draws of one event, from the expansion that the ledger uses.
fn draws(event: u64) -> impl Iterator<Item = u64> {
    Entropy::new(sha256(&event.to_be_bytes())).draws("code")
}

/// Pearson's statistic against a uniform distribution.
fn chi_square(counts: &[u64]) -> f64 {
    let expected = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
    counts.iter().map(|count| (*count as f64 - expected).powi(2) / expected).sum()
}

/// Within four standard deviations of its mean: the statistic has mean `n - 1` and variance `2 (n - 1)`.
fn assert_uniform(what: &str, counts: &[u64]) {
    let freedom = (counts.len() - 1) as f64;
    let (statistic, deviation) = (chi_square(counts), (2.0 * freedom).sqrt());
    println!("{what}: chi-square {statistic:.1}, {freedom} degrees of freedom");
    assert!((statistic - freedom).abs() < 4.0 * deviation, "{what}: {statistic} for {freedom}");
}

/// Counts of codes by digit and place, by neighbouring digits, and by their first three digits.
fn assert_codes_are_uniform(events: u64) {
    let mut digits = [[0_u64; 10]; 6];
    let mut pairs = [0_u64; 100];
    let mut buckets = [0_u64; 1_000];
    for draw in (0..events).flat_map(draws) {
        let code = Code::sample(6, [draw]).unwrap();
        let code = code.expose().as_bytes().iter().map(|digit| usize::from(digit - b'0'));
        let mut number = 0;
        let mut last = 0;
        for (position, digit) in code.enumerate() {
            digits[position][digit] += 1;
            if position > 0 {
                pairs[last * 10 + digit] += 1;
            }
            last = digit;
            number = number * 10 + digit;
        }
        buckets[number / 1_000] += 1;
    }
    assert_eq!(buckets.iter().sum::<u64>(), events * 16);
    for (position, counts) in digits.iter().enumerate() {
        assert_uniform(&format!("position {position}"), counts);
    }
    assert_uniform("pairs", &pairs);
    assert_uniform("thousands", &buckets);
}

#[test]
fn a_million_codes_are_uniform_in_every_digit_pair_and_bucket() {
    assert_codes_are_uniform(62_500);
}

/// The figures: cargo test -p tiffin-shared --test codes ten_million -- --nocapture
#[test]
fn ten_million_codes_are_uniform_in_every_digit_pair_and_bucket() {
    assert_codes_are_uniform(625_000);
}

#[test]
fn codes_of_the_first_draw_of_each_event_are_uniform() {
    let mut buckets = [0_u64; 100];
    for event in 0..20_000 {
        let code = Code::sample(6, draws(event)).unwrap();
        buckets[code.expose()[..2].parse::<usize>().unwrap()] += 1;
    }
    assert_uniform("first two digits", &buckets);
}

#[test]
fn every_length_from_four_to_ten_is_sampled_below_the_fair_limit_only() {
    for digits in DIGITS_MIN..=DIGITS_MAX {
        let codes = 10_u64.pow(u32::from(digits));
        let fair_below = u64::MAX - u64::MAX % codes;
        let width = usize::from(digits);
        for (draw, number) in [(0, 0), (codes, 0), (codes - 1, codes - 1), (fair_below - 1, codes - 1)] {
            assert_eq!(Code::sample(digits, [draw]).unwrap().expose(), format!("{number:0width$}"));
        }
        assert!(Code::sample(digits, [fair_below]).is_err());
    }
}

#[test]
fn labels_of_one_entropy_are_independent_and_their_expansion_is_pinned() {
    let entropy = Entropy::new([1; 32]);
    assert_eq!(hex(&entropy.derive::<16>("order-id")), "1d3a7554f736d896bb59b1d2c808afe1");
    assert_eq!(hex(&entropy.derive::<16>("salt")), "9a72c7bc4b3807d9907dd0c419a738b4");
    // RFC 5869 section 2.3: a longer output begins with the shorter one.
    assert_eq!(entropy.derive::<32>("salt")[..16], entropy.derive::<16>("salt"));
    assert_eq!(entropy.draws("code").next(), Some(u64::from_be_bytes(entropy.derive("code"))));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
