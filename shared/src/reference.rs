//! Which attempt a message at a provider belongs to. Kept under the gateway's name and the provider's id of the message.
//!
//! For providers whose receipts say nothing but their own id. A missing state means a message of nobody: its receipt cannot
//! be told from a forged one, and is refused until somebody claims it.

use serde::Deserialize;
use serde::Serialize;

use crate::id::OrderId;
use crate::machine::Machine;
use crate::machine::Step;
use crate::machine::Write;
use crate::order::KEEP_MS;
use crate::time::UnixMs;

/// An attempt to deliver an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Which order.
    pub order: OrderId,
    /// Its attempt; counts from 1.
    pub n: u32,
}

/// Text of a [`Reference`] that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an attempt's reference: an order's id, a dot and a number")]
pub struct NoReference;

impl Reference {
    /// `ord_….2`: what a provider is given to repeat in its receipts. At most 64 characters of letters, digits, `_`, `-`
    /// and `.`.
    pub fn text(&self) -> String {
        format!("{}.{}", self.order, self.n)
    }

    /// Reads [`Self::text`].
    pub fn parse(text: &str) -> Result<Self, NoReference> {
        let (order, n) = text.rsplit_once('.').ok_or(NoReference)?;
        let order = OrderId::parse(order).map_err(|_| NoReference)?;
        let is_plain = !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit()) && !n.starts_with('0');
        let n = n.parse().ok().filter(|_| is_plain).ok_or(NoReference)?;
        Ok(Self { order, n })
    }
}

/// The machine.
pub enum Index {}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Nobody did.
    Forget,
    /// Who sent it?
    Look,
    /// This attempt did.
    Keep(Reference),
}

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    reference: Reference,
    expires_at: UnixMs,
}

impl Machine for Index {
    type State = State;
    type Command = Command;
    type Reply = Option<Reference>;

    fn step(state: Option<State>, command: &Command, now: UnixMs) -> Step<State, Option<Reference>> {
        let known = state.filter(|state| now < state.expires_at).map(|state| state.reference);
        match (command, known) {
            (Command::Forget, None) => Step::keep(None),
            (Command::Forget, Some(reference)) => {
                let state = State { reference, expires_at: now };
                Step { reply: None, write: Write::Put { state, expires_at: now, wake_at: None } }
            }
            // The first one stays: an id that a provider gives out twice must not move a message to another order.
            (_, Some(known)) => Step::keep(Some(known)),
            (Command::Look, None) => Step::keep(None),
            (Command::Keep(reference), None) => {
                let expires_at = now.plus(KEEP_MS);
                let state = State { reference: reference.clone(), expires_at };
                let write = Write::Put { state, expires_at, wake_at: None };
                Step { reply: Some(reference.clone()), write }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::LedgerId;

    #[test]
    fn a_reference_is_read_as_it_was_written_and_nothing_else_is() {
        let reference = Reference { order: OrderId::new([7; 16], LedgerId::new([9; 16])), n: 12 };
        let text = reference.text();
        assert!(text.len() <= 64, "{text}");
        assert_eq!(Reference::parse(&text), Ok(reference.clone()));
        for bad in ["", ".", "ord_x.1", &reference.order.to_string(), &format!("{}.", reference.order)] {
            assert_eq!(Reference::parse(bad), Err(NoReference), "{bad}");
        }
        for n in ["0", "01", "+1", "-1", "4294967296", "1 "] {
            assert_eq!(Reference::parse(&format!("{}.{n}", reference.order)), Err(NoReference), "{n}");
        }
    }

    #[test]
    fn an_id_that_a_provider_gives_out_twice_stays_with_the_first_message() {
        let order = |byte| OrderId::new([byte; 16], LedgerId::new([9; 16]));
        let (first, second) = (Reference { order: order(1), n: 1 }, Reference { order: order(2), n: 1 });
        let ask = |state, command: Command| Index::step(state, &command, UnixMs(5));
        let kept = ask(None, Command::Keep(first.clone()));
        let Write::Put { state, .. } = kept.write else { panic!("it is kept") };
        assert_eq!(ask(Some(state.clone()), Command::Keep(second)).reply, Some(first.clone()));
        assert_eq!(ask(Some(state.clone()), Command::Look).reply, Some(first));
        let later = state.expires_at;
        assert_eq!(Index::step(Some(state), &Command::Look, later).reply, None);
        assert_eq!(ask(None, Command::Look).reply, None);
    }
}
