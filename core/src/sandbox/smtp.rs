//! A mail server, as far as a gateway needs one: it takes a message for one mailbox, and reports what became of it to the
//! gateway's callback address, as an alias that pipes bounces there would.
//!
//! Faults strike at the end of the message. Without TLS, as everything here is for this machine alone.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use self::dialogue::Dialogue;
use super::faults::Usual;
use super::state::Sandbox;

mod command;
mod dialogue;
mod message;
mod report;

/// Its kind's name.
const KIND: &str = "smtp";

/// No such mailbox; and the same from a server further on.
pub(super) const USUAL: Usual = Usual { reject: "5.1.1", failed_receipt: "5.1.1" };

/// Takes connections until the sandbox closes.
pub(super) async fn serve(listener: TcpListener, sandbox: Arc<Sandbox>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let closed = sandbox.closed();
    let accept = async {
        loop {
            let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
            let Ok((stream, _)) = listener.accept().await else {
                // Out of file handles, which others will give back.
                sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let sandbox = Arc::clone(&sandbox);
            tokio::spawn(async move {
                let closed = sandbox.closed();
                tokio::select! {
                    () = Dialogue::new(stream, &sandbox).run() => {}
                    () = closed => {}
                }
                drop(place);
            });
        }
    };
    tokio::select! {
        () = accept => {}
        () = closed => {}
    }
}

/// Beyond it a connection waits for another's end.
const CONNECTIONS_MAX: usize = 256;

const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
