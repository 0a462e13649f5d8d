//! Hosts the series: counts what becomes of orders in this process, and hands the sums over once a second.
//!
//! Each thing is counted by the process whose write to the order's record made it known, so once, whatever is told again.
//! A process that is killed loses what it counted in its last second.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use futures::StreamExt;
use futures::TryStreamExt;
use futures::stream;
use tiffin_shared::bytes;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::order::Mark;
use tiffin_shared::series::Command;
use tiffin_shared::series::Counts;
use tiffin_shared::series::Grain;
use tiffin_shared::series::Period;
use tiffin_shared::series::Series;
use tiffin_shared::series::Slots;
use tiffin_shared::series::Span;
use tiffin_shared::series::View;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::OrderState;
use tokio::sync::watch;

use crate::app::App;
use crate::host;
use crate::money;
use crate::periodic;
use crate::store;
use crate::store::Key;

/// How often sums go into the store. The series remember batches for this pace.
const PERIOD: Duration = Duration::from_secs(1);
/// Minutes that wait while the store is away: two days of them. What comes after is not counted.
const MINUTES_MAX: usize = 2 * 24 * 60;
/// Periods read at once.
const READS: usize = 8;

/// What this process has counted and not yet told.
#[derive(Default)]
pub struct Marks {
    pending: Mutex<Pending>,
    /// On its way: the same batches again until the store has taken them.
    sealed: tokio::sync::Mutex<Vec<Batch>>,
}

/// By minute since 1970.
#[derive(Debug, Default)]
struct Pending(BTreeMap<u64, Counts>);

#[derive(Clone, Debug)]
struct Batch {
    period: Period,
    id: Bytes<16>,
    slots: Slots,
}

impl Pending {
    fn at(&mut self, at: UnixMs) -> Option<&mut Counts> {
        let minute = at.0 / MINUTE_MS;
        let has_room = self.0.len() < MINUTES_MAX || self.0.contains_key(&minute);
        has_room.then(|| self.0.entry(minute).or_default())
    }

    fn note(&mut self, mark: &Mark, listed: &[(tiffin_shared::price::Currency, u64)], now: UnixMs) {
        let is_unchecked = mark.header.as_ref().is_some_and(|header| header.is_deliver_only);
        // An edge's clock may be ahead.
        if let Some(counts) = mark.accepted_at.and_then(|at| self.at(at.min(now))) {
            counts.accepted = counts.accepted.saturating_add(1);
            counts.unchecked = counts.unchecked.saturating_add(u64::from(is_unchecked));
        }
        let Some(counts) = self.at(now) else { return };
        if let Some(after_ms) = mark.delivered_after_ms {
            counts.delivered = counts.delivered.saturating_add(1);
            counts.latencies.add(after_ms);
        }
        let ended = match mark.ended {
            Some(OrderState::Cancelled) => Some(&mut counts.cancelled),
            Some(OrderState::Expired) => Some(&mut counts.expired),
            Some(OrderState::Failed) => Some(&mut counts.failed),
            Some(OrderState::Verified) => Some(&mut counts.verified),
            _ => None,
        };
        if let Some(ended) = ended {
            *ended = ended.saturating_add(1);
        }
        if let Some((currency, micros)) = mark.charged {
            counts.spend(currency, micros);
        }
        for (currency, micros) in listed {
            counts.spend(*currency, i64::try_from(*micros).unwrap_or(i64::MAX));
        }
    }

    /// Takes everything out, by hour and by day, as batches with ids made of `random`.
    fn seal(&mut self, random: [u8; 16]) -> Vec<Batch> {
        let mut periods: BTreeMap<Period, Slots> = BTreeMap::new();
        for (minute, counts) in std::mem::take(&mut self.0) {
            let at = UnixMs(minute.saturating_mul(MINUTE_MS));
            for grain in [Grain::Minute, Grain::Hour] {
                let slots = periods.entry(Period::of(grain, at)).or_default();
                slots.entry(grain.slot(at)).or_default().merge(&counts);
            }
        }
        let batch = |((period, slots), number): ((Period, Slots), u64)| {
            let id = bytes::sha256(&bytes::prefixed(&[&random, &number.to_be_bytes()]));
            Batch { period, id: Bytes(bytes::truncate(id)), slots }
        };
        periods.into_iter().zip(0_u64..).map(batch).collect()
    }
}

impl Marks {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts what a step made known of an order.
pub fn note(app: &App, mark: &Mark) {
    let directory = app.directory.current();
    // Who has no bill is charged nothing; what its messages cost us is what the list says.
    let price = |gateway: &tiffin_shared::id::GatewayId| {
        let (header, gateway) = (mark.header.as_ref()?, app.gateways.named(gateway.as_str())?);
        let micros = money::price::of_message(&directory, gateway, header)?;
        Some((directory.currency_of(&header.tenant), micros))
    };
    let listed: Vec<_> = mark.unbilled.iter().filter_map(price).collect();
    app.series.pending().note(mark, &listed, host::now());
}

/// Hands the sums over, until `stop` changes.
pub async fn run(app: Arc<App>, stop: watch::Receiver<bool>) {
    periodic::run(stop, PERIOD, || flush(&app)).await;
}

/// Hands over what was counted.
pub async fn flush(app: &App) {
    let mut sealed = app.series.sealed.lock().await;
    if sealed.is_empty() {
        match host::random() {
            Ok(random) => *sealed = app.series.pending().seal(random),
            Err(error) => tracing::warn!(%error, "sums of what became of orders wait"),
        }
    }
    while let Some(Batch { period, id, slots }) = sealed.last().cloned() {
        let command = Command::Add { period, batch: id, slots };
        match app.store.apply::<Series>(&Key::series(period), &command, host::now()).await {
            Ok(_) => {}
            Err(error @ store::Error::State { .. }) => {
                tracing::error!(%error, "a series cannot be read; what became of orders is not counted");
            }
            Err(error) => {
                tracing::warn!(%error, "the store is away; sums of what became of orders wait");
                return;
            }
        }
        sealed.pop();
    }
}

/// What became of all orders in the last hour, day or week, up to a second ago.
pub async fn read(app: &App, span: Span, now: UnixMs) -> Result<View, store::Error> {
    let periods = stream::iter(span.periods(now)).map(|period| async move {
        let slots = app.store.apply::<Series>(&Key::series(period), &Command::Read, now).await?;
        Ok::<_, store::Error>((period, slots))
    });
    let known: BTreeMap<Period, Slots> = periods.buffer_unordered(READS).try_collect().await?;
    Ok(span.view(&known, now))
}

#[cfg(test)]
mod tests {
    use tiffin_shared::time::HOUR_MS;

    use super::*;

    #[test]
    fn what_is_noted_comes_out_once_by_hour_and_by_day() {
        let now = UnixMs(100 * HOUR_MS + 5 * MINUTE_MS);
        let mut pending = Pending::default();
        let accepted = Mark { accepted_at: Some(now.minus(6 * MINUTE_MS)), ..Mark::default() };
        let delivered = Mark { delivered_after_ms: Some(3_000), ..Mark::default() };
        for mark in [&accepted, &delivered, &delivered] {
            pending.note(mark, &[], now);
        }
        let batches = pending.seal([1; 16]);
        let found: Vec<_> = batches.iter().map(|batch| (batch.period, batch.slots.clone())).collect();
        let [minutes_before, minutes, hours] = &found[..] else { panic!("{found:?}") };
        let (before, at) = (now.minus(6 * MINUTE_MS), |grain, at| Period::of(grain, at));
        assert_eq!((minutes_before.0, minutes_before.1[&59].accepted), (at(Grain::Minute, before), 1));
        assert_eq!((minutes.0, minutes.1[&5].delivered), (at(Grain::Minute, now), 2));
        assert_eq!((hours.0, hours.1[&3].accepted, hours.1[&4].delivered), (at(Grain::Hour, now), 1, 2));
        let ids: std::collections::BTreeSet<_> = batches.iter().map(|batch| batch.id.0).collect();
        assert_eq!(ids.len(), 3);
        assert!(pending.seal([2; 16]).is_empty());
    }

    #[test]
    fn what_waits_for_a_store_is_bounded() {
        let mut pending = Pending::default();
        for minute in 0..2 * MINUTES_MAX as u64 {
            let now = UnixMs(minute * MINUTE_MS);
            pending.note(&Mark { accepted_at: Some(now), ..Mark::default() }, &[], now);
        }
        assert_eq!(pending.0.len(), MINUTES_MAX);
    }
}
