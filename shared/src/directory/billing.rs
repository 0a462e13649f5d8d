//! What is agreed with a tenant about money.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use serde::Deserialize;
use serde::Serialize;

use super::Directory;
use super::Funds;
use crate::country::Country;
use crate::id::TenantId;
use crate::money::AMOUNT_MICROS_MAX;
use crate::money::Currency;
use crate::money::Reach;
use crate::wire::api::Channel;

/// How a tenant pays. All amounts are millionths of its currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Billing {
    /// Before or after.
    #[serde(default)]
    pub mode: Mode,
    /// In which currency its prices are, too.
    pub currency: Currency,
    /// How far below zero a postpaid account may go; prepaid ones never do.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub credit_limit_micros: u64,
    /// Whoever runs the tenant is told once when less than this is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low_balance_micros: Option<u64>,
    /// Put on the account when it has its first entry: for trials and development.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub opening_micros: u64,
    /// What it may spend.
    #[serde(default, skip_serializing_if = "Caps::is_none")]
    pub caps: Caps,
    /// By whose price.
    #[serde(default, skip_serializing_if = "ChargedBy::is_list")]
    pub charged_by: ChargedBy,
}

/// By whose price a tenant is charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargedBy {
    /// The gateway's price list.
    #[default]
    List,
    /// The list's at first, and no more than the provider's own, where that is told in the tenant's currency before the order
    /// is closed: the difference goes back.
    Provider,
}

impl ChargedBy {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
    fn is_list(&self) -> bool {
        *self == Self::List
    }
}

/// When a tenant pays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// First: it never owes.
    #[default]
    Prepaid,
    /// Later, up to its credit limit.
    Postpaid,
}

/// What a tenant may spend on one day, by UTC: holds count, and count no more once they are released or refunded that day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caps {
    /// In all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day_micros: Option<u64>,
    /// On messages to one country.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub country_day_micros: BTreeMap<Country, u64>,
}

/// What a tenant has left, as the directory carries it: rounded down to two digits, so that orders alone do not make every
/// directory a new one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Balance {
    /// What it can still hold, its credit included.
    pub available_micros: u64,
    /// In this currency.
    pub currency: Currency,
    /// The same for messages to countries of which less may be held: their day's cap is nearer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub countries: BTreeMap<Country, u64>,
}

/// By tenant.
pub type Balances = BTreeMap<TenantId, Balance>;

/// When what was charged goes back. Each applies by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Refund {
    /// Nobody proved that the message arrived within the code's life, nor was the code verified.
    NotDelivered,
    /// The order was called off in time, and the message had not arrived.
    Cancelled,
    /// Another message of the same sending had arrived.
    Duplicate,
}

impl Refund {
    /// Every rule.
    pub const ALL: [Self; 3] = [Self::NotDelivered, Self::Cancelled, Self::Duplicate];

    /// As it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotDelivered => "not_delivered",
            Self::Cancelled => "cancelled",
            Self::Duplicate => "duplicate",
        }
    }
}

#[cfg_attr(
    target_pointer_width = "64",
    expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")
)]
fn is_zero(micros: &u64) -> bool {
    *micros == 0
}

impl Caps {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl Balance {
    /// What the directory tells of an account.
    pub fn coarse(reach: &Reach, currency: Currency) -> Self {
        let less = reach.countries.iter().filter(|(_, micros)| **micros < reach.micros);
        Self {
            available_micros: coarse(reach.micros),
            currency,
            countries: less.map(|(country, micros)| (*country, coarse(*micros))).collect(),
        }
    }

    /// What is there for messages to this country: at least, and at most for all that is told of it.
    pub fn micros_to(&self, country: Option<Country>) -> RangeInclusive<u64> {
        let capped = country.and_then(|country| self.countries.get(&country));
        let least = capped.copied().unwrap_or(self.available_micros);
        least..=least.saturating_add(step(least) - 1)
    }
}

/// To two digits.
fn coarse(micros: u64) -> u64 {
    micros - micros % step(micros)
}

fn step(micros: u64) -> u64 {
    10_u64.pow(micros.checked_ilog10().unwrap_or_default().saturating_sub(1))
}

impl Directory {
    /// Tells what a tenant's account comes to, and takes no orders of one that cannot pay for the cheapest message there is.
    pub fn tell_account(&mut self, tenant: &TenantId, reach: &Reach) {
        let (cheapest, currency) = (self.cheapest_micros(tenant), self.currency_of(tenant));
        if let Some(it) = self.tenants.get_mut(tenant)
            && reach.micros < cheapest
        {
            it.funds = Funds::Exhausted;
        }
        self.balances.insert(tenant.clone(), Balance::coarse(reach, currency));
    }

    /// Of all messages that the tenant's services may take; nothing has to be paid where one of them has no price.
    fn cheapest_micros(&self, tenant: &TenantId) -> u64 {
        let services = self.tenants.get(tenant).map(|tenant| tenant.services.values());
        let channels: BTreeSet<Channel> =
            services.into_iter().flatten().flat_map(|service| &service.channels).copied().collect();
        let currency = self.currency_of(tenant);
        let routes = self.routes.iter().filter(|route| channels.contains(&route.channel));
        routes.map(|route| route.prices.least_micros(currency).unwrap_or(0)).min().unwrap_or(0)
    }
}

impl Billing {
    /// How far below zero it may go.
    pub fn credit_micros(&self) -> u64 {
        match self.mode {
            Mode::Prepaid => 0,
            Mode::Postpaid => self.credit_limit_micros,
        }
    }

    /// Refuses what cannot be meant. The text names the key and the reason.
    pub fn check(&self) -> Result<(), String> {
        if self.mode == Mode::Prepaid && self.credit_limit_micros > 0 {
            return Err(
                "credit_limit_micros: a prepaid account has no credit; set mode = \"postpaid\"".into()
            );
        }
        let countries = self.caps.country_day_micros.values().copied().map(Some);
        let caps = [("credit_limit_micros", Some(self.credit_limit_micros))].into_iter().chain([
            ("opening_micros", Some(self.opening_micros)),
            ("low_balance_micros", self.low_balance_micros),
            ("caps.day_micros", self.caps.day_micros),
        ]);
        let caps = caps.chain(countries.map(|cap| ("caps.country_day_micros", cap)));
        match caps.into_iter().find(|(_, micros)| micros.is_some_and(|it| it > AMOUNT_MICROS_MAX)) {
            Some((key, _)) => Err(format!("{key}: must be at most {AMOUNT_MICROS_MAX} millionths")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn billing(text: &str) -> Billing {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_prepaid_account_has_no_credit() {
        assert_eq!(billing(r#"{"currency": "USD"}"#).check(), Ok(()));
        assert!(billing(r#"{"currency": "USD", "credit_limit_micros": 1}"#).check().is_err());
        let postpaid = billing(r#"{"mode": "postpaid", "currency": "USD", "credit_limit_micros": 1}"#);
        assert_eq!((postpaid.check(), postpaid.credit_micros()), (Ok(()), 1));
        let beyond = format!(r#"{{"currency": "USD", "opening_micros": {}}}"#, AMOUNT_MICROS_MAX + 1);
        assert!(billing(&beyond).check().unwrap_err().starts_with("opening_micros: "));
        let capped = format!(r#"{{"currency": "USD", "caps": {{"day_micros": {}}}}}"#, u64::MAX);
        assert!(billing(&capped).check().unwrap_err().starts_with("caps.day_micros: "));
    }

    #[test]
    fn a_balance_is_told_in_two_digits_and_never_as_more_than_it_is() {
        let usd = Currency::parse("USD").unwrap();
        for (exact, told) in
            [(0, 0), (7, 7), (10, 10), (99, 99), (101, 100), (123_456, 120_000), (999_999, 990_000)]
        {
            let reach = Reach { micros: exact, countries: BTreeMap::new() };
            let balance = Balance::coarse(&reach, usd);
            assert_eq!(balance.available_micros, told, "{exact}");
            let most = *balance.micros_to(None).end();
            assert!(most >= exact && most <= exact + exact / 9, "{exact}");
        }
    }

    #[test]
    fn a_country_is_told_of_where_less_of_its_cap_is_left_than_of_the_account() {
        let [india, germany, spain] = ["IN", "DE", "ES"].map(|code| Country::parse(code).unwrap());
        let reach = Reach { micros: 5_000, countries: BTreeMap::from([(india, 1_234), (germany, 5_000)]) };
        let balance = Balance::coarse(&reach, Currency::default());
        assert_eq!(balance.countries, BTreeMap::from([(india, 1_200)]));
        assert_eq!(balance.micros_to(Some(india)), 1_200..=1_299);
        assert_eq!(balance.micros_to(Some(spain)), 5_000..=5_099);
    }
}
