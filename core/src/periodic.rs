//! Work that is done again and again while a process runs.

use std::time::Duration;

use tokio::sync::watch;

/// Works at once and after each pause, until `stop` changes.
pub async fn run<W: Future<Output = ()>>(
    mut stop: watch::Receiver<bool>,
    pause: Duration,
    mut work: impl FnMut() -> W,
) {
    loop {
        work().await;
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}
