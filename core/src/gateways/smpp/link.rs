//! A session kept up: connects, binds, plays the machine over the connection, and comes back when it ends.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use futures::FutureExt as _;
use futures::SinkExt;
use futures::StreamExt as _;
use rusmpp::Command;
use rusmpp::Pdu;
use tiffin_shared::backoff::Backoff;
use tiffin_shared::time::UnixMs;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio::time::timeout;
use tokio_util::codec::Framed;

use self::dial::Connection;
use self::dial::Dial;
use super::receipt::Receipt;
use super::session::Action;
use super::session::End;
use super::session::Event;
use super::session::Limits;
use super::session::Reply;
use super::session::Role;
use super::session::Session;
use super::session::Stop;
use super::wire::Frame;
use super::wire::Wire;
use super::wire::WireError;

pub mod dial;

/// Between the tries to get a session back.
const RECONNECT: Backoff = Backoff { base_ms: 250, max_ms: 30_000 };
/// A session that lasted this long was a good one, and so was one that answered: the next try comes soon.
const GOOD: Duration = Duration::from_secs(60);
/// A peer that reads nothing for this long is gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// PDUs that are read before anything is written.
const READ_AT_ONCE: usize = 64;
/// Requests whose late answers are told.
const OVERDUE_MAX: usize = 1_024;

/// A request on its way to a session.
pub(super) struct Request {
    pub(super) pdu: Box<Pdu>,
    /// Set by whoever is first: the session that writes it, or the caller that gave up waiting for that.
    pub(super) claim: Arc<AtomicBool>,
    /// The message's name among those of late.
    pub(super) number: u16,
    pub(super) end: oneshot::Sender<End>,
}

/// How a session stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stand {
    pub(super) is_bound: bool,
    /// Why there is none, as far as it is known.
    pub(super) stopped: Option<Stop>,
    pub(super) paused_until: UnixMs,
}

/// What a link tells of.
pub(super) enum News {
    /// A receipt; `done` says whether it is in good hands.
    Receipt { receipt: Receipt, done: oneshot::Sender<bool> },
    /// The answer to a request that ended without one.
    Late { number: u16, reply: Reply },
}

/// What a link needs.
pub(super) struct Link {
    /// For the log.
    pub(super) gateway: String,
    pub(super) limits: Limits,
    pub(super) dial: Arc<Dial>,
    pub(super) requests: mpsc::Receiver<Request>,
    pub(super) stand: watch::Sender<Stand>,
    pub(super) news: mpsc::Sender<News>,
    pub(super) closing: watch::Receiver<bool>,
    pub(super) clock: Clock,
}

/// Time that does not jump.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    began: Instant,
    at: UnixMs,
}

impl Clock {
    pub(super) fn start(at: UnixMs) -> Self {
        Self { began: Instant::now(), at }
    }

    pub(super) fn now(&self) -> UnixMs {
        self.at.plus(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

impl Link {
    /// Until it is told to close.
    pub(super) async fn run(mut self) {
        let mut tries = 0;
        while !*self.closing.borrow() {
            let began = Instant::now();
            let (stop, has_answered) = self.session().await;
            self.stand.send_replace(Stand { is_bound: false, stopped: Some(stop), ..self.stand() });
            self.refuse_all();
            if stop == Stop::Unbound {
                return;
            }
            tries = if has_answered || began.elapsed() > GOOD { 0 } else { tries + 1 };
            let pause_ms = RECONNECT.delay_ms(tries, random());
            tracing::warn!(gateway = self.gateway, role = ?self.limits.role, %stop, pause_ms, "SMPP session ended");
            if !self.wait(Duration::from_millis(pause_ms)).await {
                return;
            }
        }
    }

    fn stand(&self) -> Stand {
        *self.stand.borrow()
    }

    /// Nothing waits for a session that is not there.
    fn refuse_all(&mut self) {
        while let Ok(request) = self.requests.try_recv() {
            request.end.send(End::NotSent).ok();
        }
    }

    /// Whether it goes on afterwards.
    async fn wait(&mut self, pause: Duration) -> bool {
        let mut over = pin!(sleep(pause));
        loop {
            tokio::select! {
                () = &mut over => return true,
                _ = self.closing.wait_for(|closing| *closing) => return false,
                request = self.requests.recv() => match request {
                    Some(request) => {
                        request.end.send(End::NotSent).ok();
                    },
                    None => return false,
                },
            }
        }
    }

    /// How it ended, and whether anything was answered before.
    async fn session(&mut self) -> (Stop, bool) {
        let bind = self.dial.bind(self.limits.role);
        let connection = match self.dial.connect().await {
            Ok(connection) => connection,
            Err(error) => {
                tracing::warn!(gateway = self.gateway, %error, "no connection to the SMSC");
                return (Stop::Lost, false);
            }
        };
        let mut running = Running {
            session: Session::new(self.limits),
            framed: Framed::new(connection, Wire::default()),
            waiting: HashMap::new(),
            overdue: VecDeque::new(),
            tickets: 0,
            judged: mpsc::unbounded_channel(),
            stop: None,
            has_answered: false,
            is_closing: false,
            link: self,
        };
        running.step(Event::Connected(Box::new(bind))).await;
        running.run().await
    }
}

struct Running<'a> {
    session: Session,
    framed: Framed<Connection, Wire>,
    waiting: HashMap<u64, (u16, oneshot::Sender<End>)>,
    /// Tickets that ended without an answer, oldest first.
    overdue: VecDeque<(u64, u16)>,
    tickets: u64,
    /// Receipts that were worked on: as many as a session works on at once.
    judged: (mpsc::UnboundedSender<Judged>, mpsc::UnboundedReceiver<Judged>),
    stop: Option<Stop>,
    has_answered: bool,
    is_closing: bool,
    link: &'a mut Link,
}

/// A receipt's number, and whether it is in good hands.
type Judged = (u32, bool);

enum Turn {
    Frame(Option<Result<Frame, WireError>>),
    Request(Option<Request>),
    Judged(u32, bool),
    Wake,
    Close,
}

impl Running<'_> {
    async fn run(mut self) -> (Stop, bool) {
        loop {
            self.fill().await;
            // The queue is empty or the window is full: now or never.
            if self.stop.is_none() && !self.flush().await {
                self.step(Event::Lost).await;
            }
            if let Some(stop) = self.stop {
                return self.end(stop).await;
            }
            let turn = self.turn().await;
            self.take(turn).await;
        }
    }

    /// Submits what waits and fits.
    async fn fill(&mut self) {
        while self.stop.is_none() && self.session.has_room(self.link.clock.now()) {
            match self.link.requests.try_recv() {
                Ok(request) => self.submit(request).await,
                Err(_none) => return,
            }
        }
    }

    async fn turn(&mut self) -> Turn {
        let now = self.link.clock.now();
        let wake = self.session.wake_at(now).map(|at| Duration::from_millis(at.since(now)));
        let has_room = self.session.has_room(now);
        tokio::select! {
            frame = self.framed.next() => Turn::Frame(frame),
            request = self.link.requests.recv(), if has_room => Turn::Request(request),
            Some((sequence, is_taken)) = self.judged.1.recv() => Turn::Judged(sequence, is_taken),
            () = sleep(wake.unwrap_or(Duration::MAX)), if wake.is_some() => Turn::Wake,
            _ = self.link.closing.wait_for(|closing| *closing), if !self.is_closing => Turn::Close,
        }
    }

    async fn take(&mut self, turn: Turn) {
        match turn {
            Turn::Frame(first) => {
                self.frame(first).await;
                for _ in 1..READ_AT_ONCE {
                    if self.stop.is_some() {
                        return;
                    }
                    let Some(next) = self.framed.next().now_or_never() else { return };
                    self.frame(next).await;
                }
            }
            Turn::Request(Some(request)) => self.submit(request).await,
            // Nobody can send any more.
            Turn::Request(None) | Turn::Close => {
                self.is_closing = true;
                self.step(Event::Close).await;
            }
            Turn::Judged(sequence, is_taken) => self.step(Event::Judged { sequence, is_taken }).await,
            Turn::Wake => self.step(Event::Wake).await,
        }
    }

    async fn frame(&mut self, frame: Option<Result<Frame, WireError>>) {
        match frame {
            Some(Ok(frame)) => self.step(Event::Received(frame)).await,
            Some(Err(error)) => {
                tracing::warn!(gateway = self.link.gateway, %error, "the SMSC's stream cannot be read");
                self.step(Event::Lost).await;
            }
            None => self.step(Event::Lost).await,
        }
    }

    async fn submit(&mut self, request: Request) {
        // **never-stale**: whoever asked has given up, and may be sending another way.
        if request.claim.swap(true, Ordering::AcqRel) {
            return;
        }
        self.tickets += 1;
        let ticket = self.tickets;
        self.waiting.insert(ticket, (request.number, request.end));
        self.step(Event::Submit { ticket, pdu: request.pdu }).await;
    }

    async fn step(&mut self, event: Event) {
        let actions = self.session.step(event, self.link.clock.now());
        // First: whoever is told of a refusal asks how long the pause is.
        let paused_until = self.session.paused_until();
        self.link.stand.send_if_modified(|stand| {
            let is_new = stand.paused_until != paused_until;
            stand.paused_until = paused_until;
            is_new
        });
        for action in actions {
            self.act(action).await;
        }
    }

    async fn act(&mut self, action: Action) {
        match action {
            // It fails on a connection that is gone, which the next flush or read tells.
            Action::Send(command) => drop(timeout(WRITE_TIMEOUT, self.framed.feed(&*command)).await),
            Action::Ended { ticket, end } => {
                let Some((number, waiting)) = self.waiting.remove(&ticket) else { return };
                self.has_answered |= matches!(end, End::Reply(_));
                if end == End::NoAnswer {
                    self.overdue.push_back((ticket, number));
                    self.overdue.truncate(OVERDUE_MAX);
                }
                waiting.send(end).ok();
            }
            Action::Late { ticket, reply } => {
                let known = self.overdue.iter().find(|(late, _)| *late == ticket);
                if let Some((_, number)) = known {
                    self.link.news.send(News::Late { number: *number, reply }).await.ok();
                }
            }
            Action::Bound => {
                let stand = Stand { is_bound: true, stopped: None, paused_until: UnixMs(0) };
                self.link.stand.send_replace(stand);
                tracing::info!(gateway = self.link.gateway, role = ?self.link.limits.role, "SMPP session bound");
            }
            Action::Receipt { sequence, receipt } => self.receipt(sequence, receipt).await,
            Action::Stop(stop) => self.stop = Some(stop),
        }
    }

    async fn receipt(&mut self, sequence: u32, receipt: Receipt) {
        let (done, told) = oneshot::channel();
        let judged = self.judged.0.clone();
        if self.link.news.send(News::Receipt { receipt, done }).await.is_err() {
            judged.send((sequence, false)).ok();
            return;
        }
        tokio::spawn(async move { judged.send((sequence, told.await.unwrap_or(false))) });
    }

    async fn flush(&mut self) -> bool {
        matches!(timeout(WRITE_TIMEOUT, SinkExt::<&Command>::flush(&mut self.framed)).await, Ok(Ok(())))
    }

    /// The last words go out, if the peer still listens.
    async fn end(mut self, stop: Stop) -> (Stop, bool) {
        if !matches!(stop, Stop::Lost | Stop::Silent) {
            self.flush().await;
            timeout(WRITE_TIMEOUT, SinkExt::<&Command>::close(&mut self.framed)).await.ok();
        }
        (stop, self.has_answered)
    }
}

/// For the jitter of a pause; without any there is none.
fn random() -> u64 {
    getrandom::u64().unwrap_or_default()
}

impl Role {
    /// Whether messages can be submitted on it.
    pub(super) fn submits(self) -> bool {
        self != Self::Receiver
    }
}
