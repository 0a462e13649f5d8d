//! How far long work has come: a line on a terminal's standard error, written over as it grows. Nothing where that is no terminal.

use std::io::IsTerminal;
use std::io::Write;
use std::time::Duration;

use tokio::time::Instant;

/// Redrawn at most this often.
const PERIOD: Duration = Duration::from_millis(100);
/// Where the terminal does not say.
const COLUMNS: usize = 80;
/// To the line's beginning, and what stands there goes.
const CLEAR: &str = "\r\x1b[K";
/// Cells of the bar.
const CELLS: u64 = 20;

/// The line. It goes when this is dropped.
pub struct Progress {
    /// What is counted: `packets`.
    what: &'static str,
    /// How many there will be, where that is known.
    total: Option<u64>,
    done: u64,
    began_at: Instant,
    /// When it is drawn again; never where nobody is to see it.
    next_at: Option<Instant>,
}

impl Progress {
    /// Begins. Who asked for JSON is no person, and is shown nothing.
    pub fn new(what: &'static str, total: Option<u64>, is_wanted: bool) -> Self {
        let began_at = Instant::now();
        let is_shown = is_wanted && std::io::stderr().is_terminal();
        Self { what, total, done: 0, began_at, next_at: is_shown.then_some(began_at) }
    }

    /// So many more are done.
    pub fn add(&mut self, more: u64) {
        self.done = self.done.saturating_add(more);
        let now = Instant::now();
        if self.next_at.is_some_and(|at| now >= at) {
            self.next_at = Some(now + PERIOD);
            let took = now.saturating_duration_since(self.began_at);
            let text = line(self.what, self.done, self.total, took, columns());
            show(&format!("{CLEAR}{text}"));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.next_at.is_some() {
            show(CLEAR);
        }
    }
}

fn columns() -> usize {
    let told = rustix::termios::tcgetwinsize(std::io::stderr()).ok().map(|size| usize::from(size.ws_col));
    told.filter(|columns| *columns > 0).unwrap_or(COLUMNS)
}

/// What cannot be shown harms nothing.
fn show(text: &str) {
    let mut to = std::io::stderr();
    let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
}

/// One cell less than there are, so that no terminal breaks it.
fn line(what: &str, done: u64, total: Option<u64>, took: Duration, columns: usize) -> String {
    let seconds = took.as_secs();
    let text = match total.filter(|total| *total > 0) {
        None => format!("{done} {what}, {seconds} s"),
        Some(total) => {
            let done = done.min(total);
            let full = done.saturating_mul(CELLS) / total;
            let cell = |n| if n < full { '#' } else { '-' };
            let bar: String = (0..CELLS).map(cell).collect();
            let left = (done > 0).then(|| seconds.saturating_mul(total - done) / done);
            let left = left.map_or(String::new(), |left| format!(", {left} s left"));
            format!("[{bar}] {done} of {total} {what}, {seconds} s{left}")
        }
    };
    text.chars().take(columns.saturating_sub(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(done: u64, total: Option<u64>, seconds: u64, columns: usize) -> String {
        line("packets", done, total, Duration::from_secs(seconds), columns)
    }

    #[test]
    fn a_line_tells_how_much_is_done_and_how_long_the_rest_takes() {
        assert_eq!(at(0, Some(8), 0, 80), "[--------------------] 0 of 8 packets, 0 s");
        assert_eq!(at(2, Some(8), 5, 80), "[#####---------------] 2 of 8 packets, 5 s, 15 s left");
        assert_eq!(at(9, Some(8), 5, 80), "[####################] 8 of 8 packets, 5 s, 0 s left");
        assert_eq!(
            (at(7, None, 5, 80), at(7, Some(0), 5, 80)),
            ("7 packets, 5 s".into(), "7 packets, 5 s".into())
        );
    }

    #[test]
    fn a_line_fits_the_terminal() {
        assert_eq!(at(7, None, 5, 8), "7 packe");
        assert_eq!((at(7, None, 5, 1), at(7, None, 5, 0)), (String::new(), String::new()));
    }

    #[test]
    fn nothing_is_shown_to_who_is_no_person() {
        let mut progress = Progress::new("packets", None, false);
        progress.add(1);
        assert!(progress.next_at.is_none());
    }
}
