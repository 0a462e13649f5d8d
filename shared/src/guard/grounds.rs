//! What led to a verdict, as it was judged: figures go on, and an operator asks later.

use serde::Deserialize;
use serde::Serialize;

use super::Cause;
use super::Rates;
use crate::time::DAY_MS;
use crate::time::HOUR_MS;
use crate::time::UnixMs;

/// The figures of a verdict when it began. Written as a list of four, to be short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Entry", into = "Entry")]
pub struct Grounds {
    /// Since when it stands.
    pub since: UnixMs,
    /// Orders and how many were verified; of guesses all, and those that were right.
    pub rates: Rates,
    /// The span that they were counted over.
    pub span_ms: u64,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Entry(UnixMs, u32, u32, u64);

impl From<Entry> for Grounds {
    fn from(Entry(since, sends, verified, span_ms): Entry) -> Self {
        Self { since, rates: Rates { sends, verified }, span_ms }
    }
}

impl From<Grounds> for Entry {
    fn from(Grounds { since, rates, span_ms }: Grounds) -> Self {
        Self(since, rates.sends, rates.verified, span_ms)
    }
}

impl Grounds {
    /// A sentence for whoever has to decide.
    pub fn why(&self, because: Cause) -> String {
        let (Rates { sends, verified }, span) = (self.rates, span(self.span_ms));
        let unverified = self.rates.unverified();
        match because {
            Cause::CountryDrop => {
                format!(
                    "{verified} of {sends} orders in {span} verified: far below what the country usually does"
                )
            }
            Cause::FailedGuesses => format!("{unverified} of {sends} guesses in {span} wrong"),
            Cause::LowConversion => format!("{verified} of {sends} orders in {span} verified: few"),
            Cause::NoConversion => {
                format!(
                    "{verified} of {sends} orders in {span} verified: next to none, and others of the country are"
                )
            }
            Cause::UnverifiedBudget => {
                format!("{unverified} of {sends} orders in {span} unverified: more than its past allows for")
            }
        }
    }
}

fn span(ms: u64) -> String {
    match ms {
        DAY_MS => "a day".to_owned(),
        ms if ms > HOUR_MS => format!("{} hours", ms / HOUR_MS),
        ms => format!("{} minutes", ms / 60_000),
    }
}
