//! Hosts any machine in a Durable Object: one row, one alarm.
//!
//! Read, step and write run with no await between them, so nothing can interleave: one thread, one turn.

use std::time::Duration;

use serde::Deserialize;
use tiffin_shared::machine;
use tiffin_shared::machine::Commit;
use tiffin_shared::machine::Machine;
use tiffin_shared::time::UnixMs;
use worker::ScheduledTime;
use worker::SqlStorage;
use worker::SqlStorageValue;
use worker::Storage;
use worker::js_sys;

const CREATE: &str = "CREATE TABLE IF NOT EXISTS cell \
     (id INTEGER PRIMARY KEY CHECK (id = 0), body TEXT NOT NULL, alarm_at INTEGER NOT NULL)";
const SELECT: &str = "SELECT body, alarm_at FROM cell WHERE id = 0";
const UPSERT: &str = "INSERT OR REPLACE INTO cell (id, body, alarm_at) VALUES (0, ?, ?)";

/// When an alarm that failed rings again.
pub const ALARM_RETRY: Duration = Duration::from_secs(10);

/// The storage failed, or holds what is no state of the machine. Nothing was decided.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The platform.
    #[error("storage: {0}")]
    Storage(#[from] worker::Error),
    /// The stored bytes.
    #[error(transparent)]
    State(#[from] machine::Error),
}

/// One machine's state.
pub struct Cell {
    storage: Storage,
    sql: SqlStorage,
}

#[derive(Deserialize)]
struct Row {
    body: String,
    alarm_at: u64,
}

impl Cell {
    /// Opens the object's storage.
    pub fn open(storage: Storage) -> Result<Self, Error> {
        let sql = storage.sql();
        sql.exec(CREATE, None)?;
        Ok(Self { storage, sql })
    }

    /// Applies one command.
    pub async fn apply<M: Machine>(&self, command: &M::Command, now: UnixMs) -> Result<M::Reply, Error> {
        let row = self.sql.exec(SELECT, None)?.next::<Row>().next().transpose()?;
        let (body, alarm_was) = row.map_or((None, None), |row| (Some(row.body), Some(row.alarm_at)));
        let (reply, commit) = machine::run::<M>(body.as_deref(), command, now)?;
        if let Some(Commit { body, expires_at, wake_at }) = commit {
            let alarm_at = wake_at.unwrap_or(expires_at);
            let alarm_at_value =
                SqlStorageValue::try_from_i64(i64::try_from(alarm_at.0).unwrap_or(i64::MAX))?;
            self.sql.exec(UPSERT, vec![body.into(), alarm_at_value])?;
            // Called before the first await, so the alarm is set in the same turn as the write.
            if alarm_was != Some(alarm_at.0) {
                self.wake_at(alarm_at).await?;
            }
        }
        Ok(reply)
    }

    /// After an alarm that changed nothing: sets the one that is due, or drops a state that is over.
    pub async fn rest(&self, now: UnixMs) -> Result<(), Error> {
        let row = self.sql.exec(SELECT, None)?.next::<Row>().next().transpose()?;
        match row {
            Some(row) if now.0 < row.alarm_at => self.wake_at(UnixMs(row.alarm_at)).await,
            Some(_) => Ok(self.storage.delete_all().await?),
            None => Ok(()),
        }
    }

    async fn wake_at(&self, at: UnixMs) -> Result<(), Error> {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds stay below 2^53 for 285,000 years")]
        let date = js_sys::Date::new(&(at.0 as f64).into());
        Ok(self.storage.set_alarm(ScheduledTime::new(date)).await?)
    }
}
