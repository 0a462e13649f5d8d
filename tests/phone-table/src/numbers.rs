//! Numbers to compare with, the same ones in every run.

use anyhow::Context;
use anyhow::Result;

use crate::grammar;
use crate::metadata;
use crate::rule::Rule;

/// ITU-T E.164, and what `Phone` takes.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// SplitMix64: small, and good enough to spread test numbers.
pub struct Random(u64);

impl Random {
    /// A sequence by its number.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % (end.max(1) as u64)).unwrap_or(0)
    }
}

/// Makes numbers: three of five follow a country's pattern for a type, one does so with a digit changed, dropped or
/// added, and one is a calling code with anything behind it.
pub struct Numbers {
    rules: Vec<(u16, Rule)>,
    random: Random,
}

impl Numbers {
    /// A sequence of numbers.
    pub fn new(seed: u64) -> Result<Self> {
        let mut rules = Vec::new();
        for (code, plans) in metadata::load()?.codes {
            for rule in plans
                .iter()
                .map(grammar::of_types)
                .collect::<Result<Vec<_>>>()?
                .into_iter()
                .flatten()
                .flatten()
            {
                rules.push((code, rule));
            }
        }
        Ok(Self { rules, random: Random::new(seed) })
    }

    fn one(&mut self) -> Option<String> {
        let (code, rule) = self.rules.get(self.random.below(self.rules.len()))?;
        let random = &mut self.random;
        let mut digits = code.to_string();
        match random.below(5) {
            0 => {
                let to = DIGITS.start() + random.below(DIGITS.count());
                while digits.len() < to {
                    digits.push(digit(random));
                }
            }
            1 => {
                digits.push_str(&rule.sample(random)?);
                let at = random.below(digits.len());
                match random.below(3) {
                    0 => digits.replace_range(at..=at, &digit(random).to_string()),
                    1 => drop(digits.remove(at)),
                    _ => digits.insert(at, digit(random)),
                }
            }
            _ => digits.push_str(&rule.sample(random)?),
        }
        (DIGITS.contains(&digits.len()) && !digits.starts_with('0')).then(|| format!("+{digits}"))
    }

    /// So many numbers.
    pub fn take(&mut self, count: usize) -> Result<Vec<String>> {
        let mut numbers = Vec::with_capacity(count);
        // About one try in a hundred gives no number.
        for _ in 0..count * 2 {
            numbers.extend(self.one());
            if numbers.len() == count {
                return Ok(numbers);
            }
        }
        None.context("too few of the tries gave a number")
    }
}

fn digit(random: &mut Random) -> char {
    char::from_digit(u32::try_from(random.below(10)).unwrap_or(0), 10).unwrap_or('0')
}

impl Rule {
    /// Digits that match the pattern, of any of its lengths.
    fn sample(&self, random: &mut Random) -> Option<String> {
        let mut digits = String::new();
        let mut at = self.start().ok()?;
        let mut found = None;
        while at.is_some() {
            let depth = digits.len();
            if self.matches(at, depth) {
                found = Some(digits.clone());
                if random.below(2) == 0 {
                    break;
                }
            }
            let choices: Vec<u8> =
                (0..10).filter(|digit| self.next(at, *digit, depth + 1).is_some()).collect();
            let Some(choice) = choices.get(random.below(choices.len())) else { break };
            digits.push(char::from(b'0' + choice));
            at = self.next(at, *choice, depth + 1);
        }
        found
    }
}
