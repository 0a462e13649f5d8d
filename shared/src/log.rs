//! An append-only log: rows in the order in which they came, each once, in pages that never change.
//!
//! The head holds the rows of the last, unfinished page. A full page is written under its own key by the host, which then
//! tells the head so; until it has, the head holds the page too, so that a crash in between loses nothing. A missing head
//! means an empty log; a missing page, one whose time is over. A head lives at least as long as its pages, and one that
//! begins anew, after its store has lost it, names its pages anew: they never meet older ones.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::machine::Machine;
use crate::machine::Step;
use crate::machine::Write;
use crate::time::UnixMs;

/// Rows of a page: with rows of half a kilobyte a head stays below 100 KB.
pub const PAGE_ROWS: usize = 64;
/// Rows that a head holds at most, while nobody writes its full pages.
pub const HEAD_ROWS_MAX: usize = 8 * PAGE_ROWS;
/// Rows of one append.
pub const APPEND_ROWS_MAX: usize = PAGE_ROWS;

/// The machine of a head.
pub enum Log {}

/// The machine of a page.
pub enum Page {}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Counts from 0, without gaps.
    pub n: u64,
    /// When it was appended.
    pub at: UnixMs,
    /// Its writer's name for it: the same again, soon after, is not appended.
    pub id: String,
    /// What it says.
    pub body: Value,
}

/// A row to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRow {
    /// See [`Row::id`].
    pub id: String,
    /// See [`Row::body`].
    pub body: Value,
}

/// What is asked of a head.
#[derive(Clone, Debug)]
pub enum Command {
    /// Append, at most [`APPEND_ROWS_MAX`].
    Append {
        /// In this order.
        rows: Vec<NewRow>,
        /// How long a row is kept, in milliseconds.
        keep_ms: u64,
    },
    /// Append rows of a writer that counts them: their ids are numbers that grow without gaps, after a name and a slash
    /// where others write here too. Those up to his last one were appended before, however long ago and by whomever.
    AppendCounted {
        /// In this order.
        rows: Vec<NewRow>,
        /// How long a row is kept, in milliseconds.
        keep_ms: u64,
    },
    /// Show what is not in a page yet.
    Read,
    /// The page of this number was written.
    Sealed(u64),
}

/// What a head answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The numbers of the rows appended, in their order: of one that was there before, its own.
    pub numbers: Vec<u64>,
    /// False where the head is full: nothing was appended. Write its pages, and ask again.
    pub appended: bool,
    /// For [`Command::Read`]: the rows that are in no page yet.
    pub tail: Vec<Row>,
    /// The oldest full page: write it under its number, then ask [`Command::Sealed`].
    pub full: Option<(u64, PageState)>,
    /// Pages before the tail: numbers below this one.
    pub pages: u64,
    /// Rows of numbers below this one were promised a longer time than those after them; zero where none were.
    pub longer: u64,
    /// When the head began. It names its pages, beside their numbers; zero for one of before there was such a name.
    pub began_at: UnixMs,
}

/// What a head keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    clock: UnixMs,
    /// How long a row is kept.
    keep_ms: u64,
    /// See [`Reply::began_at`].
    #[serde(default, skip_serializing_if = "is_zero")]
    began_at: UnixMs,
    /// Earlier rows were promised a longer time than `keep_ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    promised: Option<Promise>,
    /// Pages that were written.
    pages: u64,
    /// Rows after them.
    tail: Vec<Row>,
    /// The last number of each writer that counts and shares the log: he is one of a few in the code. Who has it to
    /// himself has his last row in the tail.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    counted: BTreeMap<String, u64>,
}

/// Rows of a time at which they were kept longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Promise {
    until: UnixMs,
    /// Those of lower numbers.
    before: u64,
}

/// A page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageState {
    /// In order.
    pub rows: Vec<Row>,
    /// When nobody asks for it any more.
    pub expires_at: UnixMs,
}

/// What a page answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paged {
    /// Other rows are there, which stay: these must not be forgotten.
    Differs,
    /// What is there.
    Rows(Vec<Row>),
    /// It is there, now or before.
    Written,
}

impl Paged {
    /// What was read.
    pub fn rows(self) -> Vec<Row> {
        match self {
            Self::Rows(rows) => rows,
            Self::Differs | Self::Written => Vec::new(),
        }
    }
}

impl Machine for Log {
    type State = State;
    type Command = Command;
    type Reply = Reply;

    fn step(state: Option<State>, command: &Command, now: UnixMs) -> Step<State, Reply> {
        let state = state.filter(|state| now < state.expires_at());
        let is_new = state.is_none();
        let now = state.as_ref().map_or(now, |state| state.clock.max(now));
        let mut state = state.unwrap_or_default();
        match command {
            Command::Append { rows, keep_ms } | Command::AppendCounted { rows, keep_ms } => {
                if state.tail.len() + rows.len() > HEAD_ROWS_MAX {
                    return Step::keep(state.reply(Vec::new(), false));
                }
                if is_new {
                    state.began_at = now;
                }
                let before = state.tail.len();
                let is_counted = matches!(command, Command::AppendCounted { .. });
                let append = |row| match is_counted {
                    true => state.append_counted(row, now),
                    false => Some(state.append(row, now)),
                };
                let numbers = rows.iter().filter_map(append).collect();
                if state.tail.len() == before {
                    return Step::keep(state.reply(numbers, true));
                }
                state.keep(*keep_ms, before, now);
                state.put(numbers, now)
            }
            Command::Read => {
                let tail = state.tail.clone();
                Step::keep(Reply { tail, ..state.reply(Vec::new(), false) })
            }
            Command::Sealed(page) if *page == state.pages && state.tail.len() >= PAGE_ROWS => {
                state.tail.drain(..PAGE_ROWS);
                state.pages = state.pages.saturating_add(1);
                state.put(Vec::new(), now)
            }
            Command::Sealed(_) => Step::keep(state.reply(Vec::new(), false)),
        }
    }
}

impl Default for State {
    fn default() -> Self {
        let (clock, began_at) = (UnixMs(0), UnixMs(0));
        let (tail, counted) = (Vec::new(), BTreeMap::new());
        Self { clock, keep_ms: 0, began_at, promised: None, pages: 0, tail, counted }
    }
}

impl State {
    /// With its last page.
    fn expires_at(&self) -> UnixMs {
        let own = self.clock.plus(self.keep_ms);
        self.promised.map_or(own, |promised| promised.until.max(own))
    }

    /// From here on rows are kept for so long; those before, of which `in_tail` are in no page yet, for what they were promised.
    fn keep(&mut self, keep_ms: u64, in_tail: usize, now: UnixMs) {
        let (was, is) = (self.clock.plus(self.keep_ms), now.plus(keep_ms));
        let older = self.promised.filter(|promised| was <= promised.until);
        let before = self.in_pages().saturating_add(in_tail as u64);
        self.promised = older.or(Some(Promise { until: was, before })).filter(|promised| is < promised.until);
        self.keep_ms = keep_ms;
    }

    fn in_pages(&self) -> u64 {
        self.pages.saturating_mul(PAGE_ROWS as u64)
    }

    /// Its number, unless its writer has come further already.
    fn append_counted(&mut self, row: &NewRow, now: UnixMs) -> Option<u64> {
        let (writer, count) = counted(&row.id)?;
        let in_tail = || self.tail.iter().rev().filter_map(|row| counted(&row.id)).find(|it| it.0 == writer);
        let last = self.counted.get(writer).copied().or_else(|| in_tail().map(|(_, last)| last));
        if last.is_some_and(|last| count <= last) {
            return None;
        }
        if !writer.is_empty() {
            self.counted.insert(writer.to_owned(), count);
        }
        Some(self.append(row, now))
    }

    fn append(&mut self, row: &NewRow, now: UnixMs) -> u64 {
        if let Some(there) = self.tail.iter().find(|there| there.id == row.id) {
            return there.n;
        }
        let n = self.in_pages().saturating_add(self.tail.len() as u64);
        self.tail.push(Row { n, at: now, id: row.id.clone(), body: row.body.clone() });
        n
    }

    fn reply(&self, numbers: Vec<u64>, appended: bool) -> Reply {
        // The last full page stays in the head for a while, so that a row that comes again is known.
        let is_full = self.tail.len() >= 2 * PAGE_ROWS;
        let full = is_full.then(|| self.tail.get(..PAGE_ROWS)).flatten().map(|rows| {
            let last = rows.last().map_or(self.clock, |row| row.at);
            let promised = self.promised.filter(|promised| self.in_pages() < promised.before);
            let until = promised.map_or(UnixMs(0), |promised| promised.until);
            (self.pages, PageState { rows: rows.to_vec(), expires_at: last.plus(self.keep_ms).max(until) })
        });
        let (pages, began_at) = (self.pages, self.began_at);
        let longer = self.promised.map_or(0, |promised| promised.before);
        Reply { numbers, appended, tail: Vec::new(), full, pages, longer, began_at }
    }

    fn put(mut self, numbers: Vec<u64>, now: UnixMs) -> Step<Self, Reply> {
        self.clock = now;
        let (reply, expires_at) = (self.reply(numbers, true), self.expires_at());
        Step { reply, write: Write::Put { state: self, expires_at, wake_at: None } }
    }
}

/// A writer's name, empty for the only one, and his number.
fn counted(id: &str) -> Option<(&str, u64)> {
    let (writer, count) = id.rsplit_once('/').unwrap_or(("", id));
    Some((writer, count.parse().ok()?))
}

impl Machine for Page {
    type State = PageState;
    /// Writes it, the first time; `None` only reads.
    type Command = Option<PageState>;
    type Reply = Paged;

    fn step(state: Option<PageState>, command: &Self::Command, now: UnixMs) -> Step<PageState, Paged> {
        match (state.filter(|state| now < state.expires_at), command) {
            (Some(state), Some(page)) if state.rows == page.rows => Step::keep(Paged::Written),
            (Some(_), Some(_)) => Step::keep(Paged::Differs),
            (Some(state), None) => Step::keep(Paged::Rows(state.rows)),
            (None, Some(page)) if now < page.expires_at => {
                let expires_at = page.expires_at;
                Step {
                    reply: Paged::Written,
                    write: Write::Put { state: page.clone(), expires_at, wake_at: None },
                }
            }
            // Its time was over before it was written.
            (None, Some(_)) => Step::keep(Paged::Written),
            (None, None) => Step::keep(Paged::Rows(Vec::new())),
        }
    }
}

#[cfg_attr(
    target_pointer_width = "64",
    expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")
)]
fn is_zero(at: &UnixMs) -> bool {
    at.0 == 0
}
