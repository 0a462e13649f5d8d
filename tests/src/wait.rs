//! Waiting without sleeping for luck: look again until it is so, or fail with what was seen last.

use std::fmt::Debug;
use std::future::Future;
use std::net::TcpListener;
use std::sync::atomic::AtomicU16;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context;

/// Long enough for a busy two-core machine, short enough to notice a hang.
pub const DEADLINE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(25);

/// Looks until `is` holds, for at most [`DEADLINE`].
pub async fn until<T, F>(what: &str, look: impl FnMut() -> F, is: impl Fn(&T) -> bool) -> anyhow::Result<T>
where
    T: Debug,
    F: Future<Output = anyhow::Result<T>>,
{
    until_within(DEADLINE, what, look, is).await
}

/// Looks until `is` holds.
pub async fn until_within<T, F>(
    within: Duration,
    what: &str,
    mut look: impl FnMut() -> F,
    is: impl Fn(&T) -> bool,
) -> anyhow::Result<T>
where
    T: Debug,
    F: Future<Output = anyhow::Result<T>>,
{
    let deadline = Instant::now() + within;
    loop {
        let seen = look().await;
        match seen {
            Ok(seen) if is(&seen) => return Ok(seen),
            seen if Instant::now() > deadline => {
                anyhow::bail!("waited {within:?} for: {what}; last seen: {seen:?}")
            }
            _ => tokio::time::sleep(PAUSE).await,
        }
    }
}

static NEXT_PORT: AtomicU16 = AtomicU16::new(0);
const PORTS: std::ops::Range<u16> = 19_000..31_000;

/// The first of `count` neighbouring ports that nobody listens on. Below the range the kernel takes from by itself.
pub fn free_ports(count: u16) -> anyhow::Result<u16> {
    // Test processes start at different places, so that they rarely look at the same port at once.
    let start = u16::try_from(std::process::id() % 1_000)?.wrapping_mul(11);
    for _ in 0..PORTS.len() {
        let step = NEXT_PORT.fetch_add(count, Ordering::Relaxed).wrapping_add(start);
        let first = PORTS.start + step % (PORTS.end - PORTS.start - count);
        if (first..first + count).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return Ok(first);
        }
    }
    None.context("no free ports")
}
