//! What the directory tells of how messages fare, read from the store, so that every process tells the same.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use futures::TryStreamExt;
use futures::stream;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::country::Country;
use tiffin_shared::directory::LEARNT_MAX;
use tiffin_shared::directory::Learnt;
use tiffin_shared::id::GatewayId;
use tiffin_shared::route::Way;
use tiffin_shared::route::stats;
use tiffin_shared::route::stats::Figures;
use tiffin_shared::route::stats::RouteStats;
use tokio::time::Instant;

use super::RouteKey;
use crate::app::App;
use crate::gateways::Gateway;
use crate::host;
use crate::store;
use crate::store::Key;

/// How often it is read again. What changes then is a write at the edge.
const PERIOD: Duration = Duration::from_secs(60);
/// Routes read at once.
const READS: usize = 8;

/// As it was last read.
#[derive(Default)]
pub struct Told {
    read_at: Option<Instant>,
    by_gateway: BTreeMap<GatewayId, Vec<Learnt>>,
}

impl Told {
    /// What is told of a gateway.
    pub fn of(&self, gateway: &GatewayId) -> Vec<Learnt> {
        self.by_gateway.get(gateway).cloned().unwrap_or_default()
    }

    /// Reads again, where it is time: the countries that this process was asked for, the busiest first. What cannot be read
    /// stays as it was.
    pub async fn read(&mut self, app: &App) {
        if self.read_at.is_some_and(|at| at.elapsed() < PERIOD) {
            return;
        }
        self.read_at = Some(Instant::now());
        let countries = app.routes.known.countries(LEARNT_MAX);
        let mut by_gateway = BTreeMap::new();
        for gateway in app.gateways.all() {
            let mut learnt = Vec::new();
            for country in countries.iter().filter(|country| gateway.reaches(**country)) {
                let (channel, name) = (gateway.channel(), gateway.name().clone());
                let way = Way { channel, gateway: name, sender: None };
                match look(app, &RouteKey::new(&way, *country)).await {
                    Ok(view) => learnt.extend(Learnt::of(*country, &view)),
                    Err(store::Error::State { .. }) => {}
                    Err(error) => {
                        tracing::warn!(%error, "how messages fare was not read, and is told as it was");
                        return;
                    }
                }
            }
            learnt.sort_by_key(|learnt| learnt.country);
            by_gateway.insert(gateway.name().clone(), learnt);
        }
        self.by_gateway = by_gateway;
    }
}

/// Figures that add nothing only look.
async fn look(app: &App, route: &RouteKey) -> Result<stats::View, store::Error> {
    let nothing = stats::Command { batch: Bytes([0; 16]), figures: Figures::default() };
    app.store.apply::<RouteStats>(&Key::route(&route.to_string()), &nothing, host::now()).await
}

/// How messages fare through a gateway to each country that this process sent to or took orders for, [`LEARNT_MAX`] of them:
/// most sent first, those without a message left out.
pub async fn by_country(
    app: &App,
    gateway: &Gateway,
) -> Result<Vec<(Option<Country>, stats::View)>, store::Error> {
    let sent = app.routes.by_country(gateway).into_iter().map(|(country, _)| country);
    let countries: BTreeSet<_> = sent.chain(app.routes.known.countries(LEARNT_MAX)).collect();
    let reads = stream::iter(countries.into_iter().take(LEARNT_MAX)).map(|country| async move {
        let way = Way { channel: gateway.channel(), gateway: gateway.name().clone(), sender: None };
        match look(app, &RouteKey::new(&way, country)).await {
            Ok(view) => Ok((country, view)),
            Err(error @ store::Error::State { .. }) => {
                tracing::error!(%error, "how messages fare cannot be read");
                Ok((country, stats::View::default()))
            }
            Err(error) => Err(error),
        }
    });
    let mut all: Vec<_> = reads.buffered(READS).try_collect().await?;
    all.retain(|(_, view)| *view != stats::View::default());
    all.sort_by_key(|(_, view)| std::cmp::Reverse(view.sent));
    Ok(all)
}

impl super::Routes {
    /// An order for this country was taken: how messages fare there is worth telling.
    pub fn heard_of(&self, country: Option<Country>) {
        self.known.heard_of(country);
    }

    /// The countries that orders were for, the busiest first.
    pub fn countries(&self, max: usize) -> Vec<Option<Country>> {
        self.known.countries(max)
    }
}
