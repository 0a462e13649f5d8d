//! The tenants' verdicts as this process has last read them. Every process reads the same lists, so all agree.

use std::collections::BTreeMap;

use tiffin_shared::guard::blocklist::Blocklist;
use tiffin_shared::guard::blocklist::Listed;
use tiffin_shared::guard::verdicts::Command;
use tiffin_shared::guard::verdicts::Verdicts;
use tiffin_shared::id::TenantId;

use crate::app::App;
use crate::host;
use crate::store;
use crate::store::Key;

/// What was last read.
#[derive(Default)]
pub struct Lists {
    known: BTreeMap<TenantId, Listed>,
    is_whole: bool,
}

impl Lists {
    /// Whether every tenant's list has been read once: until then an edge may know more than this process.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Reads again, and puts together what is in force. A list that cannot be read stays as it was.
    pub async fn read(&mut self, app: &App, tenants: impl Iterator<Item = &TenantId>) -> Blocklist {
        let mut lists = BTreeMap::new();
        let mut is_away = false;
        for tenant in tenants {
            if !is_away {
                match app.store.apply::<Verdicts>(&Key::verdicts(tenant), &Command::List, host::now()).await {
                    Ok(reply) => {
                        lists.insert(tenant.clone(), reply.list);
                        continue;
                    }
                    Err(error @ store::Error::State { .. }) => {
                        tracing::error!(%error, "a list of verdicts cannot be read");
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the store is away; the verdicts stay as they were");
                        is_away = true;
                    }
                }
            }
            if let Some(old) = self.known.remove(tenant) {
                lists.insert(tenant.clone(), old);
            }
        }
        self.is_whole |= !is_away;
        self.known = lists;
        let all = self.known.iter().map(|(tenant, list)| (tenant.clone(), list.clone()));
        let (blocklist, left_out) = Blocklist::gather(all, host::now());
        if left_out > 0 {
            tracing::warn!(
                left_out,
                "more verdicts than the directory carries; challenges that end first stay out"
            );
        }
        blocklist
    }
}
