//! Tells the edge how orders fare: many orders in one request where there is much to tell, each at once where there is not.
//!
//! What is told is the whole order, so that of several events of one order only the newest goes. Nothing here is lost when
//! the process is: each record has a lease on its report, and a sweep tells what was not.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use futures::future::join_all;
use tiffin_shared::http::internal;
use tiffin_shared::id::OrderId;
use tiffin_shared::wire::event::EVENTS_MAX;
use tiffin_shared::wire::event::Missed;
use tiffin_shared::wire::event::OrderEvent;
use tokio::sync::Notify;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio::time::sleep;

use crate::app::App;
use crate::edge;
use crate::host;
use crate::metrics::Push;
use crate::orders;

/// Between two requests that are not full. Short to whoever watches an order; a hundred requests a second to the edge.
const PERIOD: Duration = Duration::from_millis(10);
/// Requests under way at once: 5,000 orders a second at an edge that takes 100 ms.
const REQUESTS_MAX: u32 = 16;
/// Orders that wait to be told, some 10 MB. Those beyond it are told by a sweep.
pub const WAITING_MAX: usize = 16 * 1024;

/// What waits.
pub struct Reports {
    waiting: Mutex<Waiting>,
    news: Notify,
    room: Arc<Semaphore>,
}

#[derive(Default)]
struct Waiting {
    newest: HashMap<OrderId, OrderEvent>,
    turn: VecDeque<(OrderId, Instant)>,
}

/// The edge has not taken them, as far as we know.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("events, or the edge's answer, are no JSON of ours: {0}")]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Edge(#[from] edge::Error),
    #[error(transparent)]
    Randomness(#[from] host::NoRandomness),
}

impl Default for Reports {
    fn default() -> Self {
        let room = usize::try_from(REQUESTS_MAX).unwrap_or(usize::MAX);
        Self { waiting: Mutex::default(), news: Notify::new(), room: Arc::new(Semaphore::new(room)) }
    }
}

impl Reports {
    /// To be told soon.
    pub fn tell(&self, event: OrderEvent) {
        let mut waiting = self.lock();
        if let Some(older) = waiting.newest.get_mut(&event.order) {
            if older.seq < event.seq {
                *older = event;
            }
            return;
        }
        if waiting.turn.len() >= WAITING_MAX {
            return;
        }
        waiting.turn.push_back((event.order.clone(), Instant::now()));
        waiting.newest.insert(event.order.clone(), event);
        drop(waiting);
        self.news.notify_one();
    }

    /// Those that have waited longest.
    fn take(&self) -> Vec<OrderEvent> {
        let mut waiting = self.lock();
        let count = waiting.turn.len().min(EVENTS_MAX);
        let orders: Vec<_> = waiting.turn.drain(..count).collect();
        orders.iter().filter_map(|(order, _)| waiting.newest.remove(order)).collect()
    }

    /// How many orders' news waits.
    pub fn waiting(&self) -> usize {
        self.lock().turn.len()
    }

    /// For how long the oldest of it has.
    pub fn oldest(&self) -> Duration {
        self.lock().turn.front().map(|(_, since)| since.elapsed()).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Works as long as the process: what finishes last is told too.
pub async fn run(app: Arc<App>) {
    loop {
        app.reports.news.notified().await;
        while app.reports.waiting() > 0 {
            begin(&app).await;
            if app.reports.waiting() < EVENTS_MAX {
                sleep(PERIOD).await;
            }
        }
    }
}

/// Tells what is left, and returns when everything was told.
pub async fn flush(app: &Arc<App>) {
    while app.reports.waiting() > 0 {
        begin(app).await;
    }
    drop(app.reports.room.acquire_many(REQUESTS_MAX).await);
}

/// Begins one request, when there is room for it.
async fn begin(app: &Arc<App>) {
    // An error means that the semaphore is closed, which nobody does.
    let Ok(permit) = app.reports.room.clone().acquire_owned().await else { return };
    let events = app.reports.take();
    if !events.is_empty() {
        tokio::spawn(send(app.clone(), events, permit));
    }
}

async fn send(app: Arc<App>, events: Vec<OrderEvent>, _permit: OwnedSemaphorePermit) {
    let (mut rest, mut at_once) = (events.as_slice(), EVENTS_MAX);
    while !rest.is_empty() {
        let next = rest.get(..at_once).unwrap_or(rest);
        match post(&app, next).await {
            Ok((told, Missed { missed })) => {
                let (told, later) = rest.split_at_checked(told).unwrap_or((rest, &[]));
                rest = later;
                let taken = told.iter().filter(|event| !missed.contains(&event.order));
                join_all(taken.map(|event| mark(&app, event))).await;
            }
            // One of them is not understood, of an edge of another version perhaps: the others are.
            Err(Error::Edge(edge::Error::Status(400))) if at_once > 1 => at_once = 1,
            Err(error) => {
                tracing::warn!(%error, orders = rest.len(), "the edge was not told; it will be");
                if at_once > 1 {
                    return;
                }
                rest = rest.get(1..).unwrap_or_default();
            }
        }
    }
}

/// How many of them it held, and which of these were not taken.
async fn post(app: &App, events: &[OrderEvent]) -> Result<(usize, Missed), Error> {
    let (outgoing, held) = internal::events(events, app.signing.current(), &host::entropy()?, host::now())?;
    let missed = serde_json::from_slice(&edge::post(app, Push::Reports, outgoing).await?)?;
    Ok((held, missed))
}

async fn mark(app: &App, event: &OrderEvent) {
    if let Err(error) = orders::reported(app, &event.order, event.seq).await {
        tracing::warn!(%error, order = %event.order, "a report is not marked; it will be told again");
    }
}

#[cfg(test)]
mod tests {
    use tiffin_shared::id::LedgerId;
    use tiffin_shared::wire::api::OrderState;

    use super::*;

    fn event(order: u16, seq: u64) -> OrderEvent {
        let [high, low] = order.to_be_bytes();
        let mut name = [0; 16];
        name[..2].copy_from_slice(&[high, low]);
        let order = OrderId::new(name, LedgerId::new(name));
        OrderEvent {
            order,
            seq,
            dispatch: 0,
            state: OrderState::Sending,
            reason: None,
            attempts: Vec::new(),
            next: None,
            cost: None,
        }
    }

    fn seqs(events: &[OrderEvent]) -> Vec<u64> {
        events.iter().map(|event| event.seq).collect()
    }

    #[test]
    fn of_one_order_the_newest_goes_in_the_turn_of_the_first() {
        let reports = Reports::default();
        for (order, seq) in [(1, 1), (2, 1), (1, 3), (1, 2)] {
            reports.tell(event(order, seq));
        }
        assert_eq!(seqs(&reports.take()), [3, 1]);
        assert_eq!(reports.waiting(), 0);
        reports.tell(event(1, 4));
        assert_eq!(seqs(&reports.take()), [4]);
    }

    #[test]
    fn no_more_wait_than_there_is_room_for_and_no_request_holds_more_than_it_may() {
        let reports = Reports::default();
        for order in 0..u16::MAX {
            reports.tell(event(order, 1));
        }
        assert_eq!(reports.waiting(), WAITING_MAX);
        assert_eq!(reports.take().len(), EVENTS_MAX);
        assert_eq!(reports.waiting(), WAITING_MAX - EVENTS_MAX);
    }
}
