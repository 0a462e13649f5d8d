//! Delivery workers: take a job, claim it, call the provider, note the outcome, wait for what becomes of it, acknowledge.
//!
//! A phone's jobs go through its lane one after the other, others beside it. A job whose order waits (for a receipt, a
//! backoff, a breaker) leaves its lane and is held in memory, where a receipt wakes it; with no room left it waits on the
//! bus. In either case the bus keeps it until it is done with.

mod call;
mod hold;
mod lanes;
mod openers;
mod record;
mod sim;
mod work;

use std::sync::Arc;

use tokio::sync::watch;

pub use self::hold::Waits;
use self::lanes::Lanes;
pub use self::openers::Openers;
use crate::app::App;

/// Works until `stop` changes, then finishes what is under way and gives back the rest.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut consumer = app.bus.consume(app.config.file.delivery.prefetch, app.fleet.shares());
    let lanes = Arc::new(Lanes::new(app, stop.clone()));
    loop {
        let taken = async {
            let room = lanes.room().await;
            (room, consumer.next().await)
        };
        let (room, delivery) = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => break,
            taken = taken => taken,
        };
        let Some(delivery) = delivery else { break };
        lanes.take(delivery, room);
    }
    lanes.drain().await;
    consumer.close().await;
}
