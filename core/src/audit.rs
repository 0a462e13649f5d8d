//! Who did what, and when: rows of the audit log, written before what they tell of.

use std::sync::Arc;

use serde_json::Value;
use serde_json::json;
use tiffin_shared::admin::By;
use tiffin_shared::bytes;
use tiffin_shared::log::NewRow;
use tiffin_shared::problem::Problem;

use crate::app::App;
use crate::config::Retention;
use crate::host;
use crate::journal;
use crate::journal::Stream;

/// Who acts where it is no person.
pub const RULE: &str = "rule";

/// Logs what somebody is about to do. Without it he must not. No secrets, no codes, no numbers.
pub async fn note(app: &Arc<App>, by: &By, what: &str, before: Value, after: Value) -> Result<(), Problem> {
    let id = host::random::<16>().map_err(|_| Problem::unavailable("There is no randomness."))?;
    let body = json!({"at": host::now(), "by": by, "what": what, "before": before, "after": after});
    append(app, bytes::encode(&id), body).await.map(drop).map_err(|error| {
        tracing::warn!(%error, what, "not done: the audit log does not take it");
        Problem::unavailable("The audit log takes no entries just now; nothing was done.")
    })
}

/// Logs what no person did. The same `id` again, soon after, is not logged again.
pub async fn by_rule(app: &Arc<App>, id: String, what: &str, after: Value) -> Result<(), journal::Error> {
    let by = By { name: RULE.into(), token: String::new() };
    let body = json!({"at": host::now(), "by": by, "what": what, "before": Value::Null, "after": after});
    append(app, id, body).await.map(drop)
}

/// Logs it, does it, and logs too when it was not done.
pub async fn around<T>(
    app: &Arc<App>,
    by: &By,
    what: &str,
    (before, after): (Value, Value),
    act: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    note(app, by, what, before, after).await?;
    let done = act.await;
    if let Err(problem) = &done {
        let not_done = format!("{what}: not done");
        // The first row stands, and says what was tried.
        note(app, by, &not_done, Value::Null, json!({"code": problem.code})).await.ok();
    }
    done
}

async fn append(app: &Arc<App>, id: String, body: Value) -> Result<u64, journal::Error> {
    journal::append(app, &Stream::Audit, NewRow { id, body }, keep_ms(app)).await
}

/// Appends rows of a writer that counts them: their ids are its name, a slash and a number.
pub async fn append_counted(app: &App, rows: &[NewRow]) -> Result<(), journal::Error> {
    journal::append_counted(app, &Stream::Audit, rows, keep_ms(app)).await
}

fn keep_ms(app: &App) -> u64 {
    Retention::ms(app.config.file.retention.audit_days)
}
