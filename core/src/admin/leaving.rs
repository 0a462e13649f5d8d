//! What has to be settled before a tenant goes or takes another currency: the next one of its name must not find it.

use tiffin_shared::admin::Change;
use tiffin_shared::id::TenantId;
use tiffin_shared::money::Summary;
use tiffin_shared::price::Money;
use tiffin_shared::problem::Problem;

use super::invalid;
use crate::app::App;
use crate::money;
use crate::webhooks::manage;

/// Refuses what would leave endpoints, money or orders behind.
pub async fn check(app: &App, change: &Change) -> Result<(), Problem> {
    match change {
        Change::PutTenant(id, None) => {
            let endpoints = manage::managed_of(app, id).await.map_err(|error| away(&error))?;
            if let Some(name) = endpoints.first() {
                return Err(invalid(format!(
                    "Remove its webhooks first: `tiffin webhook remove {id} {name}`."
                )));
            }
            let account = account(app, id).await?;
            if account.is_settled() { Ok(()) } else { Err(unsettled(app, id, &account)) }
        }
        Change::PutTenant(id, Some(tenant)) => {
            let Some(billing) = &tenant.billing else { return Ok(()) };
            let account = account(app, id).await?;
            let stays = account.currency == billing.currency || account.is_settled();
            if stays { Ok(()) } else { Err(unsettled(app, id, &account)) }
        }
        Change::MakeKey(_)
        | Change::PutOperator(..)
        | Change::PutRoute(..)
        | Change::PutService(..)
        | Change::RevokeKey(_) => Ok(()),
    }
}

async fn account(app: &App, id: &TenantId) -> Result<Summary, Problem> {
    let read = money::read(app, id).await.map_err(|error| away(&error))?;
    Ok(read.summary)
}

fn unsettled(app: &App, id: &TenantId, account: &Summary) -> Problem {
    let money = |amount_micros| Money { amount_micros, currency: account.currency };
    let mut first = Vec::new();
    if account.open_orders > 0 || account.held_micros > 0 {
        let held = money(account.held_micros);
        first.push(format!("wait for its {} open orders, which hold {held}", account.open_orders));
    }
    if account.available_micros != 0 {
        let directory = app.directory.current();
        if directory.tenants.get(id).is_none_or(|tenant| tenant.billing.is_none()) {
            first.push("give it its billing back".into());
        }
        let verb = if account.available_micros > 0 { "take out" } else { "put in" };
        let (amount, micros) = (money(account.available_micros.unsigned_abs()), -account.available_micros);
        first.push(format!(
            "{verb} {amount}: `tiffin balance credit {id} --micros {micros} --reference REFERENCE`"
        ));
    }
    invalid(format!("Its account is not settled. First {}.", first.join("; then ")))
}

fn away(error: &dyn std::error::Error) -> Problem {
    tracing::warn!(%error, "what a tenant has is not known; it stays");
    Problem::unavailable("The store does not answer; nothing was changed.")
}
