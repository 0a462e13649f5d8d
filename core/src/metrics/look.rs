//! What is not counted but looked at: how things are in this process at the moment of a scrape.

use prometheus_client::registry::Registry;
use tiffin_shared::gateway::Forced;
use tiffin_shared::gateway::Phase;
use tiffin_shared::gateway::View;
use tiffin_shared::wire::api::Channel;

use super::Metrics;
use super::deliver::seconds;
use super::family::Gauges;
use super::limits::Limit;
use super::limits::count;
use crate::admin;
use crate::app::App;
use crate::app::BACKGROUND_MAX;
use crate::app::Role;
use crate::config::names;
use crate::host;
use crate::reports;
use crate::webhooks;

/// Countries with series of their own: those that most orders were for.
pub(super) const COUNTRIES_MAX: usize = 50;

/// Gauges that are set at each look.
pub struct Looked {
    roles: Gauges<1>,
    breakers: Gauges<1>,
    pauses: Gauges<1>,
    gateways: Gauges<1>,
    gateways_up: Gauges<1>,
    oldest_report: Gauges<0>,
    unlogged: Gauges<0>,
    keys: Gauges<1>,
}

impl Looked {
    pub(super) fn new(registry: &mut Registry) -> Self {
        Self {
            roles: Gauges::new(registry, "tiffin_role", "1 for each role of the process", ["role"]),
            breakers: Gauges::new(
                registry,
                "tiffin_breaker_state",
                "0 closed, 1 half-open, 2 open, as the fleet finds the gateway or an operator holds it",
                ["gateway"],
            ),
            pauses: Gauges::new(
                registry,
                "tiffin_gateway_pause_seconds",
                "How much longer the provider asked to be left alone",
                ["gateway"],
            ),
            gateways: Gauges::new(
                registry,
                "tiffin_country_gateways",
                "Gateways that reach phones of a country",
                ["country"],
            ),
            gateways_up: Gauges::new(
                registry,
                "tiffin_country_gateways_up",
                "Of them, those whose breaker lets calls through",
                ["country"],
            ),
            oldest_report: Gauges::new(
                registry,
                "tiffin_reports_oldest_seconds",
                "How long the news of an order has waited for its request to the edge",
                [],
            ),
            unlogged: Gauges::new(
                registry,
                "tiffin_admin_unlogged",
                "Changes of operators that the audit log does not have yet",
                [],
            ),
            keys: Gauges::new(
                registry,
                "tiffin_key_in_use_timestamp_seconds",
                "Since when a ring's key is in use, as `tiffin keys` wrote it down",
                ["ring"],
            ),
        }
    }

    pub(super) fn roles(&self, roles: &[Role]) {
        for role in roles {
            let name = match role {
                Role::Callbacks => "callbacks",
                Role::Deliver => "deliver",
                Role::Ingest => "ingest",
                Role::Ops => "ops",
                Role::Public => "public",
            };
            self.roles.set([name], 1.0);
        }
    }

    pub(super) fn look(&self, metrics: &Metrics, app: &App) {
        self.gateways(app);
        self.countries(app);
        self.oldest_report.set([], app.reports.oldest().as_secs_f64());
        self.unlogged.set([], count(app.settled.current().unlogged.len()));
        let since = app.config.environment.get(names::KEYS_IN_USE_SINCE).unwrap_or_default();
        self.keys.replace(rings(&since).map(|(ring, at_s)| ([ring], at_s)));
        let limits = &metrics.limits;
        limits.look();
        let background = BACKGROUND_MAX.saturating_sub(app.background.available_permits());
        limits.set(Limit::Background, background, BACKGROUND_MAX);
        limits.set(Limit::Reports, app.reports.waiting(), reports::WAITING_MAX);
        limits.set(Limit::Webhooks, app.hooks.under_way(), webhooks::SENDS_MAX);
        if app.ledgers.is_some() {
            let watchers_max = usize::from(app.config.file.server.watchers_max);
            limits.set(Limit::Watchers, app.watchers.waiting(), watchers_max);
        }
    }

    fn gateways(&self, app: &App) {
        let now = host::now();
        for gateway in app.gateways.all() {
            let (name, view) = (gateway.name().as_str(), app.routes.view(gateway.name()));
            self.breakers.set([name], stand(&view));
            self.pauses.set([name], seconds(view.paused_until.since(now)));
        }
    }

    fn countries(&self, app: &App) {
        let settled = app.settled.current();
        let of = |country| {
            let phones = app.gateways.all().iter().filter(|gateway| gateway.channel() != Channel::Email);
            let reach: Vec<_> =
                phones.filter(|gateway| admin::reaches(&settled, gateway, Some(country))).collect();
            let up = reach.iter().filter(|gateway| app.routes.view(gateway.name()).is_closed()).count();
            (country, reach.len(), up)
        };
        let heard = app.routes.countries(COUNTRIES_MAX);
        let all: Vec<_> = heard.into_iter().flatten().map(of).collect();
        self.gateways.replace(all.iter().map(|(country, reach, _)| ([country.as_str()], count(*reach))));
        self.gateways_up.replace(all.iter().map(|(country, _, up)| ([country.as_str()], count(*up))));
    }
}

fn stand(view: &View) -> f64 {
    match (view.forced, &view.phase) {
        (Some(Forced::Open), _) | (None, Phase::Open { .. }) => 2.0,
        (None, Phase::HalfOpen { .. }) => 1.0,
        (Some(Forced::Closed), _) | (None, Phase::Closed) => 0.0,
    }
}

/// `ring=seconds,ring=seconds`, seconds since 1970. What does not parse is left out.
fn rings(text: &str) -> impl Iterator<Item = (&str, f64)> {
    text.split(',').filter_map(|one| {
        let (ring, at_s) = one.split_once('=')?;
        Some((ring, at_s.parse().ok()?))
    })
}
