//! What other programs make of our codes, addresses and pictures.

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::proptest;
use proptest::sample::select;
use tiffin_shared::factor::otpauth::Label;
use tiffin_shared::factor::qr;
use tiffin_shared::factor::totp;
use tiffin_shared::factor::totp::Algorithm;
use tiffin_shared::factor::totp::Seed;
use tiffin_shared::time::UnixMs;

use crate::common;

/// Pixels a module.
const SCALE: usize = 3;

proptest! {
    #![proptest_config(common::cases(512))]

    #[test]
    fn another_implementation_makes_the_same_codes(
        secret in vec(any::<u8>(), 16..80),
        time_s in 0..100_000_000_000_u64,
        (ours, theirs) in select(vec![
            (Algorithm::Sha1, totp_rs::Algorithm::SHA1),
            (Algorithm::Sha256, totp_rs::Algorithm::SHA256),
            (Algorithm::Sha512, totp_rs::Algorithm::SHA512),
        ]),
        digits in select(vec![6_u8, 8]),
    ) {
        let seed = Seed::new(&secret);
        let other = totp_rs::Builder::new().with_algorithm(theirs).with_digits(digits).with_secret(secret);
        let expected = other.build().unwrap().generate(time_s).to_string();
        assert_eq!(*totp::code(ours, &seed, totp::step_at(UnixMs(time_s * 1_000)), digits), expected);
    }
}

proptest! {
    #![proptest_config(common::cases(24))]

    #[test]
    fn a_reader_of_the_picture_gets_the_address_back(
        account in "[a-z0-9@. é]{0,62}x",
        issuer in "[A-Za-z &<\"]{0,28}x",
        secret in vec(any::<u8>(), 20..=64),
    ) {
        let label = Label::new(account.trim(), issuer.trim(), Algorithm::Sha1, 6).unwrap();
        let uri = label.uri(&Seed::new(&secret));
        assert_eq!(read(&qr::svg(&uri).unwrap()), uri);
    }
}

#[test]
fn the_longest_address_is_still_read_and_a_longer_text_than_any_code_holds_is_refused() {
    let longest = "a".repeat(totp_uri_max());
    assert_eq!(read(&qr::svg(&longest).unwrap()), longest);
    assert!(qr::svg(&"a".repeat(2_953)).is_some());
    assert!(qr::svg(&"a".repeat(2_954)).is_none());
}

fn totp_uri_max() -> usize {
    tiffin_shared::factor::otpauth::URI_BYTES_MAX
}

#[test]
fn the_picture_is_small_named_and_of_one_path() {
    let label = Label::new("alice@example.com", "Shop", Algorithm::Sha1, 6).unwrap();
    let svg = qr::svg(&label.uri(&Seed::new(&[7; 20]))).unwrap();
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 "));
    assert!(svg.contains(" role=\"img\"") && svg.contains("<title>QR code for an authenticator app</title>"));
    assert_eq!(svg.matches("<path").count(), 1);
    assert!(svg.len() < 6_000, "{} bytes", svg.len());
}

/// Paints the picture's one path, checks its quiet zone, and hands it to a decoder.
fn read(svg: &str) -> String {
    let size: usize = svg.split("viewBox=\"0 0 ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    let mut dark = vec![vec![false; size]; size];
    for row in svg.split(" d=\"M").nth(1).unwrap().split('"').next().unwrap().split('M') {
        let (start, runs) = row.split_once('h').unwrap();
        let (x, y) = start.split_once(' ').unwrap();
        let y: usize = y.strip_suffix(".5").unwrap().parse().unwrap();
        let mut x: usize = x.parse().unwrap();
        for run in runs.split('m') {
            let (gap, run) = run.split_once(" 0h").unwrap_or(("0", run));
            let (gap, run): (usize, usize) = (gap.parse().unwrap(), run.parse().unwrap());
            x += gap;
            dark[y][x..x + run].fill(true);
            x += run;
        }
    }
    let is_quiet = |x: usize, y: usize| [x, y].iter().any(|at| *at < 4 || *at >= size - 4);
    for (y, row) in dark.iter().enumerate() {
        assert!(row.iter().enumerate().all(|(x, dark)| !dark || !is_quiet(x, y)), "row {y}");
    }
    assert!(dark[4][4], "no wider than four");
    let pixel = |x: usize, y: usize| if dark[y / SCALE][x / SCALE] { 0 } else { 255 };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(size * SCALE, size * SCALE, pixel);
    let found = image.detect_grids();
    assert_eq!(found.len(), 1);
    found[0].decode().unwrap().1
}
