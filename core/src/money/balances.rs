//! What the front doors know of the tenants' accounts: a coarse balance, and whether it pays for anything.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use tiffin_shared::directory::Directory;
use tiffin_shared::id::TenantId;
use tiffin_shared::money::Ask;
use tiffin_shared::money::Reach;
use tiffin_shared::price::Currency;

use crate::app::App;

/// The accounts as this process has last read them.
#[derive(Default)]
pub struct Accounts {
    known: BTreeMap<TenantId, Reach>,
    is_whole: bool,
    /// What operators were told, so that they are told once.
    told: BTreeSet<(TenantId, &'static str, Currency)>,
}

impl Accounts {
    /// Whether every account has been read once: until then an edge may know more than this process.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Reads again, and tells them in a directory. An account that cannot be read stays as it was.
    pub async fn read(&mut self, app: &Arc<App>, directory: &mut Directory) {
        let mut known = BTreeMap::new();
        let (mut is_whole, mut told, mut left) = (true, BTreeSet::new(), Vec::new());
        for (id, tenant) in &directory.tenants {
            let Some(billing) = &tenant.billing else { continue };
            let read = async {
                let reply = super::read(app, id).await?;
                if reply.summary.seq > 0 || billing.opening_micros == 0 {
                    return Ok(reply);
                }
                super::ask_and_log(app, id, Ask::Open).await
            };
            let reach = match read.await {
                Ok(reply) => {
                    if reply.summary.currency != billing.currency {
                        told.insert((id.clone(), "its account holds another currency", billing.currency));
                    }
                    left.push((id.clone(), reply.summary.available_micros));
                    Some(reply.summary.reach)
                }
                Err(error) => {
                    tracing::warn!(%error, "an account was not read; its balance stays as it was");
                    is_whole = false;
                    self.known.remove(id)
                }
            };
            known.extend(reach.map(|reach| (id.clone(), reach)));
        }
        app.metrics.balances(directory, &left);
        for (tenant, currency) in directory.unpriced() {
            told.insert((tenant.clone(), "no gateway has a price in its currency", currency));
        }
        for (tenant, why, currency) in told.difference(&self.told) {
            tracing::warn!(%tenant, %currency, "a tenant that pays: {why}");
        }
        self.told = told;
        self.is_whole |= is_whole;
        self.known = known;
        for (id, reach) in &self.known {
            directory.tell_account(id, reach);
        }
    }
}
