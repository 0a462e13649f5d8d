//! What is searched for.

use super::Found;
use crate::country::Country;
use crate::id::GatewayId;
use crate::id::LedgerId;
use crate::id::ServiceId;
use crate::id::TenantId;
use crate::order::KEEP_MS;
use crate::time::UnixMs;
use crate::wire::api::Channel;
use crate::wire::api::OrderState;

/// What is searched for: orders of which all that is set here is true.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// To the phone whose ledger this is.
    pub ledger: Option<LedgerId>,
    /// By their caller's name for them.
    pub client_ref: Option<String>,
    /// Of this tenant.
    pub tenant: Option<TenantId>,
    /// For this service.
    pub service: Option<ServiceId>,
    /// In this state.
    pub state: Option<OrderState>,
    /// To this country.
    pub country: Option<Country>,
    /// That went by this gateway, at any attempt.
    pub gateway: Option<GatewayId>,
    /// That went by this channel, at any attempt, or were to.
    pub channel: Option<Channel>,
    /// Accepted then or later.
    pub from: Option<UnixMs>,
    /// Accepted before then.
    pub to: Option<UnixMs>,
}

impl Filter {
    /// Whether this one is meant.
    pub fn is_met(&self, found: &Found) -> bool {
        let created_at = found.created_at;
        self.ledger.is_none_or(|ledger| found.id.ledger() == ledger)
            && self.tenant.as_ref().is_none_or(|tenant| found.tenant == *tenant)
            && (self.client_ref.is_none() || self.client_ref == found.client_ref)
            && (self.service.is_none() || self.service == found.service)
            && (self.country.is_none() || self.country == found.country)
            && self.state.is_none_or(|state| found.state == state)
            && self.gateway.as_ref().is_none_or(|gateway| found.gateways.contains(gateway))
            && self.channel.is_none_or(|channel| found.channels.contains(&channel))
            && self.from.is_none_or(|from| from <= created_at)
            && self.to.is_none_or(|to| created_at < to)
    }

    /// What was closed after this was accepted too late: a record is kept a day, and closed until then.
    pub fn closed_before(&self) -> Option<UnixMs> {
        self.to.map(|to| to.plus(KEEP_MS))
    }
}
