//! Texts that lie about the boundaries.

use std::num::NonZeroU64;

/// Texts of random length and mixture, beside the systematic ones; `SEGMENT_TEXTS` asks for more.
const RANDOM_TEXTS: usize = 2_000;
/// 3GPP TS 23.038, basic table and extensions, and characters that look as if they were in it.
const GSM: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ\
    ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENSION: &str = "^{}\\[~]|€\u{c}";
const OTHERS: &str = "áçêíóõú`’“–\u{a0}АБकمä中ไ";
const BEYOND: &str = "😀🚀𝒜";

/// Lengths about what one message holds, and two, and three.
fn lengths() -> impl Iterator<Item = usize> {
    [32..=36, 65..=72, 75..=81, 132..=136, 150..=162, 199..=203, 304..=309, 457..=461].into_iter().flatten()
}

/// Every character alone and at every boundary, each kind of text at each length, and random ones.
pub fn all() -> Vec<String> {
    let every = [GSM, EXTENSION, OTHERS, BEYOND].concat();
    let mut texts: Vec<String> = every.chars().map(String::from).collect();
    texts.push(String::new());
    for length in lengths() {
        // The filler decides the alphabet, the guest stands on the boundary.
        for filler in ["a", "€", "ê", "😀"] {
            for guest in ["", "€", "[", "a", "ê", "😀"] {
                for tail in [0, 1, 100] {
                    texts.push([&filler.repeat(length), guest, &"b".repeat(tail)].concat());
                }
            }
        }
    }
    let count =
        std::env::var("SEGMENT_TEXTS").ok().and_then(|text| text.parse().ok()).unwrap_or(RANDOM_TEXTS);
    let mut draws = Draws(NonZeroU64::MIN);
    texts.extend((0..count).map(|_| random(&mut draws)));
    texts
}

fn random(draws: &mut Draws) -> String {
    // A text in the GSM alphabet must not have one character of another, so the mixture is drawn first.
    let alphabets: &[&str] = match draws.below(6) {
        0 => &[GSM],
        1 | 2 => &[GSM, EXTENSION],
        3 => &[GSM, OTHERS],
        4 => &[OTHERS, BEYOND],
        _ => &[GSM, EXTENSION, OTHERS, BEYOND],
    };
    let alphabets: Vec<Vec<char>> = alphabets.iter().map(|alphabet| alphabet.chars().collect()).collect();
    let length = draws.below(480);
    (0..length)
        .filter_map(|_| {
            let alphabet = alphabets.get(draws.below(alphabets.len()))?;
            alphabet.get(draws.below(alphabet.len())).copied()
        })
        // Twilio keeps what users see as one character in one segment; a carriage return joins the line feed behind it.
        .filter(|char| *char != '\r')
        .collect()
}

/// Xorshift: the same texts in every run.
struct Draws(NonZeroU64);

impl Draws {
    fn below(&mut self, bound: usize) -> usize {
        let mut state = self.0.get();
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        self.0 = NonZeroU64::new(state).unwrap_or(NonZeroU64::MIN);
        usize::try_from(state >> 16).unwrap_or_default() % bound.max(1)
    }
}
