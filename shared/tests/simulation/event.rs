//! What happens in a world, in order of time.

use std::cmp::Ordering;

use tiffin_shared::bytes::Bytes;
use tiffin_shared::money::Entry;
use tiffin_shared::money::Posting;
use tiffin_shared::order::Cause;
use tiffin_shared::order::Receipt;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::event::OrderEvent;

use crate::broker::JobName;

/// What happens at a moment.
pub enum Event {
    /// Into the money log.
    Append {
        entries: Vec<Entry>,
    },
    Arrive {
        order: usize,
    },
    Callback {
        order: usize,
        account: usize,
        record: u32,
        n: u32,
        provider_id: String,
        receipt: Receipt,
        tries: u32,
    },
    Cancel {
        order: usize,
    },
    Crash,
    Create {
        order: usize,
    },
    EdgeHears {
        order: usize,
        event: Box<OrderEvent>,
    },
    Flush {
        worker: usize,
        epoch: u32,
        gateway: usize,
        due: UnixMs,
    },
    FlushFigures {
        worker: usize,
        epoch: u32,
    },
    Forget,
    GiveBack {
        worker: usize,
        gateway: usize,
        token: Bytes<16>,
        is_well: Option<bool>,
    },
    HandOver {
        job: JobName,
        tries: u32,
    },
    LaneWakes {
        worker: usize,
        epoch: u32,
        phone: usize,
    },
    LadderEnds {
        job: JobName,
    },
    Move {
        is_abrupt: bool,
    },
    Notice {
        order: usize,
        cause: Cause,
        tries: u32,
    },
    Own {
        partition: usize,
    },
    Post {
        order: usize,
        posting: Box<Posting>,
    },
    Ran {
        order: usize,
        token: Bytes<8>,
    },
    Reported {
        order: usize,
        seq: u64,
    },
    Resend {
        order: usize,
    },
    Restart {
        worker: usize,
    },
    Task(u64),
    /// Of the tenant's account.
    TopUp,
    Verify {
        order: usize,
    },
    Wake {
        order: usize,
        wake_at: UnixMs,
    },
}

/// An event and its moment; those of one moment happen in the order they were scheduled.
pub struct Due {
    pub at: UnixMs,
    pub nth: u64,
    pub event: Event,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.nth == other.nth
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.nth).cmp(&(other.at, other.nth))
    }
}
