//! A broker as far as workers see it: at least once, in order, one active consumer to a partition.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::collections::btree_map::Entry;

use tiffin_shared::time::UnixMs;

/// Unacknowledged messages of one queue that a worker may have.
const PREFETCH: usize = 64;
/// Delays of the ladder, in seconds.
const LADDER_S: [u64; 12] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];

/// A job's name: an order, and which sending of it.
pub type JobName = (usize, u8);

#[derive(Clone, Copy, Debug)]
pub struct Message {
    pub job: JobName,
    /// Its place in the queue, which it keeps when it comes again.
    pub place: u64,
    pub is_retry: bool,
}

#[derive(Default)]
struct Queue {
    ready: VecDeque<Message>,
    unacked: Vec<Message>,
}

#[derive(Default)]
pub struct Partition {
    queues: [Queue; 2],
    /// Which process has it, and which of its leases it is: what was given under an older one is not acknowledged.
    pub owner: Option<usize>,
    pub lease: u64,
    /// It is being given up: until when what its owner has begun is waited for.
    pub ends_at: Option<UnixMs>,
}

#[derive(Default)]
pub struct Broker {
    pub partitions: Vec<Partition>,
    places: u64,
    /// Copies of each job that are somewhere.
    pub copies: BTreeMap<JobName, u32>,
}

/// The shortest rung that is not shorter than the delay; a longer delay comes again from the longest one.
pub fn rung_ms(delay_ms: u64) -> u64 {
    let fits = LADDER_S.iter().map(|rung_s| rung_s * 1_000).find(|rung_ms| *rung_ms >= delay_ms);
    fits.unwrap_or(64_000)
}

impl Broker {
    pub fn new(partitions: u16) -> Self {
        let partitions = (0..partitions).map(|_| Partition::default()).collect();
        Self { partitions, ..Self::default() }
    }

    /// A copy begins: in a queue, or on the ladder to it.
    pub fn begin(&mut self, job: JobName) {
        *self.copies.entry(job).or_default() += 1;
    }

    /// A copy that has begun comes to the end of its queue.
    pub fn push(&mut self, partition: usize, job: JobName, is_retry: bool) -> u64 {
        self.places += 1;
        let message = Message { job, place: self.places, is_retry };
        self.partitions[partition].queues[usize::from(is_retry)].ready.push_back(message);
        self.places
    }

    /// What the owner may have now.
    pub fn take(&mut self, partition: usize) -> Vec<Message> {
        let mut taken = Vec::new();
        for queue in &mut self.partitions[partition].queues {
            while queue.unacked.len() < PREFETCH {
                let Some(message) = queue.ready.pop_front() else { break };
                queue.unacked.push(message);
                taken.push(message);
            }
        }
        taken
    }

    /// False for a lease that is over: the message comes again, or has.
    pub fn ack(&mut self, partition: usize, lease: u64, message: Message) -> bool {
        let it = &mut self.partitions[partition];
        if it.lease != lease || it.owner.is_none() {
            return false;
        }
        let unacked = &mut it.queues[usize::from(message.is_retry)].unacked;
        let Some(at) = unacked.iter().position(|held| held.place == message.place) else { return false };
        unacked.remove(at);
        if let Entry::Occupied(mut copies) = self.copies.entry(message.job) {
            *copies.get_mut() -= 1;
            if *copies.get() == 0 {
                copies.remove();
            }
        }
        true
    }

    /// The partition's owner is gone, or is not to have it any more. What it had comes again, in order, at the head.
    pub fn release(&mut self, partition: usize) {
        let it = &mut self.partitions[partition];
        (it.owner, it.ends_at) = (None, None);
        it.lease += 1;
        for queue in &mut it.queues {
            let mut unacked = std::mem::take(&mut queue.unacked);
            unacked.sort_by_key(|message| message.place);
            for message in unacked.into_iter().rev() {
                queue.ready.push_front(message);
            }
        }
    }

    pub fn is_last(&self, job: JobName) -> bool {
        !self.copies.contains_key(&job)
    }
}
