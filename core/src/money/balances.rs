//! What the front doors know of the tenants' accounts: a coarse balance, and whether it pays for anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use tiffin_shared::directory::Balance;
use tiffin_shared::directory::Balances;
use tiffin_shared::directory::Funds;
use tiffin_shared::directory::Tenant;
use tiffin_shared::id::TenantId;
use tiffin_shared::money::Ask;

use super::price;
use crate::app::App;

/// The accounts as this process has last read them.
#[derive(Default)]
pub struct Accounts {
    /// With whether each pays for the cheapest message.
    known: BTreeMap<TenantId, (Balance, bool)>,
    is_whole: bool,
}

impl Accounts {
    /// Whether every account has been read once: until then an edge may know more than this process.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Reads again, and closes the tenants that cannot pay. An account that cannot be read stays as it was.
    pub async fn read(&mut self, app: &Arc<App>, tenants: &mut BTreeMap<TenantId, Tenant>) -> Balances {
        let mut known = BTreeMap::new();
        let mut is_whole = true;
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
        self.is_whole |= is_whole;
        self.known = known;
        self.known.iter().map(|(id, (balance, _))| (id.clone(), *balance)).collect()
    }
}

/// Of all messages that the tenant's services may take; nothing has to be paid where one of them has no price.
fn cheapest(app: &App, tenant: &Tenant) -> u64 {
    let channels = || tenant.services.values().flat_map(|service| &service.channels);
    let gateways = app.gateways.all().iter().filter(|gateway| channels().any(|it| *it == gateway.channel()));
    let settled = app.settled.current();
    gateways.map(|gateway| price::of_message(&settled, gateway, None).unwrap_or(0)).min().unwrap_or(0)
}
