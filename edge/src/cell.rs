//! Hosts any machine in a Durable Object: one row, one alarm.
//!
//! Read, step and write run with no await between them, so nothing can interleave: one thread, one turn.

use std::cell::Cell as Flag;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use tiffin_shared::machine;
use tiffin_shared::machine::Commit;
use tiffin_shared::machine::Machine;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::time::UnixMs;
use worker::ScheduledTime;
use worker::SqlStorage;
use worker::SqlStorageValue;
use worker::Storage;
use worker::js_sys;

const CREATE: &str = "CREATE TABLE IF NOT EXISTS cell \
     (id INTEGER PRIMARY KEY CHECK (id = 0), body TEXT NOT NULL, due_at INTEGER NOT NULL, alarm_at INTEGER NOT NULL)";
const FIND: &str = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'cell'";
const SELECT: &str = "SELECT body, due_at, alarm_at FROM cell WHERE id = 0";
const UPSERT: &str = "INSERT OR REPLACE INTO cell (id, body, due_at, alarm_at) VALUES (0, ?, ?, ?)";
const RESET: &str = "UPDATE cell SET alarm_at = due_at WHERE id = 0";

/// When an alarm that failed rings again.
pub const ALARM_RETRY: Duration = Duration::from_secs(10);
/// Setting an alarm costs a written row. One that only ends a state may ring this much too early, and is then set anew:
/// what is counted often would put it off each time.
const EARLY_MS_MAX: u64 = HOUR_MS;

/// The storage failed, or holds what is no state of the machine. Nothing was decided.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The row is not one that this build writes.
    #[error("the row has another shape")]
    Row,
    /// The stored bytes.
    #[error(transparent)]
    State(#[from] machine::Error),
    /// The platform.
    #[error("storage: {0}")]
    Storage(#[from] worker::Error),
}

/// One machine's state.
pub struct Cell {
    storage: Storage,
    sql: SqlStorage,
    /// The table is there. It is made with the first state: a look at an object that has none must leave nothing that no
    /// alarm would ever drop.
    is_open: AssertUnwindSafe<Flag<bool>>,
}

struct Row {
    body: String,
    /// When the machine wants to wake, or its state is over.
    due_at: UnixMs,
    /// The alarm that is set: then, or earlier.
    alarm_at: UnixMs,
}

impl Cell {
    /// The cell in an object's storage.
    pub fn new(storage: Storage) -> Self {
        Self { sql: storage.sql(), storage, is_open: AssertUnwindSafe(Flag::new(false)) }
    }

    /// Applies one command.
    pub async fn apply<M: Machine>(&self, command: &M::Command, now: UnixMs) -> Result<M::Reply, Error> {
        let row = self.read()?;
        let (reply, commit) = machine::run::<M>(row.as_ref().map(|row| row.body.as_str()), command, now)?;
        if let Some(Commit { body, expires_at, wake_at }) = commit {
            let due_at = wake_at.unwrap_or(expires_at);
            let was = row.map(|row| row.alarm_at);
            let serves = |was: &UnixMs| now < *was && *was <= due_at && due_at.since(*was) <= EARLY_MS_MAX;
            let alarm_at = was.filter(|was| wake_at.is_none() && serves(was)).unwrap_or(due_at);
            self.open()?;
            self.sql.exec(UPSERT, vec![body.into(), millis(due_at)?, millis(alarm_at)?])?;
            // Called before the first await, so the alarm is set in the same turn as the write.
            if was != Some(alarm_at) {
                self.wake_at(alarm_at).await?;
            }
        }
        Ok(reply)
    }

    /// After an alarm that changed nothing: sets the one that is due, or drops a state that is over.
    pub async fn rest(&self, now: UnixMs) -> Result<(), Error> {
        match self.read()? {
            Some(row) if now < row.due_at => {
                self.sql.exec(RESET, None)?;
                self.wake_at(row.due_at).await
            }
            Some(_) => {
                self.is_open.set(false);
                Ok(self.storage.delete_all().await?)
            }
            None => Ok(()),
        }
    }

    fn open(&self) -> Result<(), Error> {
        if !self.is_open.get() {
            self.sql.exec(CREATE, None)?;
            self.is_open.set(true);
        }
        Ok(())
    }

    fn read(&self) -> Result<Option<Row>, Error> {
        if !self.is_open.get() {
            if self.sql.exec(FIND, None)?.raw().next().transpose()?.is_none() {
                return Ok(None);
            }
            self.is_open.set(true);
        }
        let Some(row) = self.sql.exec(SELECT, None)?.raw().next().transpose()? else { return Ok(None) };
        match <[SqlStorageValue; 3]>::try_from(row) {
            Ok(
                [
                    SqlStorageValue::String(body),
                    SqlStorageValue::Integer(due_at),
                    SqlStorageValue::Integer(alarm_at),
                ],
            ) => Ok(Some(Row {
                body,
                due_at: UnixMs(due_at.unsigned_abs()),
                alarm_at: UnixMs(alarm_at.unsigned_abs()),
            })),
            _ => Err(Error::Row),
        }
    }

    async fn wake_at(&self, at: UnixMs) -> Result<(), Error> {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds stay below 2^53 for 285,000 years")]
        let date = js_sys::Date::new(&(at.0 as f64).into());
        Ok(self.storage.set_alarm(ScheduledTime::new(date)).await?)
    }
}

fn millis(at: UnixMs) -> Result<SqlStorageValue, Error> {
    Ok(SqlStorageValue::try_from_i64(i64::try_from(at.0).unwrap_or(i64::MAX))?)
}
