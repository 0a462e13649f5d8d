//! Sending over the links: which one, how long to wait, and what the outcome is.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::ready;
use futures::future::select_all;
use rusmpp::Pdu;
use tiffin_shared::order::Reason;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::timeout_at;

use super::Held;
use super::NotTaken;
use super::Smpp;
use super::link::Request;
use super::session::End;
use super::session::Reply;
use super::session::Stop;
use super::status;
use super::submit;
use super::submit::Dlt;
use super::submit::Text;
use crate::gateways::adapter::Answered;
use crate::gateways::adapter::Message;
use crate::gateways::adapter::Refusal;
use crate::gateways::call::CALL_TIMEOUT;

/// How long a message waits for a session to come up, and for a place in its window. Below the time from which a call counts as slow:
/// what was never written is known to have not been.
const QUEUE_WAIT: Duration = Duration::from_secs(2);
/// How long a try of the credentials waits for the bind.
const CHECK_WAIT: Duration = Duration::from_secs(10);
/// A session that is to be left alone for longer than this takes nothing more.
const PAUSE_WAIT_MS: u64 = 1_000;

/// What a request came to.
pub(super) enum Asked {
    Reply(Reply),
    NotSent(Refusal),
    NoAnswer,
}

impl Smpp {
    /// Sends, once. Of a long message the parts go one after the other, and the outcome is that of the whole:
    ///
    /// * all taken: taken; its id is the last part's, which is the one that is told of.
    /// * one refused: refused, for the phone does not put a message together that lacks a part. What follows is not sent. A later part
    ///   that is throttled is sent again while there is time: it was not taken, and the others were.
    /// * one without an answer: unknown, for phones may show the parts that they have. What follows is not sent.
    pub async fn send(&self, message: &Message<'_>) -> Answered {
        let deadline = Instant::now() + CALL_TIMEOUT;
        let to = match message.phone() {
            Ok(phone) => phone,
            Err(reason) => return Answered::Refused(Refusal::of(reason)),
        };
        let number = self.references.issue(message.reference, to);
        let dlt = message.registration.map(|registration| Dlt {
            entity_id: &registration.dlt.entity_id,
            template_id: registration.template_id,
        });
        let from = Some(message.from()).filter(|from| !from.is_empty());
        let text = Text { to, from, text: message.text(), valid_s: message.valid_s, dlt };
        let Ok(parts) = submit::pdus(&self.keys, &text, number) else {
            return Answered::Refused(Refusal::of(Reason::SenderUnapproved));
        };
        let mut outcome = Answered::Unknown;
        for (at, part) in parts.into_iter().enumerate() {
            outcome = self.part(part.into(), at > 0, number, deadline).await;
            if !matches!(outcome, Answered::Taken { .. }) {
                return outcome;
            }
        }
        outcome
    }

    /// Whether the SMSC takes the bind. For a process that sends nothing else: the sessions end with it.
    pub async fn check(&self) -> Result<(), Refusal> {
        self.start(Arc::new(|_| ready(Err(NotTaken)).boxed()));
        let is_bound = self.pick(Instant::now() + CHECK_WAIT).await.is_some();
        let refusal = self.why_not();
        self.close().await;
        if is_bound { Ok(()) } else { Err(refusal) }
    }

    async fn part(&self, pdu: Pdu, has_earlier: bool, number: u16, deadline: Instant) -> Answered {
        loop {
            let (refusal, was_written) = match self.ask(pdu.clone(), number, deadline).await {
                Asked::NoAnswer => return Answered::Unknown,
                Asked::NotSent(refusal) => (refusal, false),
                Asked::Reply(reply) => {
                    self.references.answered(number, &reply);
                    if reply.status == status::ROK {
                        return self.taken(&reply);
                    }
                    (self.refused(reply.status), true)
                }
            };
            let pause = Duration::from_millis(refusal.retry_after_ms.unwrap_or_default());
            let is_throttled = refusal.fallback == Reason::Throttled;
            let may_again = has_earlier && (is_throttled || !was_written);
            if !may_again || Instant::now() + pause + QUEUE_WAIT > deadline {
                return Answered::Refused(refusal);
            }
            sleep(pause).await;
        }
    }

    fn taken(&self, reply: &Reply) -> Answered {
        // Taken, but nothing that is heard of it later could be known to be of it.
        if reply.message_id.is_empty() {
            return Answered::Unknown;
        }
        Answered::Taken { provider_id: self.keys.message_id.of_answer(&reply.message_id) }
    }

    fn refused(&self, status: u32) -> Refusal {
        let fallback = status::fallback(status);
        let retry_after_ms = status::is_throttle(status).then(|| self.pause_ms()).flatten();
        Refusal { code: Some(status::code(status)), fallback, retry_after_ms }
    }

    /// Until a session that is bound may be used; `None` where one may be now.
    fn pause_ms(&self) -> Option<u64> {
        let now = self.clock.now();
        let stands = self.links.iter().filter(|link| link.role.submits()).map(|link| *link.stand.borrow());
        let pause = stands.filter(|stand| stand.is_bound).map(|stand| stand.paused_until.since(now)).min();
        pause.filter(|pause_ms| *pause_ms > 0)
    }

    /// Written once at most, on the session with the most room.
    pub(super) async fn ask(&self, pdu: Pdu, number: u16, deadline: Instant) -> Asked {
        let queue_until = (Instant::now() + QUEUE_WAIT).min(deadline);
        loop {
            let Some(link) = self.pick(queue_until).await else { return Asked::NotSent(self.why_not()) };
            match link.ask(pdu.clone(), number, queue_until, deadline).await {
                // The session ended before it was written: perhaps there is another.
                Some(End::NotSent) if Instant::now() < queue_until => {}
                Some(End::NotSent) => return Asked::NotSent(self.why_not()),
                Some(End::Reply(reply)) => return Asked::Reply(reply),
                Some(End::NoAnswer) => return Asked::NoAnswer,
                None => return Asked::NotSent(busy(self.pause_ms())),
            }
        }
    }

    /// The bound link with the fewest requests, waited for until `until`.
    async fn pick(&self, until: Instant) -> Option<&Held> {
        let links: Vec<_> = self.links.iter().filter(|link| link.role.submits()).collect();
        loop {
            let changes = links.iter().map(|link| {
                let mut stand = link.stand.clone();
                stand.mark_unchanged();
                async move { stand.changed().await }.boxed()
            });
            let changes = changes.collect::<Vec<_>>();
            let soon = self.clock.now().plus(PAUSE_WAIT_MS);
            let bound = links.iter().filter(|link| link.stand.borrow().is_bound);
            let free = bound.clone().filter(|link| link.stand.borrow().paused_until <= soon);
            if let Some(link) = free.min_by_key(|link| link.outstanding.load(Ordering::Relaxed)) {
                return Some(link);
            }
            // All that is bound is to be left alone: another gateway is the better choice.
            if bound.count() > 0 || changes.is_empty() || *self.closing.borrow() {
                return None;
            }
            if timeout_at(until, select_all(changes)).await.is_err() {
                return None;
            }
        }
    }

    fn why_not(&self) -> Refusal {
        if let Some(pause_ms) = self.pause_ms() {
            return busy(Some(pause_ms));
        }
        let mut stops = self.links.iter().filter_map(|link| link.stand.borrow().stopped);
        let refused = stops.find_map(|stop| match stop {
            Stop::BindRefused(status) => Some(status),
            _ => None,
        });
        Refusal {
            code: refused.map(status::code),
            fallback: refused.map_or(Reason::ProviderDown, status::fallback),
            retry_after_ms: None,
        }
    }
}

/// The window was full for as long as a message waits.
fn busy(pause_ms: Option<u64>) -> Refusal {
    Refusal { code: None, fallback: Reason::Throttled, retry_after_ms: pause_ms }
}

impl Held {
    /// `None` where it was not written in time.
    async fn ask(&self, pdu: Pdu, number: u16, queue_until: Instant, deadline: Instant) -> Option<End> {
        let _counted = Counted::new(&self.outstanding);
        let claim = Claim(Arc::new(AtomicBool::new(false)));
        let (end, mut ended) = oneshot::channel();
        let request = Request { pdu: Box::new(pdu), claim: Arc::clone(&claim.0), number, end };
        match timeout_at(queue_until, self.requests.send(request)).await {
            Err(_full) => return None,
            Ok(Err(_closed)) => return Some(End::NotSent),
            Ok(Ok(())) => {}
        }
        if let Ok(end) = timeout_at(queue_until, &mut ended).await {
            return Some(end.unwrap_or(End::NoAnswer));
        }
        if !claim.0.swap(true, Ordering::AcqRel) {
            return None;
        }
        Some(timeout_at(deadline, ended).await.ok().and_then(Result::ok).unwrap_or(End::NoAnswer))
    }
}

/// Whoever gives up takes the request with it, unless it is written already.
struct Claim(Arc<AtomicBool>);

impl Drop for Claim {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
