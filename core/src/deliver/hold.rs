//! Jobs that wait: in memory, where what happens to the order wakes them, or on the bus when there is no room.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::time::UnixMs;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::lanes::Job;
use super::lanes::Lanes;
use crate::bus::Target;
use crate::host;

/// A receipt may be taken by another process, so the record is looked at this often. It costs one read.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// The orders whose jobs wait in this process.
#[derive(Default)]
pub struct Waits(Mutex<HashMap<OrderId, Arc<Notify>>>);

/// A place in [`Waits`], until dropped.
struct Wait<'a> {
    waits: &'a Waits,
    order: OrderId,
    rung: Arc<Notify>,
}

impl Waits {
    /// Something happened to the order: its job, where it waits here, goes on at once.
    pub fn wake(&self, order: &OrderId) {
        if let Some(rung) = self.all().get(order) {
            rung.notify_one();
        }
    }

    fn enter(&self, order: &OrderId) -> Wait<'_> {
        let rung = Arc::clone(self.all().entry(order.clone()).or_default());
        Wait { waits: self, order: order.clone(), rung }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<OrderId, Arc<Notify>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.waits.all().remove(&self.order);
    }
}

/// Lets a job wait outside its lane.
pub(super) fn hold(lanes: &Arc<Lanes>, lane: LedgerId, job: Job, until: UnixMs) {
    tokio::spawn(wait(lanes.clone(), lane, job, until));
}

async fn wait(lanes: Arc<Lanes>, lane: LedgerId, job: Job, until: UnixMs) {
    let left = Duration::from_millis(until.since(host::now()));
    let Some(order) = job.opened.as_ref().map(|opened| opened.header.order.clone()) else { return };
    let Ok(_held) = lanes.held.clone().try_acquire_owned() else {
        let partition = job.delivery.partition;
        return lanes.put_back(job, Target::Later { partition, delay: left }).await;
    };
    let wait = lanes.app.waits.enter(&order);
    let mut stop = lanes.stop.clone();
    tokio::select! {
        () = wait.rung.notified() => {}
        () = sleep(left.min(LOOK_AGAIN)) => {}
        // Given back, and continued elsewhere by its record.
        () = job.delivery.unwanted() => return,
        _ = stop.wait_for(|stop| *stop) => return,
    }
    drop(wait);
    lanes.push(lane, job, true);
}
