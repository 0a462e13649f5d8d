//! Scripts for the ledger: what happens, and after which pause.

use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prelude::any;
use proptest::prop_oneof;
use proptest::sample::select;
use tiffin_shared::code::Code;
use tiffin_shared::id::OrderId;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Command;
use tiffin_shared::ledger::Ledger;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::ledger::ParcelId;
use tiffin_shared::ledger::Part;
use tiffin_shared::ledger::Reply;
use tiffin_shared::ledger::Unlock;
use tiffin_shared::ledger::Verify;
use tiffin_shared::ledger::Whose;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::ChannelChoice;
use tiffin_shared::wire::api::OrderState;
use tiffin_shared::wire::event::OrderEvent;

use super::fixtures::START;
use super::fixtures::TTL_MS;
use super::fixtures::command;
use super::fixtures::create;
use super::fixtures::ledger_id;
use super::fixtures::open;
use super::fixtures::resend;
use super::fixtures::whose;
use super::host::Host;
use super::pause;
use super::pause::Pause;

/// Orders are named by tenant and how many of its orders came after it.
#[derive(Clone, Debug)]
pub enum Action {
    Cancel { tenant: usize, back: usize },
    Create { tenant: usize, service: usize, key: u8, body: u8 },
    Done { tenant: usize, back: usize },
    Event { tenant: usize, back: usize, seq: u64, state: OrderState },
    Fetch { tenant: usize, back: usize },
    Resend { tenant: usize, back: usize, key: u8, channel: ChannelChoice },
    Tick,
    Unlock { tenant: usize },
    Verify { tenant: usize, back: usize, right: bool },
}

pub type Move = pause::Move<Action>;

pub fn script(
    pauses: impl Strategy<Value = Pause>,
    moves: std::ops::Range<usize>,
) -> impl Strategy<Value = Vec<Move>> {
    pause::script(pauses, action(), moves)
}

fn action() -> impl Strategy<Value = Action> {
    let tenant = || prop_oneof![3 => Just(0_usize), 1 => Just(1_usize)];
    let service = prop_oneof![2 => Just(0_usize), 1 => Just(1_usize)];
    let back = || prop_oneof![4 => Just(0_usize), 1 => 0..4_usize];
    let key = prop_oneof![4 => any::<u8>(), 1 => 0..3_u8];
    let channel =
        select(vec![ChannelChoice::Auto, ChannelChoice::Sms, ChannelChoice::Voice, ChannelChoice::Email]);
    let state = select(vec![
        OrderState::Accepted,
        OrderState::Cancelled,
        OrderState::Delivered,
        OrderState::Expired,
        OrderState::Failed,
        OrderState::Queued,
        OrderState::Sending,
        OrderState::Sent,
        OrderState::Verified,
    ]);
    prop_oneof![
        5 => (tenant(), service, key, 0..2_u8)
            .prop_map(|(tenant, service, key, body)| Action::Create { tenant, service, key, body }),
        1 => (tenant(), back()).prop_map(|(tenant, back)| Action::Cancel { tenant, back }),
        2 => (tenant(), back(), 0..4_u8, channel)
            .prop_map(|(tenant, back, key, channel)| Action::Resend { tenant, back, key, channel }),
        1 => (tenant(), back()).prop_map(|(tenant, back)| Action::Done { tenant, back }),
        1 => (tenant(), back(), 0..4_u64, state)
            .prop_map(|(tenant, back, seq, state)| Action::Event { tenant, back, seq, state }),
        1 => (tenant(), back()).prop_map(|(tenant, back)| Action::Fetch { tenant, back }),
        2 => Just(Action::Tick),
        1 => tenant().prop_map(|tenant| Action::Unlock { tenant }),
        5 => (tenant(), back(), proptest::bool::weighted(0.15))
            .prop_map(|(tenant, back, right)| Action::Verify { tenant, back, right }),
    ]
}

/// An order that was made.
pub struct Placed {
    pub id: OrderId,
    pub tenant: usize,
    pub service: usize,
    pub code: Code,
    pub created_at: UnixMs,
    pub expires_at: UnixMs,
    /// When a newer one took its place.
    pub superseded: bool,
}

/// A ledger with its clock and what an onlooker knows of it.
pub struct World {
    pub host: Host,
    pub now: UnixMs,
    /// The same as the stored state sees it.
    pub clock: UnixMs,
    pub placed: Vec<Placed>,
    events: u64,
}

impl Default for World {
    fn default() -> Self {
        Self { host: Host::default(), now: START, clock: START, placed: Vec::new(), events: 0 }
    }
}

impl World {
    /// Lets the pause pass and words the action as a command. Entropy counts the moves, also those skipped.
    pub fn next(&mut self, step: &Move) -> Command {
        self.events += 1;
        self.now = pause::after(self.now, step.pause);
        self.clock = self.host.seen(self.now);
        command(self.events, self.ask(&step.action))
    }

    pub fn play(&mut self, step: &Move) -> Reply {
        let command = self.next(step);
        let reply = self.host.ask::<Ledger>(&command, self.now);
        self.note(&step.action, &reply);
        reply
    }

    /// The tenant's order, counted from its latest; one that nobody made if it has none.
    pub fn order(&self, tenant: usize, back: usize) -> Option<&Placed> {
        let count = self.placed.iter().filter(|placed| placed.tenant == tenant).count();
        self.placed.iter().rev().filter(|placed| placed.tenant == tenant).nth(back % count.max(1))
    }

    fn id(&self, tenant: usize, back: usize) -> OrderId {
        let nobody = || OrderId::new([0; 16], ledger_id());
        self.order(tenant, back).map_or_else(nobody, |placed| placed.id.clone())
    }

    fn ask(&self, action: &Action) -> Ask {
        match *action {
            Action::Create { tenant, service, key, body } => {
                Ask::Create(Box::new(create(tenant, service, key, body)))
            }
            Action::Done { tenant, back } => {
                Ask::Done(ParcelId { order: self.id(tenant, back), part: Part::Job })
            }
            Action::Event { tenant, back, seq, state } => Ask::Event(OrderEvent {
                order: self.id(tenant, back),
                seq,
                dispatch: 0,
                state,
                reason: None,
                attempts: Vec::new(),
                next: None,
                cost: None,
            }),
            Action::Cancel { tenant, back } => Ask::Cancel(whose(tenant, &self.id(tenant, back))),
            Action::Resend { tenant, back, key, channel } => {
                Ask::Resend(Box::new(resend(tenant, &self.id(tenant, back), key, channel)))
            }
            Action::Fetch { tenant, back } => Ask::Fetch(whose(tenant, &self.id(tenant, back))),
            Action::Tick => Ask::Tick,
            Action::Unlock { tenant } => {
                let Whose { tenant, .. } = whose(tenant, &self.id(tenant, 0));
                Ask::Unlock(Unlock { tenant, at: self.now })
            }
            Action::Verify { tenant, back, right } => {
                let code = self.order(tenant, back).map_or("000000", |placed| placed.code.expose());
                let guess = if right { Code::parse(code).unwrap() } else { other(code) };
                Ask::Verify(Verify {
                    whose: whose(tenant, &self.id(tenant, back)),
                    guess,
                    binding: None,
                    solved: None,
                    is_stranger: false,
                })
            }
        }
    }

    pub fn note(&mut self, action: &Action, reply: &Reply) {
        let (Action::Create { tenant, service, .. }, Outcome::Created { order, replayed: false }) =
            (action, &reply.outcome)
        else {
            return;
        };
        for older in &mut self.placed {
            older.superseded |= older.tenant == *tenant && older.service == *service;
        }
        self.placed.push(Placed {
            id: OrderId::parse(&order.id).unwrap(),
            tenant: *tenant,
            service: *service,
            code: open(&reply.due[0]).code,
            created_at: self.clock,
            expires_at: self.clock.plus(TTL_MS),
            superseded: false,
        });
    }
}

/// A code of the same length that is wrong.
pub fn other(code: &str) -> Code {
    let next = |last: char| char::from_digit((last.to_digit(10).unwrap() + 1) % 10, 10).unwrap();
    let (head, last) = code.split_at(code.len() - 1);
    Code::parse(&format!("{head}{}", next(last.chars().next().unwrap()))).unwrap()
}
