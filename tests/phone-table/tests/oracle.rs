//! The packed table against two other implementations of libphonenumber: one in Rust, and an independent one in Python.
//!
//! Both are asked about the number's digits as they are. What `parse` would do first, to drop a national prefix behind the
//! calling code, is left out on purpose: `strict_digits_differ_from_lenient_parsing_only_by_a_dropped_prefix` counts that.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]
#![expect(clippy::print_stdout, reason = "the counts are of interest")]

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::thread;

use rlibphonenumber::PHONE_NUMBER_UTIL;
use rlibphonenumber::PhoneNumber;
use rlibphonenumber::PhoneNumberType;
use tiffin_phone_table::numbers::Numbers;
use tiffin_phone_table::root;
use tiffin_shared::phone::Phone;
use tiffin_shared::phone::classify;

/// Numbers compared with each implementation, by two threads or processes.
const NUMBERS: usize = 500_000;
const WORKERS: usize = 2;
/// Of those, how many must be valid for the comparison to say something.
const VALID_MIN: usize = 300_000;
/// The kinds by libphonenumber's own numbering of types.
const KINDS: [&str; 11] = [
    "fixed_line",
    "mobile",
    "fixed_line_or_mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
];
/// Whose numbers are satellite to us, whatever their type.
const SATELLITE: [&str; 4] = ["870", "881", "882", "883"];

/// `code country kind`, with `-` for no country: the form all three implementations are brought to.
fn ours(e164: &str) -> String {
    let class = classify(&Phone::parse(e164).unwrap());
    let country = class.country.map_or("-".to_owned(), |country| country.to_string());
    format!("{} {country} {}", class.calling_code, class.kind.as_str())
}

/// An implementation's answer in the same form. Two rules are ours: satellite codes, and that an invalid number under a code
/// that several countries share is of no country.
fn theirs(code: &str, sharers: usize, region: &str, kind: Option<&str>) -> String {
    let satellite = kind.is_some() && SATELLITE.contains(&code);
    let nobody = region == "001" || kind.is_none() && sharers != 1;
    let kind = if satellite { "satellite" } else { kind.unwrap_or("invalid") };
    format!("{code} {} {kind}", if nobody { "-" } else { region })
}

/// Calling code and the rest.
fn split(e164: &str, is_code: impl Fn(&str) -> bool) -> Option<(&str, &str)> {
    (2..=4).map(|at| (&e164[1..at], &e164[at..])).find(|(code, _)| is_code(code))
}

fn number(code: &str, rest: &str) -> PhoneNumber {
    let zeros = rest.bytes().take_while(|digit| *digit == b'0').count().min(rest.len() - 1);
    PhoneNumber {
        country_code: code.parse().unwrap(),
        national_number: rest.parse().unwrap(),
        italian_leading_zero: (zeros > 0).then_some(true),
        number_of_leading_zeros: (zeros > 1).then(|| i32::try_from(zeros).unwrap()),
        ..PhoneNumber::default()
    }
}

fn rust_oracle(e164: &str) -> String {
    let util = &PHONE_NUMBER_UTIL;
    let sharers = |code: &str| {
        util.get_regions_for_country_calling_code(code.parse().unwrap()).map_or(0, |regions| regions.len())
    };
    let Some((code, rest)) = split(e164, |code| sharers(code) > 0) else {
        return "0 - invalid".to_owned();
    };
    let number = number(code, rest);
    let kind = match util.get_number_type(&number) {
        PhoneNumberType::FixedLine => Some(KINDS[0]),
        PhoneNumberType::Mobile => Some(KINDS[1]),
        PhoneNumberType::FixedLineOrMobile => Some(KINDS[2]),
        PhoneNumberType::TollFree => Some(KINDS[3]),
        PhoneNumberType::PremiumRate => Some(KINDS[4]),
        PhoneNumberType::SharedCost => Some(KINDS[5]),
        PhoneNumberType::VoIP => Some(KINDS[6]),
        PhoneNumberType::PersonalNumber => Some(KINDS[7]),
        PhoneNumberType::Pager => Some(KINDS[8]),
        PhoneNumberType::UAN => Some(KINDS[9]),
        PhoneNumberType::VoiceMail => Some(KINDS[10]),
        PhoneNumberType::Unknown => None,
    };
    let region = util.get_region_for_number(&number).map_or("001".to_owned(), |region| region.to_string());
    theirs(code, sharers(code), &region, kind)
}

/// Lines of `code sharers region valid type` from the Python port.
fn python_oracle(numbers: &[String]) -> Vec<String> {
    let tools = std::env::var_os("TIFFIN_TOOLS").map_or_else(
        || {
            let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
            cache
                .unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache"))
                .join("tiffin/tools")
        },
        PathBuf::from,
    );
    let [major, minor, patch] = tiffin_shared::phone::metadata_version();
    let python = tools.join(format!("phonenumbers-{major}.{minor}.{patch}/bin/python"));
    assert!(python.exists(), "{} is missing: run scripts/setup.sh python", python.display());
    let mut child = Command::new(python)
        .arg(root().join("tests/phone-table/oracle.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let lines = numbers.join("\n");
    let writer = thread::spawn(move || stdin.write_all(lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let answers = String::from_utf8(output.stdout).unwrap();
    let in_our_form = |line: &str| {
        let parts: Vec<_> = line.split(' ').collect();
        let [code, sharers, region, kind] = parts[..] else { return "0 - invalid".to_owned() };
        theirs(code, sharers.parse().unwrap(), region, kind.parse().ok().map(|at: usize| KINDS[at]))
    };
    answers.lines().map(in_our_form).collect()
}

/// Compares all numbers, in parallel, and tells the first differences.
fn compare(seed: u64, oracle: impl Fn(&[String]) -> Vec<String> + Sync) {
    let numbers = Numbers::new(seed).unwrap().take(NUMBERS).unwrap();
    let part = |numbers: &[String]| {
        let answers = oracle(numbers);
        assert_eq!(answers.len(), numbers.len());
        let mut wrong = Vec::new();
        let mut valid = 0;
        for (number, theirs) in numbers.iter().zip(answers) {
            let ours = ours(number);
            valid += usize::from(!ours.ends_with("invalid"));
            if ours != theirs {
                wrong.push(format!("{number}: ours {ours}, theirs {theirs}"));
            }
        }
        (valid, wrong)
    };
    let parts: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> =
            numbers.chunks(NUMBERS.div_ceil(WORKERS)).map(|chunk| scope.spawn(|| part(chunk))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let valid: usize = parts.iter().map(|(valid, _)| valid).sum();
    let wrong: Vec<_> = parts.into_iter().flat_map(|(_, wrong)| wrong).collect();
    let few: Vec<_> = wrong.iter().take(20).cloned().collect();
    assert!(wrong.is_empty(), "{} of {NUMBERS} differ:\n{}", wrong.len(), few.join("\n"));
    println!("{NUMBERS} numbers, {valid} valid, 0 differ");
    assert!(valid >= VALID_MIN, "only {valid} valid numbers");
}

#[test]
fn the_packed_table_agrees_with_the_rust_port() {
    compare(1, |numbers| numbers.iter().map(|number| rust_oracle(number)).collect());
}

#[test]
fn the_packed_table_agrees_with_the_independent_python_port() {
    compare(2, python_oracle);
}

#[test]
fn strict_digits_differ_from_lenient_parsing_only_by_a_dropped_prefix() {
    let numbers = Numbers::new(3).unwrap().take(100_000).unwrap();
    let util = &PHONE_NUMBER_UTIL;
    let mut dropped = 0;
    for e164 in &numbers {
        let parsed = util.parse(e164, None);
        let digits = parsed.as_ref().map(|number| {
            let national = rlibphonenumber::get_national_significant_number_owned(number);
            format!("+{}{national}", number.country_code)
        });
        if digits.as_ref().is_ok_and(|digits| digits != e164) {
            dropped += 1;
            continue;
        }
        let valid = parsed.is_ok_and(|number| util.is_valid_number(&number));
        assert_eq!(valid, !ours(e164).ends_with("invalid"), "{e164}");
    }
    println!("{dropped} of {} have a prefix that parsing drops", numbers.len());
    assert!(dropped < numbers.len() / 50, "{dropped}");
}
