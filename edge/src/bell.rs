//! Wakes who waits at an object when something happens there. One thread: nothing here is shared with another.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::Poll;
use std::task::Waker;

/// Rung when something happens.
#[derive(Default)]
pub struct Bell(RefCell<Inner>);

#[derive(Default)]
struct Inner {
    rung: u64,
    waited: u64,
    waiting: BTreeMap<u64, Waker>,
}

impl Bell {
    /// Wakes all who wait.
    pub fn ring(&self) {
        let waiting = {
            let mut inner = self.0.borrow_mut();
            inner.rung += 1;
            std::mem::take(&mut inner.waiting)
        };
        waiting.into_values().for_each(Waker::wake);
    }

    /// Until it rings, or `time` is over. True where it rang.
    pub async fn wait(&self, time: impl Future<Output = ()> + Unpin) -> bool {
        let (before, n) = {
            let mut inner = self.0.borrow_mut();
            inner.waited += 1;
            (inner.rung, inner.waited)
        };
        let mut time = time;
        let is_rung = poll_fn(|context| {
            let mut inner = self.0.borrow_mut();
            if inner.rung > before {
                return Poll::Ready(true);
            }
            if std::pin::Pin::new(&mut time).poll(context).is_ready() {
                return Poll::Ready(false);
            }
            inner.waiting.insert(n, context.waker().clone());
            Poll::Pending
        })
        .await;
        self.0.borrow_mut().waiting.remove(&n);
        is_rung
    }
}
