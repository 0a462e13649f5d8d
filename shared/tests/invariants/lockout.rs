//! **five-guesses**, by who may be guessing: nobody locks an address's owner out by guessing at codes of his own ordering.

use tiffin_shared::challenge::altcha::Cost;
use tiffin_shared::code::Code;
use tiffin_shared::id::OrderId;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Create;
use tiffin_shared::ledger::Ledger;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::ledger::Standing;
use tiffin_shared::ledger::Verify;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::VerifyResult;

use crate::common::fixtures::START;
use crate::common::fixtures::command;
use crate::common::fixtures::create_as;
use crate::common::fixtures::ledger_id;
use crate::common::fixtures::open;
use crate::common::fixtures::proof;
use crate::common::fixtures::whose;
use crate::common::host::Host;
use crate::common::ledger::other;

/// A ledger, and somebody who counts.
#[derive(Default)]
struct Phone {
    host: Host,
    events: u8,
}

/// An order and its code.
struct Placed {
    id: OrderId,
    code: Code,
}

impl Phone {
    fn ask(&mut self, ask: Ask, now: UnixMs) -> (Outcome, Option<Code>) {
        self.events = self.events.wrapping_add(1);
        let event = now.0 + u64::from(self.events);
        let reply = self.host.ask::<Ledger>(&command(event, ask), now);
        let made = matches!(reply.outcome, Outcome::Created { replayed: false, .. });
        let code = reply.due.first().filter(|_| made).map(|parcel| open(parcel).code);
        (reply.outcome, code)
    }

    fn order(&mut self, standing: Standing, now: UnixMs) -> Result<Placed, Box<Outcome>> {
        self.events = self.events.wrapping_add(1);
        let create = Create {
            idempotency_key: key(now, self.events),
            ..create_as(standing, 0, self.events, Cost::Extreme)
        };
        match self.ask(Ask::Create(Box::new(create)), now) {
            (Outcome::Created { order, .. }, Some(code)) => {
                Ok(Placed { id: OrderId::parse(&order.id).unwrap(), code })
            }
            (refused, _) => Err(Box::new(refused)),
        }
    }

    fn guess(&mut self, id: &OrderId, guess: &Code, solves: bool, now: UnixMs) -> Outcome {
        self.events = self.events.wrapping_add(1);
        let solved = solves.then(|| proof(self.events, Cost::Light));
        let verify =
            Verify { whose: whose(0, id), guess: guess.clone(), binding: None, solved, is_stranger: true };
        self.ask(Ask::Verify(verify), now).0
    }

    /// Orders and guesses wrong until it is refused. Returns how many guesses were evaluated.
    fn attack(&mut self, standing: Standing, now: UnixMs) -> u32 {
        let Ok(placed) = self.order(standing, now) else { return 0 };
        let wrong = other(placed.code.expose());
        let solves = standing > Standing::Stranger;
        let evaluated =
            |outcome: &Outcome| matches!(outcome, Outcome::Verified { result: VerifyResult::WrongCode, .. });
        (0..6).map(|_| u32::from(evaluated(&self.guess(&placed.id, &wrong, solves, now)))).sum()
    }

    /// The owner, by the tenant's server: the guess comes from its client.
    fn logs_in(&mut self, now: UnixMs) -> bool {
        let placed = self.order(Standing::Server, now).unwrap_or_else(|refused| panic!("{refused:?}"));
        let verify = Verify {
            whose: whose(0, &placed.id),
            guess: placed.code,
            binding: None,
            solved: None,
            is_stranger: false,
        };
        is_verified(&self.ask(Ask::Verify(verify), now).0)
    }
}

fn key(now: UnixMs, event: u8) -> tiffin_shared::bytes::Bytes<16> {
    tiffin_shared::bytes::Bytes((u128::from(now.0) << 8 | u128::from(event)).to_be_bytes())
}

fn is_verified(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Verified { result: VerifyResult::Verified, .. })
}

fn asks(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::ChallengeRequired { .. })
}

#[test]
fn whoever_guesses_at_codes_of_his_own_ordering_leaves_a_part_of_a_day_and_of_a_row_to_the_server() {
    for (attacker, a_day, in_a_row) in [(Standing::Stranger, 10, 50), (Standing::Solved, 15, 75)] {
        let mut phone = Phone::default();
        let mut all = 0;
        for day in 0..12 {
            let mut today = 0;
            for hour in 0..12 {
                today += phone.attack(attacker, START.plus(day * DAY_MS + hour * HOUR_MS));
            }
            assert!(today <= a_day, "{attacker:?}: {today} guesses on day {day}");
            all += today;
        }
        assert_eq!(all, in_a_row, "{attacker:?}");
        assert!(phone.logs_in(START.plus(12 * DAY_MS)), "{attacker:?}: the owner is locked out");
    }
}

#[test]
fn the_owner_logs_in_each_day_whatever_is_guessed() {
    let mut phone = Phone::default();
    for day in 0..40 {
        for hour in 0..20 {
            let now = START.plus(day * DAY_MS + hour * HOUR_MS);
            phone.attack(Standing::Stranger, now);
            phone.attack(Standing::Solved, now.plus(2 * MINUTE_MS));
        }
        assert!(phone.logs_in(START.plus(day * DAY_MS + 20 * HOUR_MS)), "day {day}");
    }
}

#[test]
fn a_user_of_an_app_solves_a_challenge_and_gets_in() {
    let mut phone = Phone::default();
    for minute in 0..4 {
        phone.attack(Standing::Stranger, START.plus(minute * MINUTE_MS));
    }
    let now = START.plus(10 * MINUTE_MS);
    assert!(
        phone.order(Standing::Stranger, now).is_err_and(|refused| asks(&refused)),
        "a code of no use is not sent"
    );
    let Placed { id, code } =
        phone.order(Standing::Solved, now).unwrap_or_else(|refused| panic!("{refused:?}"));
    assert!(asks(&phone.guess(&id, &code, false, now)));
    assert!(is_verified(&phone.guess(&id, &code, true, now)));
}

/// Orders that were guessed at and are over, or have no guess left.
#[test]
fn from_the_second_failed_order_on_strangers_solve_and_learn_of_no_order() {
    let mut phone = Phone::default();
    for nth in 0..2 {
        let now = START.plus(nth * 2 * MINUTE_MS);
        let placed =
            phone.order(Standing::Stranger, now).unwrap_or_else(|refused| panic!("{nth}: {refused:?}"));
        assert!(!asks(&phone.guess(&placed.id, &other(placed.code.expose()), false, now)), "{nth}");
    }
    let third = phone
        .order(Standing::Stranger, START.plus(4 * MINUTE_MS))
        .unwrap_or_else(|refused| panic!("{refused:?}"));
    let over = START.plus(12 * MINUTE_MS);
    assert!(phone.order(Standing::Stranger, over).is_err_and(|refused| asks(&refused)));
    let nobodys = OrderId::new([9; 16], ledger_id());
    for id in [&third.id, &nobodys] {
        assert!(asks(&phone.guess(id, &third.code, false, over)), "the same for every id");
    }
    assert_eq!(phone.guess(&nobodys, &third.code, true, over), Outcome::NotFound);
    let tomorrow = START.plus(DAY_MS + 10 * MINUTE_MS);
    assert!(
        phone.order(Standing::Stranger, tomorrow).is_ok(),
        "it lasts as long as the orders are remembered"
    );
}

#[test]
fn a_challenge_counts_for_one_guess_wrong_or_right() {
    let mut phone = Phone::default();
    let placed = phone.order(Standing::Stranger, START).unwrap_or_else(|refused| panic!("{refused:?}"));
    let guess = |code: &Code| {
        let solved = Some(proof(7, Cost::Light));
        Ask::Verify(Verify {
            whose: whose(0, &placed.id),
            guess: code.clone(),
            binding: None,
            solved,
            is_stranger: true,
        })
    };
    let (wrong, _) = phone.ask(guess(&other(placed.code.expose())), START);
    assert!(matches!(wrong, Outcome::Verified { result: VerifyResult::WrongCode, .. }));
    assert!(asks(&phone.ask(guess(&placed.code), START).0), "a wrong guess spent it");
    assert!(is_verified(&phone.guess(&placed.id, &placed.code, true, START)));
}

/// Whatever became of the order, and whether there is one: else the second answer would tell which orders live.
#[test]
fn a_challenge_counts_once_for_every_order_alike() {
    let mut phone = Phone::default();
    let place = |phone: &mut Phone| {
        phone.order(Standing::Server, START).unwrap_or_else(|refused| panic!("{refused:?}"))
    };
    let (locked, live) = (place(&mut phone), place(&mut phone));
    for _ in 0..5 {
        phone.guess(&locked.id, &other(locked.code.expose()), true, START);
    }
    let nobodys = OrderId::new([9; 16], ledger_id());
    let late = START.plus(HOUR_MS);
    let cases =
        [(&live.id, START), (&locked.id, START), (&nobodys, START), (&live.id, late), (&nobodys, late)];
    for (nonce, (id, now)) in (100..).zip(cases) {
        let guess = Verify {
            whose: whose(0, id),
            guess: other(live.code.expose()),
            binding: None,
            solved: Some(proof(nonce, Cost::Light)),
            is_stranger: true,
        };
        assert!(!asks(&phone.ask(Ask::Verify(guess.clone()), now).0), "{nonce}");
        assert!(asks(&phone.ask(Ask::Verify(guess), now).0), "{nonce}: a second time");
    }
}

#[test]
fn a_lock_ends_after_thirty_idle_days_though_orders_go_on() {
    let mut phone = Phone::default();
    for day in 0..6 {
        for nth in 0..4 {
            phone.attack(Standing::Server, START.plus(day * DAY_MS + nth * HOUR_MS));
        }
    }
    let from = START.plus(6 * DAY_MS);
    for day in 0..28 {
        let placed = phone
            .order(Standing::Server, from.plus(day * DAY_MS))
            .unwrap_or_else(|refused| panic!("{refused:?}"));
        assert!(
            !is_verified(&phone.guess(&placed.id, &placed.code, true, from.plus(day * DAY_MS))),
            "day {day}"
        );
    }
    assert!(phone.logs_in(from.plus(30 * DAY_MS)));
}
