//! Whether the SIM of an order's number changed lately, and which ways that closes.
//!
//! Who moves a number to a SIM of their own gets its text messages and its calls. An order whose service asks for it has its SIM
//! checked before the first of those, once: what the network said is kept with the order, and asked anew only where it could not
//! say, and then not before another attempt was made.

use serde::Deserialize;
use serde::Serialize;

use super::Command;
use super::Decision;
use super::Happening;
use super::Reason;
use super::Reply;
use super::State;
use crate::machine::Step;
use crate::time::UnixMs;
use crate::wire::api::Channel;

/// Checks of one order: each is a call that costs money, and one that nobody answered twice is not answered at all.
pub const SIM_CHECKS_MAX: u8 = 3;

/// What the number's network says of its SIM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SimVerdict {
    /// It changed within the time that was asked for.
    Swapped,
    /// It did not.
    Unchanged,
    /// Nobody can say.
    Unknown(SimDoubt),
}

/// Why nobody can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SimDoubt {
    /// Too many checks are under way or were made: ours, or those that the service allows.
    Busy,
    /// No answer in time, or the service failed.
    NoAnswer,
    /// Nobody is asked about the number's country, or who is does not serve the number.
    NotServed,
    /// The service does not take our credentials, or the question: ours to mend.
    Refused,
}

/// What follows where nobody can say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenUnknown {
    /// No text message and no call: other channels, or none.
    #[default]
    Refuse,
    /// As if it had not changed.
    Send,
}

/// The latest check of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SimCheck {
    verdict: SimVerdict,
    /// Counts from 1.
    n: u8,
    /// Attempts that were made before it.
    after: u32,
}

impl SimVerdict {
    /// In words, for an order's story.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Swapped => "it changed lately",
            Self::Unchanged => "it did not change lately",
            Self::Unknown(SimDoubt::Busy) => "unknown: too many checks at once",
            Self::Unknown(SimDoubt::NoAnswer) => "unknown: no answer in time, or the service failed",
            Self::Unknown(SimDoubt::NotServed) => "unknown: the service does not serve this number",
            Self::Unknown(SimDoubt::Refused) => "unknown: the service refused the question",
        }
    }
}

/// Whether who has the SIM gets what is sent this way. Mail does not go by it; Telegram and WhatsApp deliver to apps that are
/// logged in already.
fn hangs_on_sim(channel: Channel) -> bool {
    match channel {
        Channel::Sms | Channel::Voice => true,
        Channel::Email | Channel::Telegram | Channel::Whatsapp => false,
    }
}

/// The network's answer to check `n`.
pub(super) fn checked(
    mut state: State,
    (n, verdict): (u8, SimVerdict),
    command: &Command,
    now: UnixMs,
) -> Step<State, Reply> {
    if state.is_ended() {
        return Step::keep(Reply::of(Decision::Stop));
    }
    let again = Reply::of(Decision::RetryAt(now));
    // Another copy of the job was answered first.
    if n != state.sim.map_or(1, |check| check.n.saturating_add(1)) {
        return Step::keep(again);
    }
    state.sim = Some(SimCheck { verdict, n, after: state.last_n() });
    state.story.add(now, Happening::SimChecked { verdict });
    state.put(again, command, now)
}

impl State {
    /// Which check has to be made before a message goes by `channel`; nothing where none has.
    pub(super) fn sim_check_before(&self, channel: Channel) -> Option<u8> {
        self.terms.sim_check.filter(|_| hangs_on_sim(channel))?;
        match self.sim {
            None => Some(1),
            Some(SimCheck { verdict: SimVerdict::Unknown(_), n, after }) => {
                (after < self.last_n() && n < SIM_CHECKS_MAX).then(|| n.saturating_add(1))
            }
            Some(_) => None,
        }
    }

    /// Why no message may go by `channel`, as far as its SIM is known.
    pub(super) fn sim_rules_out(&self, channel: Channel) -> Option<Reason> {
        let when_unknown = self.terms.sim_check.filter(|_| hangs_on_sim(channel))?;
        match (self.sim?.verdict, when_unknown) {
            (SimVerdict::Swapped, _) => Some(Reason::SimSwapped),
            (SimVerdict::Unknown(_), WhenUnknown::Refuse) if self.sim_check_before(channel).is_none() => {
                Some(Reason::SimUnknown)
            }
            (SimVerdict::Unchanged | SimVerdict::Unknown(_), _) => None,
        }
    }

    fn last_n(&self) -> u32 {
        self.attempts.last().map_or(0, |last| last.attempt.n)
    }
}
