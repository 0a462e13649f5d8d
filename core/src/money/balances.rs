//! What the front doors know of the tenants' accounts: a coarse balance, and whether it pays for anything.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use tiffin_shared::directory::Balance;
use tiffin_shared::directory::Balances;
use tiffin_shared::directory::Funds;
use tiffin_shared::directory::Tenant;
use tiffin_shared::id::TenantId;
use tiffin_shared::money::Ask;
use tiffin_shared::price::Currency;

use super::price;
use crate::app::App;

/// The accounts as this process has last read them.
#[derive(Default)]
pub struct Accounts {
    /// With whether each pays for the cheapest message.
    known: BTreeMap<TenantId, (Balance, bool)>,
    is_whole: bool,
    /// What operators were told, so that they are told once.
    told: BTreeSet<(TenantId, &'static str, Currency)>,
}

impl Accounts {
    /// Whether every account has been read once: until then an edge may know more than this process.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Reads again, and closes the tenants that cannot pay. An account that cannot be read stays as it was.
    pub async fn read(&mut self, app: &Arc<App>, tenants: &mut BTreeMap<TenantId, Tenant>) -> Balances {
        let mut known = BTreeMap::new();
        let (mut is_whole, mut told) = (true, BTreeSet::new());
        for (id, tenant) in tenants.iter_mut() {
            let Some(billing) = &tenant.billing else { continue };
            let read = async {
                let reply = super::read(app, id).await?;
                if reply.summary.seq > 0 || billing.opening_micros == 0 {
                    return Ok(reply);
                }
                super::ask_and_log(app, id, Ask::Open).await
            };
            let account = match read.await {
                Ok(reply) => {
                    if reply.summary.currency != billing.currency {
                        told.insert((id.clone(), "its account holds another currency", billing.currency));
                    }
                    let reach = reply.summary.reach_micros;
                    Some((Balance::coarse(reach, billing.currency), reach >= cheapest(app, tenant)))
                }
                Err(error) => {
                    tracing::warn!(%error, "an account was not read; its balance stays as it was");
                    is_whole = false;
                    self.known.get(id).copied()
                }
            };
            let Some(account) = account else { continue };
            if !account.1 {
                tenant.funds = Funds::Exhausted;
            }
            known.insert(id.clone(), account);
        }
        let directory = app.directory.current();
        for (tenant, currency) in directory.unpriced() {
            told.insert((tenant.clone(), "no gateway has a price in its currency", currency));
        }
        for (tenant, why, currency) in told.difference(&self.told) {
            tracing::warn!(%tenant, %currency, "a tenant that pays: {why}");
        }
        self.told = told;
        self.is_whole |= is_whole;
        self.known = known;
        self.known.iter().map(|(id, (balance, _))| (id.clone(), *balance)).collect()
    }
}

/// Of all messages that the tenant's services may take; nothing has to be paid where one of them has no price.
fn cheapest(app: &App, tenant: &Tenant) -> u64 {
    let channels = || tenant.services.values().flat_map(|service| &service.channels);
    let gateways = app.gateways.all().iter().filter(|gateway| channels().any(|it| *it == gateway.channel()));
    let (directory, currency) = (app.directory.current(), tenant.billing.as_ref().map(|it| it.currency));
    let least = |gateway| price::lists(&directory, gateway)?.least_micros(currency?);
    gateways.map(|gateway| least(gateway).unwrap_or(0)).min().unwrap_or(0)
}
