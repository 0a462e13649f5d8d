//! An order as a search tells it.

use serde::Serialize;
use serde_json::Value;

use crate::country::Country;
use crate::id::GatewayId;
use crate::id::OrderId;
use crate::id::ServiceId;
use crate::id::TenantId;
use crate::order::AttemptState;
use crate::order::Timeline;
use crate::price::Currency;
use crate::time::UnixMs;
use crate::wire::api::Channel;
use crate::wire::api::OrderState;

/// An order: no code, no number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Its id.
    pub id: OrderId,
    /// Whose.
    pub tenant: TenantId,
    /// What for.
    pub service: Option<ServiceId>,
    /// How: the last attempt's channel, or the one that it is to go by.
    pub channel: Option<Channel>,
    /// Where to.
    pub country: Option<Country>,
    /// Masked; nothing once its record is gone, after a day, or was erased.
    pub to_masked: Option<String>,
    /// Where it stands, as core knows.
    pub state: OrderState,
    /// Of the last attempt.
    pub gateway: Option<GatewayId>,
    /// How many there were.
    pub attempts: usize,
    /// When it was accepted.
    pub created_at: UnixMs,
    /// From its acceptance to the first proof that a message arrived.
    pub delivered_ms: Option<u64>,
    /// Whether the user proved to have the code.
    pub verified: bool,
    /// What its tenant was charged; nothing where it pays nothing.
    pub cost: Option<Spent>,
    /// Its caller's own name for it.
    pub client_ref: Option<String>,
    /// Of all attempts.
    #[serde(skip)]
    pub gateways: Vec<GatewayId>,
    /// Of all attempts, and the one that it was to go by.
    #[serde(skip)]
    pub channels: Vec<Channel>,
}

/// What was charged, less what was given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Spent {
    /// In it.
    pub currency: Currency,
    /// Millionths.
    pub amount_micros: u64,
}

impl Found {
    /// An order by its record; nothing where it was ended before its job came, and nobody knows whose it is.
    pub fn open(id: &OrderId, record: &Timeline) -> Option<Self> {
        let job = record.job.as_ref()?;
        let attempts = record.attempts.iter().map(|tried| &tried.attempt);
        let delivered = attempts.clone().filter(|attempt| attempt.state == AttemptState::Delivered);
        let cost = record.bill.as_ref().map(|bill| Spent {
            currency: bill.currency,
            amount_micros: bill.sums.captured_micros.saturating_sub(bill.sums.refunded_micros),
        });
        let last = attempts.clone().next_back();
        Some(Self {
            id: id.clone(),
            tenant: job.tenant.clone(),
            service: Some(job.service.clone()),
            channel: Some(last.map_or(job.channel, |attempt| attempt.channel)),
            country: job.country,
            to_masked: job.to_masked.clone(),
            state: record.state,
            gateway: last.map(|attempt| attempt.gateway.clone()),
            attempts: record.attempts.len(),
            created_at: job.created_at,
            delivered_ms: delivered.map(|attempt| attempt.at.since(job.created_at)).min(),
            verified: record.state == OrderState::Verified,
            cost,
            client_ref: job.client_ref.clone(),
            gateways: attempts.clone().map(|attempt| attempt.gateway.clone()).collect(),
            channels: attempts.map(|attempt| attempt.channel).chain([job.channel]).collect(),
        })
    }

    /// A closed order by its row in its tenant's log.
    pub fn closed(tenant: &TenantId, body: &Value) -> Option<Self> {
        let field = |name: &str| body.get(name).filter(|value| !value.is_null());
        let text = |name: &str| field(name).and_then(Value::as_str);
        let id = OrderId::parse(text("order")?).ok()?;
        let attempts = field("attempts").and_then(Value::as_array).map_or(&[] as &[_], Vec::as_slice);
        let gateways = attempts
            .iter()
            .filter_map(|attempt| GatewayId::parse(attempt.get("gateway").and_then(Value::as_str)?).ok());
        let gateways: Vec<GatewayId> = gateways.collect();
        let own = channel(body);
        let tried: Vec<Channel> = attempts.iter().filter_map(channel).collect();
        let created_at = field("created_at").or_else(|| field("closed_at")).and_then(Value::as_u64);
        let created_at = UnixMs(created_at.unwrap_or_default());
        let delivered_at = attempts.iter().filter_map(|attempt| {
            let is_delivered = attempt.get("state").and_then(Value::as_str) == Some("delivered");
            attempt.get("at").and_then(Value::as_u64).filter(|_| is_delivered)
        });
        let cost = field("charged_micros").and_then(Value::as_u64).zip(text("currency"));
        let cost = cost.and_then(|(amount_micros, currency)| {
            Some(Spent { currency: Currency::parse(currency).ok()?, amount_micros })
        });
        let state: OrderState = serde_json::from_value(body.get("state")?.clone()).ok()?;
        Some(Self {
            id,
            tenant: tenant.clone(),
            service: text("service").and_then(|name| ServiceId::parse(name).ok()),
            channel: tried.last().copied().or(own),
            country: text("country").and_then(|name| Country::parse(name).ok()),
            to_masked: None,
            state,
            gateway: gateways.last().cloned(),
            attempts: attempts.len(),
            created_at,
            delivered_ms: delivered_at.map(|at| UnixMs(at).since(created_at)).min(),
            verified: state == OrderState::Verified,
            cost,
            client_ref: text("client_ref").map(str::to_owned),
            channels: tried.into_iter().chain(own).collect(),
            gateways,
        })
    }
}

fn channel(of: &Value) -> Option<Channel> {
    serde_json::from_value(of.get("channel")?.clone()).ok()
}
