//! Whether messages of one channel may still be begun, and how many are.

use std::sync::Arc;

use tokio::sync::watch;

/// Shared by all deliveries of one channel.
#[derive(Clone)]
pub struct Lease(Arc<watch::Sender<Standing>>);

#[derive(Clone, Copy)]
struct Standing {
    is_wanted: bool,
    is_open: bool,
    held: u32,
    begun: u32,
}

/// One message that the worker has, until dropped.
pub struct Held(Lease);

/// One message under way, until dropped.
pub struct Begun(Lease);

impl Default for Lease {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Standing { is_wanted: true, is_open: true, held: 0, begun: 0 })))
    }
}

impl Lease {
    /// Unless it has ended. In one step with [`Lease::end`], so that none is begun behind its back.
    pub fn begin(&self) -> Option<Begun> {
        let mut is_begun = false;
        self.count(|standing| {
            is_begun = standing.is_wanted;
            standing.begun += u32::from(is_begun);
        });
        is_begun.then(|| Begun(self.clone()))
    }

    pub fn hold(&self) -> Held {
        self.count(|standing| standing.held += 1);
        Held(self.clone())
    }

    /// Every message that the worker has waits for the end of the lease, so a message's own coming and going wakes nobody;
    /// only the last one's, whom a lease that has ended waits for.
    fn count(&self, count: impl FnOnce(&mut Standing)) {
        self.0.send_if_modified(|standing| {
            let begun = standing.begun;
            count(standing);
            !standing.is_wanted && begun > 0 && standing.begun == 0
        });
    }

    /// Messages that the worker has.
    pub fn held(&self) -> u32 {
        self.0.borrow().held
    }

    pub fn is_wanted(&self) -> bool {
        self.0.borrow().is_wanted
    }

    pub async fn unwanted(&self) {
        // An error means that the sender is gone, which we hold.
        self.0.subscribe().wait_for(|standing| !standing.is_wanted).await.ok();
    }

    /// Nothing is begun any more.
    pub fn end(&self) {
        self.0.send_modify(|standing| standing.is_wanted = false);
    }

    /// The channel has ended: nothing is acknowledged any more.
    pub fn close(&self) {
        self.0.send_modify(|standing| (standing.is_wanted, standing.is_open) = (false, false));
    }

    /// Returns when the channel has ended.
    pub async fn closed(&self) {
        self.0.subscribe().wait_for(|standing| !standing.is_open).await.ok();
    }

    /// Returns when nothing is under way. Call it after [`Lease::end`].
    pub async fn idle(&self) {
        self.0.subscribe().wait_for(|standing| standing.begun == 0).await.ok();
    }
}

impl Held {
    pub fn lease(&self) -> &Lease {
        &self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.count(|standing| standing.held = standing.held.saturating_sub(1));
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.count(|standing| standing.begun = standing.begun.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn what_is_begun_holds_the_channel_and_nothing_is_begun_after_its_end() {
        let lease = Lease::default();
        let begun = lease.begin();
        assert!(begun.is_some() && lease.is_wanted());
        lease.end();
        assert!(lease.begin().is_none() && !lease.is_wanted());
        assert!(lease.unwanted().now_or_never().is_some());
        assert!(lease.idle().now_or_never().is_none());
        drop(begun);
        assert!(lease.idle().now_or_never().is_some() && lease.closed().now_or_never().is_none());
        lease.close();
        assert!(lease.closed().now_or_never().is_some());
    }
}
