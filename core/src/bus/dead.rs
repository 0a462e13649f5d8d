//! Dead letters: what could not be worked on, as an operator may see it. Never the sealed part, nor any of a body that does
//! not parse.

use serde::Serialize;
use serde::Serializer;
use tiffin_shared::bytes;
use tiffin_shared::envelope::Envelope;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::ServiceId;
use tiffin_shared::id::TenantId;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;
use tiffin_shared::wire::job::Header;
use tiffin_shared::wire::job::VERSION;

/// Letters looked at to find one: about 20 MB at once.
pub const LOOK_MAX: usize = 10_000;
/// Letters listed, or acted on, by one call.
pub const BATCH_MAX: usize = 1_000;

/// One letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dead {
    /// The message's id: the order's, or one made from the body.
    pub id: String,
    /// Why.
    pub reason: String,
    /// Since when.
    #[serde(serialize_with = "rfc3339_if_known")]
    pub dead_at: Option<UnixMs>,
    /// Where it came from.
    pub partition: Option<u16>,
    /// Size of the message.
    pub bytes: usize,
    /// Whether its code's life is over: it is not replayed.
    pub stale: bool,
    /// What the job says of itself, unchecked. None when it cannot be read: it is not replayed.
    pub job: Option<Job>,
}

/// The clear part of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Job {
    /// Which order.
    pub order: OrderId,
    /// Whose.
    pub tenant: TenantId,
    /// What for.
    pub service: ServiceId,
    /// How; of a resend, how that one was to go.
    pub channel: Channel,
    /// Acceptance.
    #[serde(serialize_with = "rfc3339")]
    pub created_at: UnixMs,
    /// End of the code's life.
    #[serde(serialize_with = "rfc3339")]
    pub expires_at: UnixMs,
}

/// What to do with letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Forget them.
    Discard,
    /// Back to the worker.
    Replay,
}

/// Which letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meant<'a> {
    /// Each.
    All,
    /// Those with this id.
    Id(&'a str),
    /// Those of orders of this ledger: of one phone.
    Ledger(LedgerId),
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Back at the worker.
    pub replayed: usize,
    /// Forgotten.
    pub discarded: usize,
    /// Left, for their codes' lives are over: they can be discarded.
    pub stale: usize,
    /// Left, for this version cannot read them: they can be discarded.
    pub unreadable: usize,
}

impl Dead {
    /// As it is now.
    pub fn new(
        id: String,
        reason: String,
        dead_at: Option<UnixMs>,
        partition: Option<u16>,
        body: &[u8],
        now: UnixMs,
    ) -> Self {
        let job = job(body);
        let stale = job.as_ref().is_some_and(|job| job.expires_at <= now);
        Self { id, reason, dead_at, partition, bytes: body.len(), stale, job }
    }

    /// Whether it is one of those.
    pub fn is(&self, meant: Meant<'_>) -> bool {
        match meant {
            Meant::All => true,
            Meant::Id(id) => self.id == id,
            Meant::Ledger(ledger) => self.order().is_some_and(|order| order.ledger() == ledger),
        }
    }

    /// Whose it is. Of a job that cannot be read, the message's id says so.
    fn order(&self) -> Option<OrderId> {
        self.job.as_ref().map(|job| job.order.clone()).or_else(|| OrderId::parse(&self.id).ok())
    }

    /// Where it goes when it is replayed.
    pub fn replays_to(&self, partitions: u16) -> Option<u16> {
        let job = self.job.as_ref().filter(|_| !self.stale)?;
        Some(job.order.ledger().partition(partitions))
    }
}

impl Report {
    /// Notes a letter that stays.
    pub fn left(&mut self, letter: &Dead) {
        if letter.stale {
            self.stale += 1;
        } else {
            self.unreadable += 1;
        }
    }
}

/// An id for a message that came without.
pub fn made_up_id(body: &[u8]) -> String {
    let hash: [u8; 16] = bytes::truncate(bytes::sha256(body));
    format!("msg_{}", bytes::encode(&hash))
}

fn rfc3339<S: Serializer>(at: &UnixMs, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.rfc3339())
}

fn rfc3339_if_known<S: Serializer>(at: &Option<UnixMs>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(UnixMs::rfc3339).serialize(serializer)
}

fn job(body: &[u8]) -> Option<Job> {
    let envelope = Envelope::parse(body).ok()?;
    let header: Header = serde_json::from_str(&envelope.header).ok()?;
    let Header { v, order, tenant, service, created_at, expires_at, .. } = header;
    let channel = envelope.dispatch.map_or(header.channel, |dispatch| dispatch.channel);
    (v == VERSION).then_some(Job { order, tenant, service, channel, created_at, expires_at })
}
