//! Statistics of the codes, and the published vectors of what signs and seals.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use tiffin_shared::bytes::hmac_sha256;
use tiffin_shared::bytes::prefixed;
use tiffin_shared::bytes::sha256;
use tiffin_shared::code::Code;
use tiffin_shared::code::DIGITS_MAX;
use tiffin_shared::code::DIGITS_MIN;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::id::KeyId;
use tiffin_shared::keys::Signing;
use tiffin_shared::keys::Verifying;

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
    assert!((statistic - freedom).abs() < 4.0 * deviation, "{what}: {statistic} for {freedom}");
}

#[test]
fn a_million_codes_are_uniform_in_every_digit_pair_and_bucket() {
    let mut digits = [[0_u64; 10]; 6];
    let mut pairs = [0_u64; 100];
    let mut buckets = [0_u64; 1_000];
    for draw in (0..62_500).flat_map(draws) {
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
    assert_eq!(buckets.iter().sum::<u64>(), 1_000_000);
    for (position, counts) in digits.iter().enumerate() {
        assert_uniform(&format!("position {position}"), counts);
    }
    assert_uniform("pairs", &pairs);
    assert_uniform("thousands", &buckets);
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

#[test]
fn ed25519_signs_and_verifies_the_vectors_of_rfc_8032() {
    // Section 7.1, tests 1 and 2.
    let vectors = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
    ];
    for (seed, public, message, signature) in vectors {
        let (message, signature): (_, [u8; 64]) = (unhex(message), unhex(signature).try_into().unwrap());
        let key = Signing::new(&KeyId::parse("k").unwrap(), unhex(seed).try_into().unwrap());
        assert_eq!(hex(&key.public()), public);
        assert_eq!(key.sign(&message), signature);
        let verifying = Verifying::new(unhex(public).try_into().unwrap()).unwrap();
        assert!(verifying.verify(&message, &signature));
        for bit in 0..512 {
            let mut altered = signature;
            altered[bit / 8] ^= 1 << (bit % 8);
            assert!(!verifying.verify(&message, &altered), "bit {bit}");
        }
    }
}

#[test]
fn a_key_of_small_order_verifies_nothing() {
    // The neutral element: without the strict check, R = A = identity and S = 0 would sign any message.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut signature = [0; 64];
    signature[0] = 1;
    let accepted = Verifying::new(neutral).is_ok_and(|key| key.verify(b"any", &signature));
    assert!(!accepted);
}

#[test]
fn hmac_covers_the_length_prefixed_fields() {
    assert_eq!(prefixed(&[b"ab", b"", b"c"]), b"\0\0\0\x02ab\0\0\0\0\0\0\0\x01c");
    let mac = |fields: &[&[u8]]| hmac_sha256(&[1; 32], fields);
    assert_ne!(mac(&[b"ab", b"c"]), mac(&[b"a", b"bc"]));
    assert_ne!(mac(&[b"ab"]), mac(&[b"ab", b""]));
    assert_eq!(
        hex(&mac(&[b"ab", b"", b"c"])),
        "8c6e9bf3bcc433bedc864d067ee610221697ed76c03ae61afc1d8bc7a40b5ee1"
    );
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
