//! How each machine's replies are shown, and which of its commands change it once.

use tiffin_shared::admin::Admin;
use tiffin_shared::escalation;
use tiffin_shared::escalation::Escalations;
use tiffin_shared::evidence::Shelf;
use tiffin_shared::factor;
use tiffin_shared::factor::Factor;
use tiffin_shared::fleet;
use tiffin_shared::fleet::Fleet;
use tiffin_shared::guard;
use tiffin_shared::guard::Guard;
use tiffin_shared::guard::verdicts;
use tiffin_shared::guard::verdicts::Verdicts;
use tiffin_shared::ledger;
use tiffin_shared::ledger::Ledger;
use tiffin_shared::log::Log;
use tiffin_shared::log::Page;
use tiffin_shared::machine::Machine;
use tiffin_shared::money::Account;
use tiffin_shared::nonce::Nonce;
use tiffin_shared::order;
use tiffin_shared::order::Order;
use tiffin_shared::order::Read;
use tiffin_shared::reference::Index;
use tiffin_shared::series;
use tiffin_shared::series::Series;
use tiffin_shared::tally;
use tiffin_shared::tally::Tally;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::visitor;
use tiffin_shared::visitor::Visitor;
use tiffin_shared::webhook::book::Book;
use tiffin_shared::webhook::outbox;
use tiffin_shared::webhook::outbox::Outbox;

/// What the laws need to know of a machine.
pub struct Subject<M: Machine> {
    pub show: fn(&M::Reply) -> String,
    /// How long after it the command may come a second time and count once.
    pub again_ms: fn(&M::Command) -> Option<u64>,
}

pub const GUARD: Subject<Guard> = Subject {
    show: |reply| format!("{reply:?}"),
    again_ms: |command| match command.ask {
        guard::Ask::Note { .. } | guard::Ask::Release | guard::Ask::Told(_) => Some(MINUTE_MS),
        guard::Ask::Look | guard::Ask::Tick => Some(0),
    },
};

pub const VERDICTS: Subject<Verdicts> = Subject {
    show: |reply| format!("{reply:?}"),
    again_ms: |command| match command {
        // What hid a milder verdict may be over a minute later.
        verdicts::Command::List | verdicts::Command::Set { .. } => Some(0),
    },
};

pub const ADMIN: Subject<Admin> =
    Subject { show: |reply| format!("{reply:?}"), again_ms: |_| Some(MINUTE_MS) };

pub const ESCALATIONS: Subject<Escalations> = Subject {
    show: |reply| format!("{reply:?}"),
    again_ms: |command| match command {
        // A person who says the same twice has said it twice.
        escalation::Command::Act { act: escalation::Act::Note(_), .. } => None,
        escalation::Command::Act { .. } | escalation::Command::List | escalation::Command::Open { .. } => {
            Some(MINUTE_MS)
        }
    },
};

pub const LEDGER: Subject<Ledger> = Subject {
    show: |reply| format!("{:?} {:?}", reply.outcome, reply.due),
    again_ms: |command| match command.ask {
        ledger::Ask::Done(_) | ledger::Ask::Erase(_) | ledger::Ask::Event(_) | ledger::Ask::Unlock(_) => {
            Some(MINUTE_MS)
        }
        // A key is forgotten after a day, and a later alarm is another one.
        ledger::Ask::Cancel(_) | ledger::Ask::Create(_) | ledger::Ask::Resend(_) | ledger::Ask::Tick => {
            Some(0)
        }
        ledger::Ask::Fetch(_) | ledger::Ask::Preflight(_) | ledger::Ask::Verify(_) => None,
    },
};

pub const ORDER: Subject<Order> = Subject {
    show: |reply| format!("{reply:?}"),
    again_ms: |command| match command.ask {
        order::Ask::Hint { .. }
        | order::Ask::Polled { .. }
        | order::Ask::Posted { .. }
        | order::Ask::Recalled { .. }
        | order::Ask::Receipt { .. }
        | order::Ask::Reported(_)
        | order::Ask::Stop { .. } => Some(MINUTE_MS),
        // A worker that hears no answer says the same again, within its claim.
        order::Ask::Claim { .. }
        | order::Ask::Desk(_)
        | order::Ask::Looked { .. }
        | order::Ask::Ran { .. }
        | order::Ask::Result { .. }
        | order::Ask::SimChecked { .. }
        | order::Ask::Tick => Some(0),
    },
};

pub const READ: Subject<Read> = Subject { show: |reply| format!("{reply:?}"), again_ms: |()| Some(0) };

pub const FACTOR: Subject<Factor> = Subject {
    show: crate::common::factor::shown,
    again_ms: |command| match command.ask {
        factor::Ask::Enrol(_) | factor::Ask::Remove(_) => Some(MINUTE_MS),
        factor::Ask::Verify(_) => None,
    },
};

pub const FLEET: Subject<Fleet> = Subject {
    show: |reply| format!("{reply:?}"),
    again_ms: |command| match command {
        // A later beat is another one.
        fleet::Command::Beat { .. } => Some(0),
        fleet::Command::Leave { .. } => Some(MINUTE_MS),
    },
};

pub const ACCOUNT: Subject<Account> = Subject {
    show: |reply| format!("{reply:?}"),
    // A later posting meets a later deadline.
    again_ms: |_| Some(0),
};

pub const NONCE: Subject<Nonce> =
    Subject { show: |reply| format!("{reply:?}"), again_ms: |_| Some(MINUTE_MS) };

pub const INDEX: Subject<Index> =
    Subject { show: |reply| format!("{reply:?}"), again_ms: |_| Some(MINUTE_MS) };

pub const SHELF: Subject<Shelf> =
    Subject { show: |reply| format!("{reply:?}"), again_ms: |_| Some(MINUTE_MS) };

pub const LOG: Subject<Log> = Subject { show: |reply| format!("{reply:?}"), again_ms: |_| Some(MINUTE_MS) };

pub const PAGE: Subject<Page> = Subject { show: |reply| format!("{reply:?}"), again_ms: |_| Some(MINUTE_MS) };

pub const OUTBOX: Subject<Outbox> = Subject {
    show: |reply| format!("{reply:?}"),
    again_ms: |command| match command {
        // Room that is offered again is used again; a replay may be over a minute later.
        outbox::Command::Turn { room: 1.., .. } => None,
        outbox::Command::Turn { .. } | outbox::Command::Notify(_) | outbox::Command::Replay(_) => Some(0),
        outbox::Command::Restart { .. }
        | outbox::Command::Fill { .. }
        | outbox::Command::Enable
        | outbox::Command::Told
        | outbox::Command::Read => Some(MINUTE_MS),
    },
};

pub const BOOK: Subject<Book> = Subject { show: |reply| format!("{reply:?}"), again_ms: |_| Some(MINUTE_MS) };

pub const TALLY: Subject<Tally> = Subject {
    show: |reply| format!("{reply:?}"),
    again_ms: |command| match command {
        tally::Command::Add { .. } | tally::Command::Read => Some(MINUTE_MS),
    },
};

pub const SERIES: Subject<Series> = Subject {
    show: |reply| format!("{reply:?}"),
    again_ms: |command| match command {
        series::Command::Add { .. } | series::Command::Read => Some(MINUTE_MS),
    },
};

pub const VISITOR: Subject<Visitor> = Subject {
    show: |reply| format!("{reply:?}"),
    // A later one may find a token that the first did not.
    again_ms: |command| match command.ask {
        // A solved guess is admitted once.
        visitor::Ask::Guess(request) if request.solved.is_some() => None,
        // What proves nothing counts each time.
        visitor::Ask::Order(request) | visitor::Ask::Guess(request) if request.unproven => None,
        visitor::Ask::Order(_) | visitor::Ask::Guess(_) | visitor::Ask::Look => Some(0),
        // The first says how it stood; it stands otherwise now.
        visitor::Ask::Release => None,
    },
};
