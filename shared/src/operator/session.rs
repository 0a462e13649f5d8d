//! A sign-in at the console. Kept under the hash of what the browser's cookie holds.
//!
//! A missing state means that nobody is signed in. What the token may do is looked up with every request, so that a role that is
//! changed and a token that is replaced count at once.

use serde::Deserialize;
use serde::Serialize;

use super::TokenDigest;
use crate::machine::Machine;
use crate::machine::Step;
use crate::machine::Write;
use crate::time::HOUR_MS;
use crate::time::MINUTE_MS;
use crate::time::UnixMs;

/// How long one may do nothing (NIST SP 800-63B-4 section 2.2.3 asks for an hour at most).
pub const IDLE_MS: u64 = 30 * MINUTE_MS;
/// How long a sign-in lasts whatever one does: a shift. (The same section: a day at most.)
pub const LIFE_MS: u64 = 12 * HOUR_MS;
/// Uses closer to each other are one: most requests write nothing.
const NOTED_MS: u64 = MINUTE_MS;

/// The machine.
pub enum Session {}

/// Who signed in, with what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedIn {
    /// As he called himself, or as his token is named.
    pub name: String,
    /// Of the token that he showed.
    pub digest: TokenDigest,
}

/// What is asked.
#[derive(Clone, Debug)]
pub enum Command {
    /// He showed his token. A session that is there already stays whose it is.
    Begin(SignedIn),
    /// A request came with it that nobody made: the page asks again by itself.
    Look,
    /// A request came with it.
    Use,
    /// He signs out.
    End,
}

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    who: SignedIn,
    /// At the latest; zero when he has signed out.
    ends_at: UnixMs,
    /// When it was last noted, or he signed out. No clock behind it counts.
    used_at: UnixMs,
}

impl State {
    fn ends_at(&self) -> UnixMs {
        self.used_at.plus(IDLE_MS).min(self.ends_at)
    }

    fn put(self) -> Step<Self, Option<SignedIn>> {
        let expires_at = self.ends_at();
        let reply = Some(self.who.clone());
        Step { reply, write: Write::Put { state: self, expires_at, wake_at: None } }
    }
}

impl Machine for Session {
    type State = State;
    type Command = Command;
    /// Whose session it is; nobody's where there is none, or none any more.
    type Reply = Option<SignedIn>;

    fn step(state: Option<State>, command: &Command, now: UnixMs) -> Step<State, Option<SignedIn>> {
        let now = state.as_ref().map_or(now, |state| state.used_at.max(now));
        let state = state.filter(|state| now < state.ends_at());
        match (state, command) {
            (None, Command::Begin(who)) => {
                State { who: who.clone(), ends_at: now.plus(LIFE_MS), used_at: now }.put()
            }
            (None, Command::Look | Command::Use | Command::End) => Step::keep(None),
            (Some(state), Command::Look) => Step::keep(Some(state.who)),
            (Some(mut state), Command::End) => {
                (state.ends_at, state.used_at) = (UnixMs(0), now);
                Step { reply: None, write: Write::Put { state, expires_at: now, wake_at: None } }
            }
            (Some(mut state), Command::Begin(_) | Command::Use) => {
                if now.since(state.used_at) < NOTED_MS {
                    return Step::keep(Some(state.who));
                }
                state.used_at = now;
                state.put()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine;

    const START: UnixMs = UnixMs(1_800_000_000_000);

    fn after(stored: &mut Option<String>, command: &Command, now: UnixMs) -> bool {
        let (who, commit) = machine::run::<Session>(stored.as_deref(), command, now).unwrap();
        if let Some(commit) = commit {
            *stored = Some(commit.body);
        }
        who.is_some()
    }

    fn begun() -> Option<String> {
        let who = SignedIn { name: "ann".into(), digest: TokenDigest::of("one") };
        let mut stored = None;
        assert!(after(&mut stored, &Command::Begin(who), START));
        stored
    }

    #[test]
    fn a_sign_in_ends_after_half_an_hour_of_nothing_to_the_millisecond() {
        let mut stored = begun();
        assert!(!after(&mut stored.clone(), &Command::Use, START.plus(IDLE_MS)));
        assert!(after(&mut stored, &Command::Use, START.plus(IDLE_MS - 1)));
        assert!(after(&mut stored, &Command::Use, START.plus(2 * IDLE_MS - 2)));
    }

    #[test]
    fn a_sign_in_ends_after_twelve_hours_whatever_one_does() {
        let mut stored = begun();
        let mut now = START;
        while now.plus(10 * MINUTE_MS) < START.plus(LIFE_MS) {
            now = now.plus(10 * MINUTE_MS);
            assert!(after(&mut stored, &Command::Use, now));
        }
        assert!(!after(&mut stored, &Command::Use, START.plus(LIFE_MS)));
    }

    #[test]
    fn a_page_that_asks_by_itself_keeps_nobody_signed_in() {
        let mut stored = begun();
        for minutes in 1..30 {
            assert!(after(&mut stored, &Command::Look, START.plus(minutes * MINUTE_MS)), "{minutes}");
        }
        assert!(!after(&mut stored, &Command::Look, START.plus(IDLE_MS)));
        assert!(!after(&mut stored, &Command::Use, START.plus(IDLE_MS)));
    }

    #[test]
    fn most_uses_write_nothing() {
        let stored = begun();
        let soon = START.plus(NOTED_MS - 1);
        let (_, commit) = machine::run::<Session>(stored.as_deref(), &Command::Use, soon).unwrap();
        assert!(commit.is_none());
    }
}
