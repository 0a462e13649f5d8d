//! The one place that reads the clock and draws randomness: once per event each.

use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use tiffin_shared::entropy::Entropy;
use tiffin_shared::time::UnixMs;

/// The platform has no randomness to give: nothing may be decided.
#[derive(Debug, thiserror::Error)]
#[error("the operating system's random generator failed")]
pub struct NoRandomness;

/// Now.
pub fn now() -> UnixMs {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMs(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

/// Fresh randomness for one event.
pub fn entropy() -> Result<Entropy, NoRandomness> {
    random().map(Entropy::new)
}

/// Random bytes, for keys.
pub fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}
