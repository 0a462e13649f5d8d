//! Scripts for a factor: what happens, and after which pause.

use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prop_oneof;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::code::Code;
use tiffin_shared::factor::Ask;
use tiffin_shared::factor::Command;
use tiffin_shared::factor::Enrol;
use tiffin_shared::factor::Factor;
use tiffin_shared::factor::FactorId;
use tiffin_shared::factor::Outcome;
use tiffin_shared::factor::Verify;
use tiffin_shared::factor::Whose;
use tiffin_shared::factor::totp;
use tiffin_shared::factor::totp::Algorithm;
use tiffin_shared::factor::totp::Seed;
use tiffin_shared::keys::IndexKey;
use tiffin_shared::time::UnixMs;

pub use super::factor_keys::keys;
use super::fixtures::START;
use super::fixtures::entropy;
use super::fixtures::tenant;
use super::host::Host;
use super::pause;
use super::pause::Pause;

/// Eight, so that a made-up code is never right by chance within a test run.
pub const DIGITS: u8 = 8;

#[derive(Clone, Debug)]
pub enum Action {
    Enrol { tenant: usize, body: u8 },
    Remove { tenant: usize },
    Verify { tenant: usize, guess: Guess },
}

#[derive(Clone, Copy, Debug)]
pub enum Guess {
    /// The code of so many steps from now.
    Step(i64),
    Wrong,
}

/// An action, and which ring its host has.
pub type Move = pause::Move<(Action, usize)>;

pub fn script(
    pauses: impl Strategy<Value = Pause>,
    moves: std::ops::Range<usize>,
) -> impl Strategy<Value = Vec<Move>> {
    let ring = prop_oneof![4 => Just(0_usize), 4 => Just(1_usize), 1 => Just(2_usize)];
    pause::script(pauses, (action(), ring), moves)
}

/// Mostly within the minutes in which a factor is confirmed and a code lives.
pub fn pauses() -> impl Strategy<Value = Pause> {
    prop_oneof![
        6 => Just(0_i64),
        8 => 1..40_000_i64,
        2 => -100_000..0_i64,
        2 => 1..900_000_i64,
        1 => pause::any(),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    let tenant = || prop_oneof![12 => Just(0_usize), 1 => Just(1_usize)];
    let guess = prop_oneof![
        4 => Just(Guess::Step(0)),
        4 => (-3..=3_i64).prop_map(Guess::Step),
        4 => Just(Guess::Wrong),
    ];
    prop_oneof![
        4 => (tenant(), prop_oneof![6 => Just(0_u8), 1 => Just(1_u8)])
            .prop_map(|(tenant, body)| Action::Enrol { tenant, body }),
        1 => tenant().prop_map(|tenant| Action::Remove { tenant }),
        16 => (tenant(), guess).prop_map(|(tenant, guess)| Action::Verify { tenant, guess }),
    ]
}

pub fn index() -> IndexKey {
    IndexKey::new([1; 32])
}

pub fn factor_id() -> FactorId {
    index().factor(&tenant(0), [7; 16])
}

pub fn whose(of: usize) -> Whose {
    Whose { tenant: tenant(of), factor: factor_id() }
}

pub fn enrol(of: usize, body: u8) -> Ask {
    let (algorithm, digits, fingerprint) = (Algorithm::Sha1, DIGITS, Bytes([body; 16]));
    Ask::Enrol(Enrol { whose: whose(of), algorithm, digits, fingerprint })
}

pub fn verify(of: usize, guess: &str) -> Ask {
    Ask::Verify(Verify { whose: whose(of), guess: Code::parse(guess).unwrap() })
}

/// What an app shows so many steps from `now`.
pub fn code_at(seed: &Seed, now: UnixMs, steps: i64) -> String {
    totp::code(Algorithm::Sha1, seed, totp::step_at(now).saturating_add_signed(steps), DIGITS).to_string()
}

/// Nothing an app shows around `now`.
pub fn wrong_at(seed: &Seed, now: UnixMs) -> String {
    let near: Vec<_> = (-3..=3).map(|steps| code_at(seed, now, steps)).collect();
    (0..).map(|n| format!("{n:08}")).find(|code| !near.contains(code)).unwrap()
}

/// A factor with its clock, and the app of its user.
#[derive(Clone)]
pub struct World {
    pub host: Host,
    pub now: UnixMs,
    /// The same as the stored state sees it.
    pub clock: UnixMs,
    /// What the app was shown last.
    pub seed: Seed,
    events: u64,
}

impl Default for World {
    fn default() -> Self {
        Self { host: Host::default(), now: START, clock: START, seed: Seed::new(&[0; 20]), events: 0 }
    }
}

impl World {
    /// With a factor that its first code confirmed.
    pub fn confirmed() -> Self {
        let mut world = Self::default();
        world.ask(enrol(0, 0), 0);
        let code = code_at(&world.seed, world.now, 0);
        world.ask(verify(0, &code), 0);
        world
    }

    pub fn pause(&mut self, pause: Pause) {
        self.now = pause::after(self.now, pause);
        self.clock = self.host.seen(self.now);
    }

    pub fn next(&mut self, step: &Move) -> Command {
        self.pause(step.pause);
        let (action, ring) = &step.action;
        self.command(self.word(action), *ring)
    }

    pub fn word(&self, action: &Action) -> Ask {
        match *action {
            Action::Enrol { tenant, body } => enrol(tenant, body),
            Action::Remove { tenant } => Ask::Remove(whose(tenant)),
            Action::Verify { tenant, guess: Guess::Step(steps) } => {
                verify(tenant, &code_at(&self.seed, self.clock, steps))
            }
            Action::Verify { tenant, guess: Guess::Wrong } => {
                verify(tenant, &wrong_at(&self.seed, self.clock))
            }
        }
    }

    pub fn command(&mut self, ask: Ask, ring: usize) -> Command {
        self.events += 1;
        Command { keys: keys(ring), entropy: entropy(self.events), ask }
    }

    pub fn ask(&mut self, ask: Ask, ring: usize) -> Outcome {
        let command = self.command(ask, ring);
        self.play(&command)
    }

    pub fn play(&mut self, command: &Command) -> Outcome {
        let outcome = self.host.ask::<Factor>(command, self.now);
        self.note(&outcome);
        outcome
    }

    pub fn note(&mut self, outcome: &Outcome) {
        if let Outcome::Enrolled { seed, .. } = outcome {
            self.seed = seed.clone();
        }
    }
}

pub fn shown(outcome: &Outcome) -> String {
    serde_json::to_string(outcome).unwrap()
}
