//! Logs: one line an event on standard error, as text or JSON. Never a code, key, body or full number.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

/// What to log, such as `info,tiffin_core=debug`.
const FILTER: &str = "TIFFIN_LOG";
/// `json`, or text when unset.
const FORMAT: &str = "TIFFIN_LOG_FORMAT";
const FILTER_DEFAULT: &str = "info,lapin=warn";

/// Once per process.
pub fn start() -> anyhow::Result<()> {
    let filter = std::env::var(FILTER).unwrap_or_else(|_| FILTER_DEFAULT.to_owned());
    let filter = EnvFilter::try_new(filter).map_err(|error| anyhow::anyhow!("{FILTER}: {error}"))?;
    let logs = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    match std::env::var(FORMAT).as_deref() {
        Ok("json") => logs.json().with_span_list(false).init(),
        Ok("text") | Err(_) => logs.init(),
        Ok(_) => anyhow::bail!("{FORMAT}: must be \"json\" or \"text\""),
    }
    Ok(())
}
