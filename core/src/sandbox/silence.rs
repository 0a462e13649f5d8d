//! The two ways of not answering.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;

use super::line::Cut;
use super::state::Sandbox;

/// Keeps the caller waiting, then hangs up without a byte.
pub(super) async fn hold(sandbox: &Sandbox) -> Response {
    tokio::select! {
        () = tokio::time::sleep(Duration::from_millis(HOLD_MS)) => {}
        () = sandbox.closed() => {}
    }
    hang_up(None)
}

/// Drops the connection without a byte, with a reset where `cut` can make one: hyper drops a response whose body
/// fails at once before it has written the head.
pub(super) fn hang_up(cut: Option<&Cut>) -> Response {
    if let Some(cut) = cut {
        cut.arm();
    }
    let fails = futures::stream::iter([Err::<&str, _>(io::Error::other("the fault hangs up"))]);
    Response::new(Body::from_stream(fails))
}

/// Longer than any adapter's own limit, and an end to the sockets that a load test leaves open.
const HOLD_MS: u64 = 60_000;
