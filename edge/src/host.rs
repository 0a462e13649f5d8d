//! The one place that reads the clock and draws randomness: once per event each.

use tiffin_shared::entropy::Entropy;
use tiffin_shared::time::UnixMs;
use worker::Date;

/// The platform has no randomness to give: nothing may be decided.
#[derive(Debug, thiserror::Error)]
#[error("the platform's random generator failed")]
pub struct NoRandomness;

/// Now. The platform stops the clock while an event runs.
pub fn now() -> UnixMs {
    UnixMs(Date::now().as_millis())
}

/// Fresh randomness for one event.
pub fn entropy() -> Result<Entropy, NoRandomness> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(Entropy::new(bytes))
}
