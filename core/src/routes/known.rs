//! Views of the fleet's knowledge, and counts that wait to become part of it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tiffin_shared::country::Country;
use tiffin_shared::gateway::Calls;
use tiffin_shared::gateway::View;
use tiffin_shared::id::GatewayId;
use tiffin_shared::route::Way;
use tiffin_shared::route::stats;
use tiffin_shared::route::stats::Figures;
use tiffin_shared::wire::api::Channel;

/// Seconds of calls kept per gateway while the store is away: the breaker looks back no further.
const SECONDS_MAX: usize = 64;
/// Routes whose figures are kept: every country over a dozen gateways. Those beyond it are unknown to the router.
const ROUTES_MAX: usize = 4_096;

/// What figures are kept by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RouteKey {
    gateway: GatewayId,
    channel: Channel,
    country: Option<Country>,
}

#[derive(Default)]
pub(super) struct Known {
    gateways: Mutex<BTreeMap<GatewayId, AGateway>>,
    routes: Mutex<BTreeMap<RouteKey, ARoute>>,
    /// Orders by country: no more than there are codes of countries.
    heard: Mutex<BTreeMap<Option<Country>, u64>>,
}

#[derive(Default)]
struct AGateway {
    view: Option<View>,
    calls: Vec<Calls>,
    pause_ms: Option<u64>,
}

#[derive(Default)]
struct ARoute {
    view: stats::View,
    figures: Figures,
}

/// Calls that wait to be handed over.
pub(super) struct Waiting {
    pub(super) calls: Vec<Calls>,
    pub(super) pause_ms: Option<u64>,
}

impl RouteKey {
    pub(super) fn new(way: &Way, country: Option<Country>) -> Self {
        Self { gateway: way.gateway.clone(), channel: way.channel, country }
    }
}

impl fmt::Display for RouteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let country = self.country.as_ref().map_or("--", Country::as_str);
        write!(f, "{}/{}/{country}", self.gateway, self.channel.as_str())
    }
}

impl Known {
    pub(super) fn view(&self, gateway: &GatewayId) -> View {
        lock(&self.gateways).get(gateway).and_then(|it| it.view.clone()).unwrap_or_else(View::unknown)
    }

    pub(super) fn saw(&self, gateway: &GatewayId, view: View) {
        lock(&self.gateways).entry(gateway.clone()).or_default().view = Some(view);
    }

    /// What came of a call, or of more of them; and a pause that was asked for.
    pub(super) fn count(&self, gateway: &GatewayId, call: Calls, pause_ms: Option<u64>) {
        let mut gateways = lock(&self.gateways);
        let it = gateways.entry(gateway.clone()).or_default();
        it.pause_ms = it.pause_ms.max(pause_ms);
        if call == (Calls { second: call.second, ..Calls::default() }) {
            return;
        }
        match it.calls.iter_mut().rev().find(|slot| slot.second == call.second) {
            Some(slot) => slot.add(&call),
            None => {
                if it.calls.len() >= SECONDS_MAX {
                    it.calls.remove(0);
                }
                it.calls.push(call);
            }
        }
    }

    /// Takes the counts of a gateway; nothing where there are none.
    pub(super) fn take_calls(&self, gateway: &GatewayId) -> Option<Waiting> {
        let mut gateways = lock(&self.gateways);
        let it = gateways.get_mut(gateway)?;
        let waiting = Waiting { calls: std::mem::take(&mut it.calls), pause_ms: it.pause_ms.take() };
        (!waiting.calls.is_empty() || waiting.pause_ms.is_some()).then_some(waiting)
    }

    pub(super) fn figures(&self, route: &RouteKey) -> stats::View {
        lock(&self.routes).get(route).map(|it| it.view.clone()).unwrap_or_default()
    }

    /// Of one country, or of all together.
    pub(super) fn fared(&self, of: (&GatewayId, Channel), country: Option<Country>) -> stats::View {
        let routes = lock(&self.routes);
        let is_it = |key: &&RouteKey| (&key.gateway, key.channel) == of;
        let own =
            routes.iter().filter(|(key, _)| is_it(key) && (country.is_none() || key.country == country));
        stats::View::sum(own.map(|(_, it)| it.view.clone()))
    }

    /// By country; of those that are not known by none.
    pub(super) fn by_country(&self, of: (&GatewayId, Channel)) -> Vec<(Option<Country>, stats::View)> {
        let routes = lock(&self.routes);
        let own = routes.iter().filter(|(key, _)| (&key.gateway, key.channel) == of);
        own.map(|(key, it)| (key.country, it.view.clone())).collect()
    }

    pub(super) fn learn(&self, route: &RouteKey, add: impl FnOnce(&mut Figures)) {
        let mut routes = lock(&self.routes);
        if routes.len() >= ROUTES_MAX && !routes.contains_key(route) {
            return;
        }
        add(&mut routes.entry(route.clone()).or_default().figures);
    }

    pub(super) fn knows(&self, route: &RouteKey, view: stats::View) {
        lock(&self.routes).entry(route.clone()).or_default().view = view;
    }

    pub(super) fn heard_of(&self, country: Option<Country>) {
        let mut heard = lock(&self.heard);
        let orders = heard.entry(country).or_default();
        *orders = orders.saturating_add(1);
    }

    /// The countries that orders were for, the busiest first.
    pub(super) fn countries(&self, max: usize) -> Vec<Option<Country>> {
        let mut heard: Vec<_> =
            lock(&self.heard).iter().map(|(country, orders)| (*country, *orders)).collect();
        heard.sort_by_key(|(_, orders)| std::cmp::Reverse(*orders));
        heard.into_iter().take(max).map(|(country, _)| country).collect()
    }

    /// Takes every route's counts.
    pub(super) fn take_figures(&self) -> Vec<(RouteKey, Figures)> {
        let mut routes = lock(&self.routes);
        let some = routes.iter_mut().filter(|(_, it)| it.figures != Figures::default());
        some.map(|(key, it)| (key.clone(), std::mem::take(&mut it.figures))).collect()
    }
}

/// No step under these locks can leave half a change, so a panic elsewhere does not spoil them.
fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
