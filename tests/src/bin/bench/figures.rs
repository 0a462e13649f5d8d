//! What a figure is made of: medians, floors, and files.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tiffin_tests::servers::root;

/// Clock ticks of `/proc/…/stat` a second: the same on every Linux that Rust supports.
const TICKS_A_SECOND: f64 = 100.0;

/// In memory where there is such a place: a busy disk would be measured instead.
pub fn folder() -> anyhow::Result<TempDir> {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    Ok(TempDir::with_prefix_in("tiffin-bench-", place)?)
}

/// The middle one.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

/// Milliseconds.
pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// As many digits as a busy machine can vouch for.
pub fn rounded(figure: f64) -> f64 {
    if figure.abs() >= 100.0 { figure.round() } else { (figure * 1_000.0).round() / 1_000.0 }
}

/// A count as a figure.
pub fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Processor time that a process has used, in milliseconds.
pub fn cpu_ms(pid: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold spaces; user and system time are the 12th and 13th field after it.
    let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    Ok((ticks(11) + ticks(12)) / TICKS_A_SECOND * 1_000.0)
}

/// Memory that a process has in use, in kilobytes.
pub fn resident_kb(pid: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    Ok(line.split_whitespace().next().unwrap_or_default().parse()?)
}

/// Prints a result and keeps it.
pub fn save(name: &str, result: &Value) -> anyhow::Result<()> {
    let out = root().join("target/bench");
    std::fs::create_dir_all(&out)?;
    let text = serde_json::to_string_pretty(result)?;
    std::fs::write(out.join(format!("{name}.json")), &text)?;
    writeln!(std::io::stdout(), "{name}: {text}")?;
    Ok(())
}
