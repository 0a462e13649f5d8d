//! Opens escalations by rule, from what errands tell of closed orders, and by hand.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use serde_json::json;
use tiffin_shared::bytes;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::escalation::Command;
use tiffin_shared::escalation::Escalation;
use tiffin_shared::escalation::Escalations;
use tiffin_shared::escalation::Kind;
use tiffin_shared::escalation::Opening;
use tiffin_shared::escalation::Reply;
use tiffin_shared::escalation::Rule;
use tiffin_shared::id::GatewayId;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::TenantId;
use tiffin_shared::order::AttemptState;
use tiffin_shared::order::Errand;
use tiffin_shared::order::Reason;
use tiffin_shared::order::Tried;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::OrderState;

use crate::app::App;
use crate::audit::RULE;
use crate::host;
use crate::store;
use crate::store::Key;
use crate::webhooks;

/// A matter that was found open is not asked for again for so long: an outage has thousands of orders. Those are not named in it.
const QUIET_MS: u64 = 10 * SECOND_MS;
/// Matters remembered for that.
const QUIET_MAX: usize = 1_024;

/// What this process has seen lately.
#[derive(Default)]
pub struct Watch(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    /// The last attempts of each gateway: whether they failed in a way that speaks against it.
    attempts: BTreeMap<GatewayId, VecDeque<bool>>,
    /// Matters whose escalation is full of orders, or was asked for just now.
    quiet_until: BTreeMap<(RuleNumber, String), UnixMs>,
}

/// [`Rule`] as a number.
type RuleNumber = u8;

/// Looks at a closed order. An error has the errand run again.
pub async fn look(app: &Arc<App>, order: &OrderId, errand: &Errand) -> anyhow::Result<()> {
    if !errand.closes {
        return Ok(());
    }
    let now = host::now();
    let settings = app.config.file.escalations;
    let timeline = &errand.timeline;
    let is_lost = matches!(timeline.state, OrderState::Expired | OrderState::Failed);
    for tried in &timeline.attempts {
        let gateway = &tried.attempt.gateway;
        if is_lost && let Some(late_ms) = overdue_ms(app, tried, now).filter(|ms| *ms >= settings.overdue_ms)
        {
            let text =
                format!("nothing was heard of a message for {} s beyond its window", late_ms / SECOND_MS);
            let subject = match &errand.tenant {
                Some(tenant) => format!("{gateway} for {tenant}"),
                None => gateway.to_string(),
            };
            let found = Found { rule: Rule::Overdue, subject, tenant: errand.tenant.clone(), gateway, text };
            open(app, order, found, now).await?;
        }
        if let Some((failed, of)) = app.escalations.count(tried, settings.failures, settings.of) {
            let text = format!("{failed} of the last {of} attempts through it failed");
            let subject = gateway.to_string();
            open(app, order, Found { rule: Rule::RouteFailing, subject, tenant: None, gateway, text }, now)
                .await?;
        }
    }
    Ok(())
}

/// What a rule found.
struct Found<'a> {
    rule: Rule,
    subject: String,
    tenant: Option<TenantId>,
    gateway: &'a GatewayId,
    text: String,
}

async fn open(app: &Arc<App>, order: &OrderId, found: Found<'_>, now: UnixMs) -> anyhow::Result<()> {
    let Found { rule, subject, tenant, gateway, text } = found;
    if app.escalations.is_quiet(rule, &subject, now) {
        return Ok(());
    }
    let kind = match rule {
        Rule::Overdue => Kind::Refund,
        Rule::RouteFailing => Kind::SupplierFallback,
    };
    // Of this order and rule: an errand that is run again opens no second one after the first was resolved.
    let name = format!("{}/{subject}/{order}", rule as u8);
    let opening = Opening {
        kind,
        rule: Some(rule),
        subject: subject.clone(),
        tenant,
        gateway: Some(gateway.clone()),
        orders: vec![order.clone()],
        text,
        due_ms: app.config.file.escalations.due_ms,
        request: Bytes(bytes::truncate(bytes::sha256(name.as_bytes()))),
    };
    match ask(app, &Command::Open { by: RULE.into(), opening: Box::new(opening) }).await? {
        Reply::One { escalation, is_new } => {
            if is_new {
                tell(app, webhooks::Kind::EscalationOpened, &escalation).await?;
                tracing::warn!(id = escalation.id, kind = ?escalation.kind, subject, "an escalation was opened");
            }
            if !is_new && escalation.has_more_orders {
                app.escalations.quiet(rule, subject, now);
            }
        }
        _ => {
            tracing::error!(subject, "too many escalations are open: resolve some");
            app.escalations.quiet(rule, subject, now);
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
pub async fn ask(app: &App, command: &Command) -> Result<Reply, store::Error> {
    app.store.apply::<Escalations>(&Key::escalations(), command, host::now()).await
}

/// How long a message is beyond its window, where its provider would have told that it arrived and did not.
fn overdue_ms(app: &App, tried: &Tried, now: UnixMs) -> Option<u64> {
    let is_open = matches!(tried.attempt.state, AttemptState::Sent | AttemptState::Unknown);
    let tells =
        app.gateways.named(tried.attempt.gateway.as_str()).is_some_and(|gateway| gateway.tells_arrival());
    (is_open && tells).then(|| now.since(tried.called_at.plus(tried.window_ms)))
}

impl Watch {
    /// Counts an attempt. How many of the last failed, where those are `most` or more of `of`.
    fn count(&self, tried: &Tried, most: u16, of: u16) -> Option<(usize, usize)> {
        let has_failed = match tried.attempt.state {
            AttemptState::Failed => tried.attempt.reason.is_some_and(Reason::blames_gateway),
            AttemptState::Unknown => true,
            AttemptState::Delivered | AttemptState::Sending | AttemptState::Sent => false,
        };
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = seen.attempts.entry(tried.attempt.gateway.clone()).or_default();
        last.push_back(has_failed);
        while last.len() > usize::from(of) {
            last.pop_front();
        }
        let failed = last.iter().filter(|failed| **failed).count();
        let counted = (failed, last.len());
        (has_failed && failed >= usize::from(most)).then_some(counted)
    }

    fn is_quiet(&self, rule: Rule, subject: &str, now: UnixMs) -> bool {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.quiet_until.get(&(rule as u8, subject.to_owned())).is_some_and(|until| now < *until)
    }

    fn quiet(&self, rule: Rule, subject: String, now: UnixMs) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.quiet_until.retain(|_, until| now < *until);
        if seen.quiet_until.len() < QUIET_MAX {
            seen.quiet_until.insert((rule as u8, subject), now.plus(QUIET_MS));
        }
    }
}
