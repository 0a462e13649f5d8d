//! What this process knows of the ways out: breakers, paces and figures, its own and the fleet's. Decides nothing: the
//! machines and the router do, in `tiffin_shared`.
//!
//! Nothing waits for the store here. What calls came to is counted in memory and handed over a few times a second; how
//! the fleet finds each gateway comes back with it, and is read at least twice a second.

mod flush;
mod known;
mod pace;
mod told;

use std::pin::pin;
use std::time::Duration;

use tiffin_shared::bytes::Bytes;
use tiffin_shared::country::Country;
use tiffin_shared::gateway;
use tiffin_shared::gateway::Calls;
use tiffin_shared::gateway::Forced;
use tiffin_shared::gateway::View;
use tiffin_shared::id::GatewayId;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Learnt;
use tiffin_shared::order::Lesson;
use tiffin_shared::price;
use tiffin_shared::route;
use tiffin_shared::route::Candidate;
use tiffin_shared::route::Health;
use tiffin_shared::route::Offer;
use tiffin_shared::route::Way;
use tiffin_shared::route::stats;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;
use tiffin_shared::wire::job::Header;
use tokio::time::sleep;
use tokio::time::timeout;

use self::flush::Unsent;
pub use self::flush::flush;
pub use self::flush::run;
use self::known::Known;
use self::known::RouteKey;
use self::pace::Paces;
use self::pace::Sending;
pub use self::told::Told;
pub use self::told::by_country;
use crate::admin;
use crate::app::App;
use crate::gateways::Gateway;
use crate::host;
use crate::money;
use crate::store;
use crate::store::Key;

/// How often who waits for a slow call looks at the breaker.
const LOOK_PERIOD: Duration = Duration::from_millis(100);

/// What this process knows.
#[derive(Default)]
pub struct Routes {
    known: Known,
    paces: Paces,
    /// What the store has not taken yet.
    unsent: tokio::sync::Mutex<Unsent>,
    /// Rung when a call failed, so that the fleet hears of it soon.
    failed: tokio::sync::Notify,
}

/// A call that finds out whether a gateway is back.
pub struct Probe {
    gateway: GatewayId,
    token: Bytes<16>,
}

impl Routes {
    /// How the fleet finds a gateway, as of half a second ago at most.
    pub fn view(&self, gateway: &GatewayId) -> View {
        self.known.view(gateway)
    }

    /// How messages fared through a gateway of late: to one country, or to all together. As the fleet found it the last time
    /// that this process sent there.
    pub fn fared(&self, gateway: &Gateway, country: Option<Country>) -> stats::View {
        self.known.fared((gateway.name(), gateway.channel()), country)
    }

    /// The same for each country that this process has sent to.
    pub fn by_country(&self, gateway: &Gateway) -> Vec<(Option<Country>, stats::View)> {
        self.known.by_country((gateway.name(), gateway.channel()))
    }

    /// Takes the place of one message at this worker's share of the pace of its gateway and sender: how many milliseconds to
    /// wait for it. One that is further away than `most_ms` is not taken.
    pub fn take_turn(&self, gateway: &Gateway, way: &Way, workers: u32, most_ms: u64, now: UnixMs) -> u64 {
        let senders = &gateway.settings().senders;
        let sender = senders.iter().find(|sender| way.sender.as_ref() == Some(&sender.id));
        self.paces.take(Sending { gateway, sender }, workers, most_ms, now)
    }

    /// Makes a call and counts what it comes to, and while it is still open that it is slow. And whether it is well.
    ///
    /// Where the order `has_others`, other ways that are in use, it waits no longer for a slow call than until the
    /// gateway's breaker is open, and then asks the provider what came of it.
    pub async fn counted(
        &self,
        gateway: &GatewayId,
        has_others: bool,
        call: impl Future<Output = CallOutcome>,
    ) -> (CallOutcome, bool) {
        let mut call = pin!(call);
        let slow = Duration::from_millis(gateway::SLOW_MS);
        if let Ok(outcome) = timeout(slow, &mut call).await {
            self.note(gateway, Calls::ended(second(), &outcome), &outcome);
            let is_well = !outcome.blames_gateway();
            return (outcome, is_well);
        }
        let second = second();
        self.note(gateway, Calls::is_slow(second), &CallOutcome::Unknown);
        let outcome = tokio::select! {
            outcome = call => outcome,
            () = self.opened(gateway), if has_others => return (CallOutcome::Unknown, false),
        };
        self.note(gateway, Calls::came_late(second, &outcome), &outcome);
        (outcome, false)
    }

    async fn opened(&self, gateway: &GatewayId) {
        while self.view(gateway).is_closed() {
            sleep(LOOK_PERIOD).await;
        }
    }

    fn note(&self, gateway: &GatewayId, count: Calls, outcome: &CallOutcome) {
        let pause_ms = match outcome {
            CallOutcome::Throttled { retry_after_ms } => *retry_after_ms,
            CallOutcome::Failed(_) | CallOutcome::Taken { .. } | CallOutcome::Unknown => None,
        };
        self.known.count(gateway, count, pause_ms);
        if count.failed + count.slow > 0 || pause_ms.is_some() {
            self.failed.notify_one();
        }
    }

    /// Counts what became of a message.
    pub fn learn(&self, lesson: &Lesson) {
        let key = RouteKey::new(&lesson.way, lesson.country);
        self.known.learn(&key, |figures| match lesson.what {
            Learnt::Delivered { after_ms } => figures.arrived(after_ms),
            Learnt::Lost { why } => figures.lost(why),
            Learnt::NotTaken(reason) => figures.not_taken(reason),
            Learnt::Taken { is_checked } => figures.took(is_checked),
            Learnt::Verified => figures.verified = figures.verified.saturating_add(1),
        });
    }

    /// Gives back a probe that was not made, or tells what it came to.
    pub async fn probed(app: &App, probe: Probe, is_well: Option<bool>) {
        let ask = gateway::Ask::Probed { token: probe.token, is_well };
        if let Err(error) = ask_gateway(app, &probe.gateway, &ask).await {
            tracing::warn!(%error, gateway = %probe.gateway, "the end of a probe was not told; its lease runs out");
        }
    }
}

/// Which gateways an order may find out about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probes {
    /// None.
    None,
    /// Those that it would use first of all: where a better channel is up, it would not make the probe.
    OfFirstChoice,
    /// Any: nothing that is up carries it.
    All,
}

/// The ways that may carry an order now, best first. Where `probes` has it, the fleet's one probe of a gateway may be among
/// them, and comes back for [`Routes::probed`].
pub async fn offers(
    app: &App,
    header: &Header,
    channels: &[Channel],
    window_default_ms: u64,
    probes: Probes,
) -> (Vec<Offer>, Option<Probe>) {
    let now = host::now();
    let mut probe = None;
    let mut candidates = Vec::new();
    // What the order may cost at most binds every one of its messages; what is left of it, the record keeps.
    let (directory, most_micros) = (app.directory.current(), header.max_price_micros);
    let price_micros = |gateway: &Gateway| money::price::of_message(&directory, gateway, header);
    let fits = |gateway: &Gateway| most_micros.is_none() || price::fits(price_micros(gateway), most_micros);
    let settled = app.settled.current();
    let carry = |gateway: &&Gateway| {
        channels.contains(&gateway.channel())
            && admin::reaches(&settled, gateway, header.country)
            && fits(gateway)
    };
    let rank = |gateway: &Gateway| channels.iter().position(|channel| *channel == gateway.channel());
    let is_up = |gateway: &&Gateway| app.routes.view(gateway.name()).is_closed();
    let best_up = app.gateways.all().iter().filter(carry).filter(is_up).map(rank).min();
    for gateway in app.gateways.all().iter().filter(carry) {
        let view = app.routes.view(gateway.name());
        let mut health = view.health(now);
        let may_probe = match probes {
            Probes::None => false,
            Probes::OfFirstChoice => best_up.is_none_or(|best| rank(gateway) <= best),
            Probes::All => true,
        };
        if may_probe && probe.is_none() && view.wants_probe(now) {
            probe = begin_probe(app, gateway.name()).await;
            if probe.is_some() {
                health = Health::Probe;
            }
        }
        for sender in gateway.senders(header.country) {
            let sending = Sending { gateway, sender };
            candidates.push(candidate(app, sending, header, (&view, health), window_default_ms, now));
        }
    }
    (route::rank(candidates, channels, &header.order), probe)
}

fn candidate(
    app: &App,
    sending: Sending<'_>,
    header: &Header,
    (view, health): (&View, Health),
    window_default_ms: u64,
    now: UnixMs,
) -> Candidate {
    let gateway = sending.gateway;
    let sender = sending.sender.map(|sender| sender.id.clone());
    let way = Way { channel: gateway.channel(), gateway: gateway.name().clone(), sender };
    let paced_until = now.plus(app.routes.paces.wait_ms(sending, now));
    Candidate {
        health,
        free_at: view.paused_until.max(paced_until),
        priority: admin::priority(&app.settled.current(), gateway),
        weight: admin::weight(&app.settled.current(), gateway),
        stats: app.routes.known.figures(&RouteKey::new(&way, header.country)),
        window_default_ms,
        price_micros: money::price::of_message(&app.directory.current(), gateway, header),
        looks_max: gateway.looks_max(),
        polls_max: gateway.polls_max(),
        is_mute: !gateway.tells_arrival(),
        way,
    }
}

async fn begin_probe(app: &App, gateway: &GatewayId) -> Option<Probe> {
    let token = Bytes(host::random().ok()?);
    let asked = ask_gateway(app, gateway, &gateway::Ask::Probe(token)).await;
    let asked = asked.inspect_err(|error| tracing::warn!(%error, %gateway, "cannot ask for a probe"));
    asked.ok()?.may_probe.then(|| Probe { gateway: gateway.clone(), token })
}

/// Holds a gateway's breaker open or closed, or lets it go.
pub async fn force(app: &App, gateway: &GatewayId, forced: Option<Forced>) -> Result<View, store::Error> {
    ask_gateway(app, gateway, &gateway::Ask::Force(forced)).await.map(|reply| reply.view)
}

async fn ask_gateway(
    app: &App,
    gateway: &GatewayId,
    ask: &gateway::Ask,
) -> Result<gateway::Reply, store::Error> {
    let key = Key::gateway(gateway);
    let reply = app.store.apply::<gateway::Gateway>(&key, ask, host::now()).await?;
    if let Some(change) = &reply.change {
        app.metrics.moved(gateway, change.to);
        tracing::warn!(%gateway, to = ?change.to, because = change.because, "breaker");
    }
    app.routes.known.saw(gateway, reply.view.clone());
    Ok(reply)
}

fn second() -> u64 {
    host::now().0 / SECOND_MS
}

impl Probe {
    /// Whether it is this gateway that is probed.
    pub fn is_of(&self, gateway: &GatewayId) -> bool {
        self.gateway == *gateway
    }
}
