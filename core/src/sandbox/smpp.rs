//! An SMSC, as the `smpp` gateway sees it: binds, messages, receipts and questions, on a port of its own.
//!
//! Messages live in the inbox. Faults strike a message when its last part is there: the parts before it are taken as they come. Left
//! out: broadcasts, `submit_multi`, `replace_sm` and `cancel_sm`.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::net::TcpListener;

pub(super) use self::line::Lines;
use super::faults::Usual;
use super::state::Sandbox;

mod line;
mod receipt;
mod session;
mod submit;
mod text;

/// Invalid destination address; and an error that networks commonly use for an absent subscriber.
pub(super) const USUAL: Usual = Usual { reject: "0x0000000B", failed_receipt: "027" };

/// Serves sessions until the sandbox closes.
pub(super) async fn serve(listener: TcpListener, sandbox: Arc<Sandbox>) {
    let closed = sandbox.closed();
    let accept = async {
        loop {
            // It fails where the process has no more files, which others give back.
            let Ok((stream, _peer)) = listener.accept().await else {
                tokio::task::yield_now().await;
                continue;
            };
            tokio::spawn(session::run(stream, Arc::clone(&sandbox)));
        }
    };
    tokio::select! {
        () = accept => {}
        () = closed => {}
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
