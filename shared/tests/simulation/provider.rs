//! Providers: what becomes of a call, and what they say of it later.

use std::collections::BTreeMap;

use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Found;
use tiffin_shared::order::Reason;
use tiffin_shared::order::Receipt;
use tiffin_shared::time::UnixMs;

use crate::plan::Account;
use crate::plan::Mode;
use crate::random::Random;

/// What a call will have come to.
pub struct Call {
    pub outcome: CallOutcome,
    pub took_ms: u64,
    /// The name of the message that the provider took.
    pub taken: Option<String>,
    /// After the call.
    pub receipts: Vec<(u64, Receipt)>,
    /// When the user has it, after the call.
    pub arrives_ms: Option<u64>,
}

/// Names a call: account, order, which record of it, attempt.
pub type CallName = (usize, usize, u32, u32);

#[derive(Default)]
pub struct Providers {
    taken: BTreeMap<CallName, (String, UnixMs)>,
    names: u64,
}

pub fn mode(account: &Account, now: UnixMs, random: &mut Random) -> Mode {
    let spell = account.spells.iter().rev().find(|spell| spell.from <= now);
    spell.filter(|spell| random.chance(spell.permille)).map_or(Mode::Ok, |spell| spell.mode)
}

impl Providers {
    pub fn call(&mut self, name: CallName, mode: Mode, now: UnixMs, random: &mut Random) -> Call {
        let refused =
            |outcome, took_ms| Call { outcome, took_ms, taken: None, receipts: Vec::new(), arrives_ms: None };
        let quick_ms = random.between(20, 400);
        match mode {
            Mode::Reject(reason) => return refused(CallOutcome::Failed(reason), quick_ms),
            Mode::Down => return refused(CallOutcome::Failed(Reason::ProviderDown), quick_ms),
            Mode::Throttle => {
                let retry_after_ms = random.chance(700).then(|| random.between(500, 40_000));
                return refused(CallOutcome::Throttled { retry_after_ms }, quick_ms);
            }
            Mode::Timeout if random.chance(500) => return refused(CallOutcome::Unknown, 10_000),
            Mode::Reset if random.chance(500) => return refused(CallOutcome::Unknown, quick_ms),
            _ => {}
        }
        self.names += 1;
        let provider_id = format!("m{}", self.names);
        self.taken.insert(name, (provider_id.clone(), now.plus(random.below(1_000))));
        let arrives_ms = random.between(800, 8_000);
        let (outcome, took_ms) = match mode {
            Mode::Timeout => (CallOutcome::Unknown, 10_000),
            Mode::Reset => (CallOutcome::Unknown, quick_ms),
            Mode::ReceiptFirst => {
                (CallOutcome::Taken { provider_id: provider_id.clone() }, random.between(2_000, 9_900))
            }
            _ => (CallOutcome::Taken { provider_id: provider_id.clone() }, quick_ms),
        };
        let does_arrive = match mode {
            Mode::Undelivered(_) => false,
            Mode::Silent => random.chance(700),
            _ => true,
        };
        Call {
            outcome,
            took_ms,
            taken: Some(provider_id),
            receipts: receipts(mode, arrives_ms, random),
            arrives_ms: does_arrive.then_some(arrives_ms),
        }
    }

    /// Whether the provider has the message, when asked.
    pub fn look(&self, name: CallName, mode: Mode, now: UnixMs, random: &mut Random) -> Found {
        let is_away = matches!(mode, Mode::Down | Mode::Reset | Mode::Throttle | Mode::Timeout);
        if is_away || random.chance(30) {
            return Found::Unclear;
        }
        match self.taken.get(&name) {
            Some((provider_id, listed_at)) if *listed_at <= now => {
                Found::Taken { provider_id: provider_id.clone() }
            }
            _ => Found::Missing,
        }
    }

    pub fn has(&self, name: CallName) -> bool {
        self.taken.contains_key(&name)
    }
}

fn receipts(mode: Mode, arrives_ms: u64, random: &mut Random) -> Vec<(u64, Receipt)> {
    let told_ms = arrives_ms + random.below(2_000);
    let sent = (arrives_ms / 2, Receipt::Sent);
    let delivered = (told_ms, Receipt::Delivered);
    match mode {
        Mode::Silent => Vec::new(),
        Mode::Denied => vec![sent, delivered, (told_ms + 3_000, Receipt::Failed(Reason::Rejected))],
        Mode::Disordered => vec![delivered, (told_ms + 1_000, Receipt::Sent)],
        Mode::Late => vec![(random.between(20_000, 150_000), Receipt::Delivered)],
        Mode::Twice => vec![sent, sent, delivered, (told_ms + random.below(60_000), Receipt::Delivered)],
        Mode::Undelivered(reason) => vec![sent, (told_ms, Receipt::Failed(reason))],
        _ if random.chance(500) => vec![sent, delivered],
        _ => vec![delivered],
    }
}
