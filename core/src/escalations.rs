//! Opens escalations by rule, from what errands tell of closed orders, and by hand.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use serde_json::json;
use tiffin_shared::escalation;
use tiffin_shared::escalation::Command;
use tiffin_shared::escalation::Escalation;
use tiffin_shared::escalation::Escalations;
use tiffin_shared::escalation::Limits;
use tiffin_shared::escalation::Matter;
use tiffin_shared::escalation::Reply;
use tiffin_shared::id::GatewayId;
use tiffin_shared::id::OrderId;
use tiffin_shared::order::Errand;
use tiffin_shared::time::UnixMs;

use crate::app::App;
use crate::audit::RULE;
use crate::config;
use crate::host;
use crate::store;
use crate::store::Key;
use crate::webhooks;

/// What this process has seen lately.
#[derive(Default)]
pub struct Watch(Mutex<escalation::Watch>);

impl Watch {
    fn seen(&self) -> MutexGuard<'_, escalation::Watch> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at a closed order. An error has the errand run again.
pub async fn look(app: &Arc<App>, order: &OrderId, errand: &Errand) -> anyhow::Result<()> {
    let config::Escalations { overdue_ms, failures, of, .. } = app.config.file.escalations;
    let (limits, now) = (Limits { overdue_ms, failures, of }, host::now());
    let tells_arrival = |gateway: &GatewayId| {
        app.gateways.named(gateway.as_str()).is_some_and(|gateway| gateway.tells_arrival())
    };
    let found = app.escalations.seen().look(order, errand, limits, tells_arrival, now);
    for matter in found {
        open(app, order, matter, now).await?;
    }
    Ok(())
}

async fn open(app: &Arc<App>, order: &OrderId, matter: Matter, now: UnixMs) -> anyhow::Result<()> {
    let (rule, subject) = (matter.rule, matter.subject.clone());
    let opening = Box::new(matter.opening(order, app.config.file.escalations.due_ms));
    match ask(app, &Command::Open { by: RULE.into(), opening }).await? {
        Reply::One { escalation, is_new } => {
            if is_new {
                tell(app, webhooks::Kind::EscalationOpened, &escalation).await?;
                tracing::warn!(id = escalation.id, kind = ?escalation.kind, subject, "an escalation was opened");
            }
            if !is_new && escalation.has_more_orders {
                app.escalations.seen().quiet(rule, subject, now);
            }
        }
        _ => {
            tracing::error!(subject, "too many escalations are open: resolve some");
            app.escalations.seen().quiet(rule, subject, now);
        }
    }
    Ok(())
}

/// Tells the tenant, where it is one tenant's matter. Who sees to it, and what people say of it, is ours.
pub async fn tell(
    app: &Arc<App>,
    kind: webhooks::Kind,
    escalation: &Escalation,
) -> Result<(), webhooks::Error> {
    let Some(tenant) = &escalation.tenant else { return Ok(()) };
    let data = json!({"escalation": {
        "id": escalation.id, "kind": escalation.kind, "state": escalation.state,
        "subject": escalation.subject, "orders": escalation.orders, "has_more_orders": escalation.has_more_orders,
        "opened_at": escalation.opened_at.rfc3339(), "due_at": escalation.due_at.rfc3339(),
        "resolved_at": escalation.resolved_at.map(UnixMs::rfc3339),
    }});
    let id = format!("esc_{}/{}", escalation.id, escalation.notes.len());
    webhooks::emit(app, tenant, kind, &id, data).await
}

/// Asks the one state of all escalations.
pub async fn all(app: &App) -> Result<Vec<Escalation>, store::Error> {
    match ask(app, &Command::List).await? {
        Reply::All(all) => Ok(all),
        Reply::Full | Reply::NotFound | Reply::One { .. } | Reply::Over => Ok(Vec::new()),
    }
}

/// One command.
pub async fn ask(app: &App, command: &Command) -> Result<Reply, store::Error> {
    app.store.apply::<Escalations>(&Key::escalations(), command, host::now()).await
}
