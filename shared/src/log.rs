//! An append-only log: rows in the order in which they came, each once, in pages that never change.
//!
//! The head holds the rows of the last, unfinished page. A full page is written under its own key by the host, which then
//! tells the head so; until it has, the head holds the page too, so that a crash in between loses nothing. A missing head
//! means an empty log; a missing page, one whose time is over.

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
}

/// What a head keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    clock: UnixMs,
    /// How long a row is kept.
    keep_ms: u64,
    /// Pages that were written.
    pages: u64,
    /// Rows after them.
    tail: Vec<Row>,
    /// The last number of each writer that counts and shares the log: he is one of a few in the code. Who has it to
    /// himself has his last row in the tail.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    counted: BTreeMap<String, u64>,
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

impl Machine for Log {
    type State = State;
    type Command = Command;
    type Reply = Reply;

    fn step(state: Option<State>, command: &Command, now: UnixMs) -> Step<State, Reply> {
        let state = state.filter(|state| now < state.expires_at());
        let now = state.as_ref().map_or(now, |state| state.clock.max(now));
        let mut state = state.unwrap_or_default();
        match command {
            Command::Append { rows, keep_ms } | Command::AppendCounted { rows, keep_ms } => {
                if state.tail.len() + rows.len() > HEAD_ROWS_MAX {
                    return Step::keep(state.reply(Vec::new(), false));
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
                state.keep_ms = *keep_ms;
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
        Self { clock: UnixMs(0), keep_ms: 0, pages: 0, tail: Vec::new(), counted: BTreeMap::new() }
    }
}

impl State {
    fn expires_at(&self) -> UnixMs {
        self.clock.plus(self.keep_ms)
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
        let in_pages = self.pages.saturating_mul(PAGE_ROWS as u64);
        let n = in_pages.saturating_add(self.tail.len() as u64);
        self.tail.push(Row { n, at: now, id: row.id.clone(), body: row.body.clone() });
        n
    }

    fn reply(&self, numbers: Vec<u64>, appended: bool) -> Reply {
        // The last full page stays in the head for a while, so that a row that comes again is known.
        let is_full = self.tail.len() >= 2 * PAGE_ROWS;
        let full = is_full.then(|| self.tail.get(..PAGE_ROWS)).flatten().map(|rows| {
            let last = rows.last().map_or(self.clock, |row| row.at);
            (self.pages, PageState { rows: rows.to_vec(), expires_at: last.plus(self.keep_ms) })
        });
        Reply { numbers, appended, tail: Vec::new(), full, pages: self.pages }
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
    type Reply = Vec<Row>;

    fn step(state: Option<PageState>, command: &Self::Command, now: UnixMs) -> Step<PageState, Vec<Row>> {
        match (state.filter(|state| now < state.expires_at), command) {
            (Some(state), _) => Step::keep(state.rows),
            (None, Some(page)) if now < page.expires_at => {
                let expires_at = page.expires_at;
                Step {
                    reply: Vec::new(),
                    write: Write::Put { state: page.clone(), expires_at, wake_at: None },
                }
            }
            (None, _) => Step::keep(Vec::new()),
        }
    }
}
