//! One pattern of the metadata as an automaton.

#![expect(
    deprecated,
    reason = "the crate marks fields that its own wrapper empties; these are read before any wrapper"
)]

use anyhow::Result;
use anyhow::ensure;
use regex_automata::Anchored;
use regex_automata::MatchKind;
use regex_automata::dfa::Automaton;
use regex_automata::dfa::StartKind;
use regex_automata::dfa::dense;
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::util::syntax;
use rlibphonenumber::PhoneNumberDesc;

type Dfa = dense::DFA<Vec<u32>>;

/// A pattern and the lengths it holds for.
pub(crate) struct Rule {
    dfa: Dfa,
    /// Bit n: numbers of n digits may match.
    lengths: u32,
}

/// Where a rule stands in the digits read so far. `None`: it cannot match any more.
pub(crate) type At = Option<StateID>;

impl Rule {
    pub(crate) fn pattern(pattern: &str, lengths: u32) -> Result<Self> {
        ensure!(!pattern.is_empty() && pattern.is_ascii(), "an unexpected pattern: {pattern:?}");
        // `All`: an alternative that matched early must not end the others.
        let config =
            dense::Config::new().match_kind(MatchKind::All).start_kind(StartKind::Anchored).minimize(true);
        let dfa = dense::Builder::new()
            .configure(config)
            .syntax(syntax::Config::new().unicode(false).utf8(false))
            .build(&format!("(?:{pattern})"))?;
        Ok(Self { dfa, lengths })
    }

    pub(crate) fn desc(desc: &Option<PhoneNumberDesc>) -> Result<Option<Self>> {
        let Some(desc) = desc else { return Ok(None) };
        let Some(pattern) = &desc.national_number_pattern else { return Ok(None) };
        let mut lengths = if desc.possible_length.is_empty() { u32::MAX } else { 0 };
        // A length of -1 says that the country has no such numbers.
        for length in desc.possible_length.iter().filter_map(|length| u32::try_from(*length).ok()) {
            lengths |= 1 << length;
        }
        Self::pattern(pattern, lengths).map(Some)
    }

    /// Before the first digit.
    pub(crate) fn start(&self) -> Result<At> {
        Ok(self.live(self.dfa.start_state(&start::Config::new().anchored(Anchored::Yes))?, 0))
    }

    fn live(&self, state: StateID, depth: usize) -> At {
        let longer_ok = self.lengths >> depth != 0;
        (longer_ok && !self.dfa.is_dead_state(state)).then_some(state)
    }

    /// After one more digit, `depth` in all.
    pub(crate) fn next(&self, at: At, digit: u8, depth: usize) -> At {
        self.live(self.dfa.next_state(at?, b'0' + digit), depth)
    }

    /// Whether the `depth` digits so far are a number.
    pub(crate) fn matches(&self, at: At, depth: usize) -> bool {
        self.lengths >> depth & 1 == 1
            && at.is_some_and(|state| self.dfa.is_match_state(self.dfa.next_eoi_state(state)))
    }
}
