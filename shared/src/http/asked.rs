//! What a request comes to before anyone is asked.

use std::collections::VecDeque;

use super::Question;
use super::gate::Gate;
use super::preflight::Facts;
use crate::id::LedgerId;
use crate::ledger::Ask;
use crate::problem::Problem;

/// Whom to ask, and what before.
pub(super) struct Asked {
    pub(super) ledger: LedgerId,
    pub(super) ask: Ask,
    pub(super) facts: Option<Facts>,
    /// What an order is refused with, unless it was accepted before.
    pub(super) refusal: Option<Problem>,
    pub(super) gate: Option<Gate>,
    pub(super) before: VecDeque<Question>,
}

impl Asked {
    pub(super) fn only(ledger: LedgerId, ask: Ask) -> Self {
        Self { ledger, ask, facts: None, refusal: None, gate: None, before: VecDeque::new() }
    }
}
