//! A tenant's account: the real one, which runs low, is topped up, drained and capped, and what has moved on it.

use std::collections::BTreeMap;

use tiffin_shared::country::Country;
use tiffin_shared::directory::Billing;
use tiffin_shared::directory::Caps;
use tiffin_shared::directory::ChargedBy;
use tiffin_shared::directory::Mode;
use tiffin_shared::machine::Machine;
use tiffin_shared::machine::Step;
use tiffin_shared::machine::Write;
use tiffin_shared::money::Account;
use tiffin_shared::money::Answer;
use tiffin_shared::money::Ask;
use tiffin_shared::money::Command;
use tiffin_shared::money::Currency;
use tiffin_shared::money::Posting;
use tiffin_shared::money::Reply;
use tiffin_shared::money::Standing;
use tiffin_shared::money::State;
use tiffin_shared::money::Summary;
use tiffin_shared::time::UnixMs;

use crate::market::COUNTRIES;
use crate::market::country;
use crate::random::Random;

/// Some twenty orders' worth: with less than this an operator may top up.
const LOW_MICROS: u64 = 500_000;
/// More than every order of a world costs.
const PLENTY_MICROS: u64 = 1_000_000_000_000;

/// What took from what could be held, and how much in all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moves {
    pub held_micros: u64,
    pub capped_micros: u64,
    pub taken_out_micros: u64,
}

pub struct Bank {
    pub billing: Billing,
    pub moves: Moves,
    pub overdrafts: usize,
    state: Option<State>,
    /// The log has whatever there is at once.
    logged: u64,
    credits: u64,
}

impl Bank {
    /// One pays first, another later and within caps.
    pub fn new(nth: usize) -> Self {
        let caps = Caps {
            day_micros: Some(20_000_000),
            country_day_micros: BTreeMap::from([(country("IN"), 4_000_000)]),
        };
        let (mode, credit_limit_micros, caps) = match nth {
            0 => (Mode::Prepaid, 0, Caps::default()),
            _ => (Mode::Postpaid, 1_000_000, caps),
        };
        Self::with(mode, credit_limit_micros, 1_500_000, caps)
    }

    pub fn rich() -> Self {
        Self::with(Mode::Prepaid, 0, PLENTY_MICROS, Caps::default())
    }

    fn with(mode: Mode, credit_limit_micros: u64, opening_micros: u64, caps: Caps) -> Self {
        let currency = Currency::default();
        Self {
            billing: Billing {
                mode,
                currency,
                credit_limit_micros,
                low_balance_micros: None,
                opening_micros,
                caps,
                charged_by: ChargedBy::List,
            },
            moves: Moves::default(),
            overdrafts: 0,
            state: None,
            logged: 0,
            credits: 0,
        }
    }

    pub fn ask(&mut self, ask: Ask, now: UnixMs) -> Reply {
        let command = Command { billing: self.billing.clone(), logged: self.logged, ask };
        let Step { reply, write } = Account::step(self.state.clone(), &command, now);
        if let Write::Put { state, .. } = write {
            self.state = Some(state);
        }
        self.logged = reply.summary.seq;
        let floor = -i64::try_from(self.billing.credit_micros()).unwrap();
        self.overdrafts += usize::from(reply.summary.available_micros < floor);
        reply
    }

    /// How it stands. Asked of a copy: that changes nothing.
    pub fn stands(&self, now: UnixMs) -> Summary {
        let command = Command { billing: self.billing.clone(), logged: self.logged, ask: Ask::Read };
        Account::step(self.state.clone(), &command, now).reply.summary
    }

    /// What could be held for messages to this country.
    pub fn reach_to(&self, country: Option<Country>, now: UnixMs) -> u64 {
        let reach = self.stands(now).reach;
        country.and_then(|country| reach.countries.get(&country).copied()).unwrap_or(reach.micros)
    }

    pub fn post(&mut self, posting: Posting, now: UnixMs) -> Standing {
        let country = posting.country;
        let before = self.reach_to(country, now);
        let reply = self.ask(Ask::Post(vec![posting]), now);
        let [Answer::Posted(standing)] = reply.answers.as_slice() else { panic!("{:?}", reply.answers) };
        self.moves.held_micros += before.saturating_sub(self.reach_to(country, now));
        *standing
    }

    /// Something that an operator does about money.
    pub fn operate(&mut self, random: &mut Random, now: UnixMs) {
        let (summary, before) = (self.stands(now), self.reach_everywhere(now));
        match random.below(10) {
            0..5 if summary.reach.micros < LOW_MICROS => {
                self.credit(i64::try_from(random.between(200_000, 2_000_000)).unwrap(), now);
            }
            5 if summary.available_micros > 0 => {
                self.credit(-summary.available_micros / 2, now);
                self.moves.taken_out_micros += summary.available_micros.unsigned_abs() / 2;
            }
            // Lowered, or raised.
            6 | 7 => {
                if let Some(cap) = &mut self.billing.caps.day_micros {
                    *cap = summary.spent_today_micros + random.below(4_000_000);
                    self.capped(&before, now);
                }
            }
            8 => {
                let country = country(random.pick(&COUNTRIES));
                if let Some(cap) = self.billing.caps.country_day_micros.get_mut(&country) {
                    *cap = *cap * random.between(7, 15) / 10;
                    self.capped(&before, now);
                }
            }
            _ => {}
        }
    }

    /// The same for each of the world's countries.
    pub fn reach_everywhere(&self, now: UnixMs) -> [u64; 3] {
        COUNTRIES.map(|code| self.reach_to(Some(country(code)), now))
    }

    fn capped(&mut self, before: &[u64; 3], now: UnixMs) {
        let less =
            before.iter().zip(self.reach_everywhere(now)).map(|(before, now)| before.saturating_sub(now));
        self.moves.capped_micros += less.max().unwrap_or_default();
    }

    fn credit(&mut self, amount_micros: i64, now: UnixMs) {
        self.credits += 1;
        let reference = format!("invoice {}", self.credits);
        self.ask(Ask::Credit { amount_micros, reference, note: None }, now);
    }

    /// **money-balances**, when every order is over.
    pub fn check(&self, now: UnixMs) {
        let summary = self.stands(now);
        assert_eq!((summary.held_micros, summary.open_orders), (0, 0), "{summary:?}");
        let charged = i64::try_from(summary.charged_micros).unwrap();
        assert_eq!(summary.available_micros + charged, summary.funded_micros, "{summary:?}");
    }
}
