//! Hosts the tallies: counts the orders of tenants that have a quota, hands the sums over once a second, and reads what
//! all processes together have counted.
//!
//! A job may be handed over many times. Its order is counted at the first, by a mark in the store that outlives its code,
//! so it counts however it ends. A process that is killed loses what it counted in its last second.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use tiffin_shared::bytes;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::directory::Ordered;
use tiffin_shared::directory::OrderedToday;
use tiffin_shared::directory::Tenant;
use tiffin_shared::id::TenantId;
use tiffin_shared::nonce;
use tiffin_shared::nonce::Nonce;
use tiffin_shared::sign::NONCE_MEMORY_MS;
use tiffin_shared::tally::Command;
use tiffin_shared::tally::Tally;
use tiffin_shared::wire::job::Header;
use tokio::sync::watch;

use crate::app::App;
use crate::host;
use crate::periodic;
use crate::store;
use crate::store::Key;

/// How often sums go into the store. The tallies remember batches for this pace.
const PERIOD: Duration = Duration::from_secs(1);

/// What this process has counted and not yet told.
#[derive(Default)]
pub struct Tallies {
    pending: Mutex<Pending>,
    /// On its way: the same batches again until the store has taken them.
    sealed: tokio::sync::Mutex<Vec<Batch>>,
}

/// Orders by tenant and day. It holds the configured tenants' alone, and grows only while the store answers.
#[derive(Debug, Default)]
struct Pending(BTreeMap<(TenantId, u64), u64>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Batch {
    tenant: TenantId,
    add: Add,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Add {
    batch: Bytes<16>,
    day: u64,
    orders: u64,
}

impl Pending {
    fn add(&mut self, tenant: &TenantId, day: u64) {
        let orders = self.0.entry((tenant.clone(), day)).or_default();
        *orders = orders.saturating_add(1);
    }

    /// Takes everything out, as batches with ids made of `random`.
    fn seal(&mut self, random: [u8; 16]) -> Vec<Batch> {
        let sums = std::mem::take(&mut self.0).into_iter().zip(0_u64..);
        let batch = |(((tenant, day), orders), number): ((_, _), u64)| {
            let id = bytes::sha256(&bytes::prefixed(&[&random, &number.to_be_bytes()]));
            Batch { tenant, add: Add { batch: Bytes(bytes::truncate(id)), day, orders } }
        };
        sums.map(batch).collect()
    }
}

impl Tallies {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts an order whose job was handed over, unless it was counted before. An error means that this is not known.
pub async fn note(app: &App, header: &Header) -> Result<(), store::Error> {
    let directory = app.directory.current();
    let has_quota = |tenant: &Tenant| tenant.orders_per_day.is_some();
    if !directory.tenants.get(&header.tenant).is_some_and(has_quota) {
        return Ok(());
    }
    let now = host::now();
    // Nobody hands over a job whose code is over; the rest is for clocks that differ.
    let once = nonce::Command { keep_ms: header.expires_at.since(now).saturating_add(NONCE_MEMORY_MS) };
    let marked = app.store.apply::<Nonce>(&Key::tallied(&header.order), &once, now).await?;
    if marked == nonce::Reply::Fresh {
        app.tallies.pending().add(&header.tenant, header.created_at.day());
    }
    Ok(())
}

/// Hands the sums over, until `stop` changes.
pub async fn run(app: Arc<App>, stop: watch::Receiver<bool>) {
    periodic::run(stop, PERIOD, || flush(&app)).await;
}

/// Hands over what was counted.
pub async fn flush(app: &App) {
    let mut sealed = app.tallies.sealed.lock().await;
    if sealed.is_empty() {
        match host::random() {
            Ok(random) => *sealed = app.tallies.pending().seal(random),
            Err(error) => tracing::warn!(%error, "sums of orders wait"),
        }
    }
    while let Some(Batch { tenant, add }) = sealed.last() {
        let Add { batch, day, orders } = *add;
        let command = Command::Add { batch, day, orders };
        match app.store.apply::<Tally>(&Key::tally(tenant), &command, host::now()).await {
            Ok(_) => {}
            Err(error @ store::Error::State { .. }) => {
                tracing::error!(%error, "a tally cannot be read; its orders are not counted");
            }
            Err(error) => {
                tracing::warn!(%error, "the store is away; sums of orders wait");
                return;
            }
        }
        sealed.pop();
    }
}

/// What all processes have counted, as this one has last read it.
#[derive(Default)]
pub struct Totals {
    known: OrderedToday,
    is_whole: bool,
}

impl Totals {
    /// Whether every tally has been read once: until then an edge may know more than this process.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Reads again. A tally that cannot be read stays as it was.
    pub async fn read(&mut self, app: &App, tenants: &BTreeMap<TenantId, Tenant>) -> OrderedToday {
        let mut totals = OrderedToday::new();
        let mut is_away = false;
        for (tenant, quota) in tenants.iter().filter_map(|(id, tenant)| Some((id, tenant.orders_per_day?))) {
            let ordered = match is_away {
                true => self.known.get(tenant).copied(),
                false => {
                    match app.store.apply::<Tally>(&Key::tally(tenant), &Command::Read, host::now()).await {
                        Ok(reply) => Ordered::coarse(reply.day, reply.orders, quota),
                        Err(error) => {
                            tracing::warn!(%error, "a tally was not read; the orders of the day stay as they were");
                            is_away = !matches!(error, store::Error::State { .. });
                            self.known.get(tenant).copied()
                        }
                    }
                }
            };
            totals.extend(ordered.map(|ordered| (tenant.clone(), ordered)));
        }
        self.is_whole |= !is_away;
        self.known.clone_from(&totals);
        totals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_comes_out_once_by_tenant_and_day() {
        let [shop, bank] = ["shop", "bank"].map(|name| TenantId::parse(name).unwrap());
        let mut pending = Pending::default();
        for (tenant, day) in [(&shop, 7), (&bank, 7), (&shop, 8), (&shop, 7)] {
            pending.add(tenant, day);
        }
        let batches = pending.seal([1; 16]);
        let found: Vec<_> =
            batches.iter().map(|batch| (&batch.tenant, batch.add.day, batch.add.orders)).collect();
        assert_eq!(found, [(&bank, 7, 1), (&shop, 7, 2), (&shop, 8, 1)]);
        let ids: std::collections::BTreeSet<_> = batches.iter().map(|batch| batch.add.batch.0).collect();
        assert_eq!(ids.len(), 3);
        assert!(pending.seal([2; 16]).is_empty());
    }
}
