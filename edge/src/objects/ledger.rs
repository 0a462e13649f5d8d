//! The object of one phone or mailbox: a shell around its cell, and the hand-over of its outbox.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use tiffin_shared::http::Crowd;
use tiffin_shared::http::Hold;
use tiffin_shared::http::POLL_MS;
use tiffin_shared::http::Places;
use tiffin_shared::json;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Command;
use tiffin_shared::ledger::Event;
use tiffin_shared::ledger::Ledger;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::ledger::Parcel;
use tiffin_shared::ledger::Reply;
use tiffin_shared::time::UnixMs;
use worker::Delay;
use worker::DurableObject;
use worker::Env;
use worker::Request;
use worker::Response;
use worker::State;
use worker::console_error;
use worker::console_warn;
use worker::durable_object;

use super::Held;
use super::Told;
use crate::bell::Bell;
use crate::cell;
use crate::cell::ALARM_RETRY;
use crate::cell::Cell;
use crate::host;
use crate::settings;
use crate::settings::Settings;
use crate::uplink;

/// Watchers of all orders of one phone: each costs a timer and a comparison every [`POLL_MS`].
const WATCHERS_MAX: usize = 256;
/// A look that another watcher took is as good as an own one for this many milliseconds: so many watchers of an order
/// cost the object four looks a second, and all are told within a second.
const LOOK_FRESH_MS: u64 = POLL_MS / 2;

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Cell(#[from] cell::Error),
    #[error("the question does not encode: {0}")]
    Encode(#[from] serde_json::Error),
    #[error(transparent)]
    Randomness(#[from] host::NoRandomness),
    #[error(transparent)]
    Settings(#[from] settings::Error),
}

/// Hosts the ledger machine. Its fields are what the platform hands in, and who waits at it right now: when the platform
/// drops the object, it has ended their requests.
#[durable_object(alarm)]
pub struct LedgerObject {
    state: State,
    env: Env,
    cell: Rc<Cell>,
    // Never borrowed where a step could panic, so a panic leaves them whole.
    crowd: AssertUnwindSafe<RefCell<Crowd>>,
    /// What was seen last, by what was asked.
    looks: AssertUnwindSafe<RefCell<BTreeMap<String, (UnixMs, Outcome)>>>,
    /// Rung when something happens: who waits looks at once, and by itself where the bell is not heard.
    bell: Rc<AssertUnwindSafe<Bell>>,
}

impl DurableObject for LedgerObject {
    fn new(state: State, env: Env) -> Self {
        let cell = Rc::new(Cell::new(state.storage()));
        Self {
            cell,
            state,
            env,
            crowd: AssertUnwindSafe::default(),
            looks: AssertUnwindSafe::default(),
            bell: Rc::default(),
        }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let mut held: Held = json::read(&request.text().await?)?;
        // It was stamped at the front door, and may have been long on its way.
        held.event.now = held.event.now.max(host::now());
        match self.answer(held).await {
            Ok(told) => Response::from_json(&told),
            Err(error) => {
                console_error!("ledger failed: {error}");
                Response::error("ledger failed", 500)
            }
        }
    }

    async fn alarm(&self) -> worker::Result<Response> {
        match self.tick().await {
            Ok(due) => {
                self.hand_over(due);
                Response::empty()
            }
            // The platform would ring a failing alarm again a few times only, and the outbox must outlast that.
            Err(error) => {
                console_error!("alarm failed, it rings again: {error}");
                self.state.storage().set_alarm(ALARM_RETRY).await?;
                Response::empty()
            }
        }
    }
}

impl LedgerObject {
    async fn answer(&self, Held { event, hold }: Held) -> Result<Told, Error> {
        let (Some(hold), Ask::Fetch(whose)) = (hold, &event.ask) else {
            return Ok(Told { outcome: self.ask(event).await?, is_full: false });
        };
        let outcome = self.ask(event.clone()).await?;
        let now = host::now();
        let places = Places::on_order(&whose.order, WATCHERS_MAX);
        let Some(seat) = self.crowd.borrow_mut().enter(&places, hold.until(), now) else {
            return Ok(Told { outcome, is_full: true });
        };
        let held = self.hold(&event, hold, outcome, now).await;
        // Not by a guard: a request that the platform forgets is never dropped either, and its lease ends by time.
        self.crowd.borrow_mut().leave(seat);
        if self.crowd.borrow().is_empty() {
            self.looks.borrow_mut().clear();
        }
        Ok(Told { outcome: held?, is_full: false })
    }

    async fn hold(
        &self,
        event: &Event,
        mut hold: Hold,
        mut outcome: Outcome,
        asked_at: UnixMs,
    ) -> Result<Outcome, Error> {
        let question = serde_json::to_string(&event.ask)?;
        while !hold.is_over(&outcome, host::now()) {
            // Without an await since the last look: no change between the two is missed.
            let is_rung = self.bell.wait(Delay::from(Duration::from_millis(POLL_MS))).await;
            let now = host::now();
            // What was seen before the bell is no news.
            outcome = match self.seen(&question, asked_at, now).filter(|_| !is_rung) {
                Some(seen) => seen,
                None => {
                    let outcome = self.ask(Event { now, ..event.clone() }).await?;
                    self.looks.borrow_mut().insert(question.clone(), (now, outcome.clone()));
                    outcome
                }
            };
        }
        Ok(outcome)
    }

    /// What another watcher saw a moment ago, and after the asker's own first look.
    fn seen(&self, question: &str, asked_at: UnixMs, now: UnixMs) -> Option<Outcome> {
        let looks = self.looks.borrow();
        let fresh = |at: UnixMs| at > asked_at && now.since(at) < LOOK_FRESH_MS;
        looks.get(question).filter(|(at, _)| fresh(*at)).map(|(_, outcome)| outcome.clone())
    }

    async fn ask(&self, event: Event) -> Result<Outcome, Error> {
        let Reply { outcome, due } = self.apply(event).await?;
        self.hand_over(due);
        Ok(outcome)
    }

    async fn apply(&self, event: Event) -> Result<Reply, Error> {
        let settings = Settings::load(&self.env)?;
        let changes = event.ask.changes();
        let reply = apply(&self.cell, &settings, event).await;
        if changes {
            self.bell.ring();
        }
        reply
    }

    async fn tick(&self) -> Result<Vec<Parcel>, Error> {
        let now = host::now();
        let reply = self.apply(Event { now, entropy: host::entropy()?, ask: Ask::Tick }).await?;
        if reply.due.is_empty() {
            self.cell.rest(now).await?;
        }
        Ok(reply.due)
    }

    /// Begins the hand-over without keeping the caller waiting. A failure needs no note: the lease is in the state.
    fn hand_over(&self, due: Vec<Parcel>) {
        for parcel in due {
            let (cell, env, bell) = (self.cell.clone(), self.env.clone(), self.bell.clone());
            self.state.wait_until(async move {
                let done = async {
                    let settings = Settings::load(&env)?;
                    if uplink::hand_over(&settings, &parcel).await {
                        let (now, entropy) = (host::now(), host::entropy()?);
                        let event = Event { now, entropy, ask: Ask::Done(parcel.id) };
                        apply(&cell, &settings, event).await?;
                        bell.ring();
                    }
                    Ok::<(), Error>(())
                };
                if let Err(error) = done.await {
                    console_warn!("hand-over not noted, it comes again: {error}");
                }
            });
        }
    }
}

async fn apply(cell: &Cell, settings: &Rc<Settings>, event: Event) -> Result<Reply, Error> {
    let Event { now, entropy, ask } = event;
    let command = Command { keys: settings.keys(now)?, entropy, ask };
    Ok(cell.apply::<Ledger>(&command, now).await?)
}
