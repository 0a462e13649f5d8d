//! What support asks of whoever hosts the ledgers about guesses and client networks. Numbers and addresses travel in signed
//! bodies only; the audit has keyed hashes of them.

use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use tiffin_shared::admin::By;
use tiffin_shared::http::desk::Answered;
use tiffin_shared::http::desk::Errand;
use tiffin_shared::http::desk::Networks;
use tiffin_shared::id::TenantId;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::ledger::UNLOCKS;
use tiffin_shared::phone::Phone;
use tiffin_shared::problem::Problem;

use crate::app::App;
use crate::audit;
use crate::desk;
use crate::host;

/// What was forgotten.
#[derive(Serialize)]
pub struct Unlocked {
    /// Whether there was anything.
    unlocked: bool,
    /// Wrong guesses since the last right one.
    wrong_in_a_row: u32,
    /// Wrong guesses of the last day.
    wrong_today: u32,
}

/// A phone to unlock.
pub struct Unlock {
    /// For whose orders.
    pub tenant: TenantId,
    /// Which.
    pub phone: Phone,
    /// A keyed hash of it.
    pub hash: String,
    /// Why, in the operator's words.
    pub reason: String,
}

/// Has its wrong guesses forgotten. Those of each code stay.
pub async fn unlock(app: &Arc<App>, by: &By, unlock: Unlock) -> Result<Unlocked, Problem> {
    let Unlock { tenant, phone, hash, reason } = unlock;
    let what = format!("phone.unlock {hash}");
    let after = json!({"tenant": tenant, "reason": reason});
    let asked = async {
        match ask(app, Errand::Unlock { tenant, phone, at: host::now() }).await? {
            Answered::Outcome(outcome) => match *outcome {
                Outcome::Unlocked { wrong_in_a_row, wrong_today } => Ok(Unlocked {
                    unlocked: wrong_in_a_row > 0 || wrong_today > 0,
                    wrong_in_a_row,
                    wrong_today,
                }),
                Outcome::RateLimited { retry_after_ms } => {
                    Err(Problem::rate_limited(often(), retry_after_ms))
                }
                other => Err(other.problem().unwrap_or_else(something_else)),
            },
            Answered::Named(_) | Answered::Network(_) | Answered::Refused { .. } => Err(something_else()),
        }
    };
    audit::around(app, by, &what, (Value::Null, after), asked).await
}

/// How the network of an address stands, and the IPv6 site around it.
pub async fn network(app: &Arc<App>, ip: IpAddr) -> Result<Networks, Problem> {
    networks(app, Errand::Network { ip }).await
}

/// Has both forgotten; how they stood.
pub async fn release_network(app: &Arc<App>, by: &By, ip: IpAddr, hash: &str) -> Result<Networks, Problem> {
    let what = format!("abuse.network.release {hash}");
    let asked = networks(app, Errand::ReleaseNetwork { ip });
    audit::around(app, by, &what, (Value::Null, json!("released")), asked).await
}

async fn networks(app: &Arc<App>, errand: Errand) -> Result<Networks, Problem> {
    match ask(app, errand).await? {
        Answered::Network(networks) => Ok(networks),
        Answered::Named(_) | Answered::Outcome(_) | Answered::Refused { .. } => Err(something_else()),
    }
}

async fn ask(app: &Arc<App>, errand: Errand) -> Result<Answered, Problem> {
    let answered = desk::ask(app, errand).await.map_err(|error| {
        tracing::warn!(%error, "whoever hosts the ledgers was not asked");
        Problem::unavailable("Whoever hosts the ledgers does not answer. Nothing is known to have changed.")
    })?;
    match answered {
        Answered::Refused { code, detail } => Err(Problem::new(code, detail)),
        answered => Ok(answered),
    }
}

fn often() -> String {
    let max = UNLOCKS.max;
    format!(
        "It was unlocked {max} times within a day already. If its owner is there, prove them by another way."
    )
}

fn something_else() -> Problem {
    Problem::unavailable("Whoever hosts the ledgers answered something else.")
}
