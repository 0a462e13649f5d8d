//! Texts in other spellings: percent-encoded, in base64, in hexadecimal, as UTF-16.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::GeneralPurpose;
use base64::engine::GeneralPurposeConfig;
use percent_encoding::percent_decode_str;

/// Shorter runs of letters and digits hide nothing: four digits are eight of hexadecimal, six of base64.
const RUN_CHARS_MIN: usize = 6;
/// Each run of base64 is read from each place where a group of four may begin.
const GROUP: usize = 4;
/// Lenient: what is cut or unpadded is read all the same.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Everything that `text` may say besides what it says.
pub(super) fn readings(text: &str) -> impl Iterator<Item = String> + '_ {
    let percent = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let decoded = text.contains('%').then(|| [percent(text), percent(&text.replace('+', " "))]);
    let is_run = |char: char| char.is_ascii_alphanumeric() || matches!(char, '+' | '/' | '-' | '_');
    let runs = text.split(move |char| !is_run(char)).filter(|run| run.len() >= RUN_CHARS_MIN);
    decoded.into_iter().flatten().chain(runs.flat_map(|run| base64(run).into_iter().chain(hex(run))))
}

fn base64(run: &str) -> Vec<String> {
    let run = run.replace('-', "+").replace('_', "/");
    let from = |start: usize| {
        let rest = run.get(start..)?;
        let whole = if rest.len() % GROUP == 1 { rest.get(..rest.len() - 1)? } else { rest };
        BASE64.decode(whole).ok()
    };
    (0..GROUP).filter_map(from).map(|bytes| read(&bytes)).collect()
}

fn hex(run: &str) -> Vec<String> {
    let digits: Option<Vec<u8>> =
        run.chars().map(|char| char.to_digit(16).and_then(|it| u8::try_from(it).ok())).collect();
    let Some(digits) = digits else { return Vec::new() };
    let from = |start: usize| {
        let pairs = digits.get(start..)?.chunks_exact(2);
        let byte = |pair: &[u8]| pair.iter().fold(0_u8, |byte, digit| byte << 4 | digit);
        Some(read(&pairs.map(byte).collect::<Vec<u8>>()))
    };
    (0..2).filter_map(from).collect()
}

/// Bytes as text: UTF-16 loses its zeros by that.
fn read(bytes: &[u8]) -> String {
    let text: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
    String::from_utf8_lossy(&text).into_owned()
}

/// Whether the value is there, in capitals or not.
pub(super) fn holds(text: &str, value: &str) -> bool {
    text.to_ascii_lowercase().contains(&value.to_ascii_lowercase())
}

/// With every occurrence of `value`, in capitals or not, replaced.
pub(super) fn replaced(text: &str, value: &str, by: &str) -> String {
    let (lower, wanted) = (text.to_ascii_lowercase(), value.to_ascii_lowercase());
    let (mut out, mut from) = (String::new(), 0);
    while let Some(found) =
        lower.get(from..).and_then(|rest| rest.find(&wanted)).filter(|_| !wanted.is_empty())
    {
        out.push_str(text.get(from..from + found).unwrap_or_default());
        out.push_str(by);
        from += found + wanted.len();
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}
