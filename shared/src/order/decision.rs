//! What a record answers.

use super::Errand;
use super::Inquiry;
use super::Mark;
use super::News;
use super::Reason;
use crate::country::Country;
use crate::money::Posting;
use crate::route::Way;
use crate::time::UnixMs;
use crate::wire::event::OrderEvent;

/// What to do, and what to tell the edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// For the worker.
    pub decision: Decision,
    /// Tell the edge, then ask [`Ask::Reported`]. One that fails comes again with a later `Tick`.
    pub event: Option<OrderEvent>,
    /// To be counted, once.
    pub news: Option<News>,
    /// What the router learns from it, once.
    pub lesson: Option<Lesson>,
    /// What is counted of it, once.
    pub mark: Option<Box<Mark>>,
    /// To be run, and confirmed by [`Ask::Ran`](super::Ask::Ran).
    pub errand: Option<Errand>,
    /// To be asked of providers, each to be answered.
    pub inquiries: Vec<Inquiry>,
    /// To be posted to the tenant's account, and confirmed by [`Ask::Posted`](super::Ask::Posted).
    pub posting: Option<Posting>,
}

/// What the router learns of a way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lesson {
    /// Which way.
    pub way: Way,
    /// Where to.
    pub country: Option<Country>,
    /// What happened.
    pub what: Learnt,
    /// When the order was accepted, where this is the first proof that its code arrived.
    pub arrived_since: Option<UnixMs>,
}

/// What happened to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learnt {
    /// It arrived, so long after the call.
    Delivered {
        /// From the call to the receipt.
        after_ms: u64,
    },
    /// It did not arrive, or its usual time passed in silence.
    Lost {
        /// As the provider says; nothing for silence.
        why: Option<Reason>,
    },
    /// The provider did not take it, or did not say whether.
    NotTaken(Reason),
    /// The provider took it.
    Taken {
        /// Whether its code is checked here, so that who enters it is heard of.
        is_checked: bool,
    },
    /// The user has its code.
    Verified,
}

/// For the worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing to do.
    Noted,
    /// As [`Decision::RetryAt`], but what the order waits for is a way: it would make the probe of a gateway.
    AwaitWay(UnixMs),
    /// As [`Decision::AwaitWay`], and nothing of the order was sent yet: the phone's later orders wait behind it.
    Hold(UnixMs),
    /// Ask the number's network whether its SIM changed lately, tell its answer with
    /// [`Ask::SimChecked`](super::Ask::SimChecked), and claim again.
    CheckSim {
        /// Which check.
        n: u8,
    },
    /// Ask the provider whether it has the message of this attempt, then ask [`Ask::Looked`].
    Look {
        /// Its number.
        n: u32,
        /// Which look at it.
        look: u8,
        /// Through whom.
        way: Way,
        /// When the provider was called.
        called_at: UnixMs,
    },
    /// Post this to the tenant's account, tell its answer with [`Ask::Posted`](super::Ask::Posted), and claim again.
    Post(Box<Posting>),
    /// Come again then, or as soon as something happens to the order.
    RetryAt(UnixMs),
    /// Call the provider now, as this attempt.
    Send {
        /// Its number.
        n: u32,
        /// Which way.
        way: Way,
    },
    /// The job is done with; take it off the queue.
    Stop,
}

impl Reply {
    pub(super) fn of(decision: Decision) -> Self {
        Self {
            decision,
            event: None,
            news: None,
            lesson: None,
            mark: None,
            errand: None,
            inquiries: Vec::new(),
            posting: None,
        }
    }
}
