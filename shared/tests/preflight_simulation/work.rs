//! A delivery worker and its providers: the real order, router and breaker over the market's weather.

use tiffin_shared::bytes::Bytes;
use tiffin_shared::directory::ChargedBy;
use tiffin_shared::directory::Refund;
use tiffin_shared::gateway;
use tiffin_shared::gateway::Calls;
use tiffin_shared::gateway::Gateway;
use tiffin_shared::id::GatewayId;
use tiffin_shared::order::Ask;
use tiffin_shared::order::BillTerms;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Decision;
use tiffin_shared::order::Reason;
use tiffin_shared::order::Receipt;
use tiffin_shared::order::Terms;
use tiffin_shared::price;
use tiffin_shared::price::Currency;
use tiffin_shared::route;
use tiffin_shared::route::Candidate;
use tiffin_shared::route::Health;
use tiffin_shared::route::Offer;
use tiffin_shared::route::Way;
use tiffin_shared::route::stats;
use tiffin_shared::route::stats::Figures;
use tiffin_shared::route::stats::RouteStats;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::wire::job::Header;

use crate::common::fixtures;
use crate::market::Weather;
use crate::world::Event;
use crate::world::World;

/// What stood in an order's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    BreakerOpen,
    Held,
    HoldRefused,
    Lost,
    NumberRefused,
    PriceRose,
    ProviderDown,
    SenderWithdrawn,
    Taken,
}

impl World {
    pub fn work(&mut self, at: usize) {
        let Some(header) = self.runs[at].header.clone() else { return };
        let token = self.market.random.bytes();
        let (offers, probed) = self.offers(at, &header, token);
        self.asks += 1;
        let header_of = Box::new(header.clone());
        self.runs[at].least_micros = offers.iter().filter_map(|offer| offer.price_micros).min().unwrap_or(0);
        let billing = Some(BillTerms {
            currency: Currency::default(),
            max_price_micros: header.max_price_micros,
            refunds: Refund::ALL.to_vec(),
            charged_by: ChargedBy::List,
        });
        let terms = Terms { billing, ..Terms::default() };
        let ask = Ask::Claim { taken_at: None, token, header: header_of, dispatch: None, offers, terms };
        let reply = self.ask_order(at, ask);
        let is_well = match &reply.decision {
            Decision::Send { n, way } => {
                let (n, way) = (*n, way.clone());
                let is_well = self.send(at, n, &way);
                probed.as_ref().filter(|gateway| **gateway == way.gateway).map(|_| is_well)
            }
            _ => None,
        };
        if let Some(gateway) = probed {
            let account = self.market.accounts.iter_mut().find(|it| it.route.gateway == gateway).unwrap();
            account.breaker.ask::<Gateway>(&gateway::Ask::Probed { token, is_well }, self.now);
        }
        self.go_on(at, &reply.decision);
    }

    fn go_on(&mut self, at: usize, decision: &Decision) {
        match decision {
            Decision::AwaitWay(until) | Decision::Hold(until) | Decision::RetryAt(until) => {
                self.work_at(at, (*until).max(self.now.plus(1)));
            }
            Decision::Stop => self.ended(at),
            // The provider's answer says what is next.
            Decision::Send { .. } | Decision::Noted => {}
            Decision::CheckSim { .. } => panic!("no service has the SIM checked here"),
            Decision::Look { .. } => panic!("no outcome is unknown here"),
            Decision::Post(posting) => {
                let wait_ms = self.market.random.between(1, 40);
                self.after(wait_ms, Event::Post { at, posting: posting.clone(), resumes: true });
            }
        }
    }

    fn offers(&mut self, at: usize, header: &Header, token: Bytes<16>) -> (Vec<Offer>, Option<GatewayId>) {
        let (now, channels) = (self.now, header.channels(None));
        // What is left of it, the record keeps.
        let most = header.max_price_micros;
        let (mut candidates, mut probed, mut notes) = (Vec::new(), None, Vec::new());
        for account in &mut self.market.accounts {
            if !channels.contains(&account.route.channel) {
                continue;
            }
            let Some(senders) = account.route.senders_to(header.country) else {
                notes.push(Note::SenderWithdrawn);
                continue;
            };
            let sender = senders.first().map(|sender| sender.id.clone());
            let unit = account.route.prices.unit_micros(Currency::default(), header.country);
            let units = price::units(account.route.channel, header.sms_segments);
            let price_micros = unit.map(|unit| price::total_micros(unit, units));
            if most.is_some() && !price::fits(price_micros, most) {
                notes.push(Note::PriceRose);
                continue;
            }
            let view = account.view(now);
            let mut health = view.health(now);
            if probed.is_none() && view.wants_probe(now) {
                let reply = account.breaker.ask::<Gateway>(&gateway::Ask::Probe(token), now);
                if reply.may_probe {
                    (health, probed) = (Health::Probe, Some(account.route.gateway.clone()));
                }
            }
            if matches!(health, Health::Open { .. }) {
                notes.push(Note::BreakerOpen);
            }
            let nothing = stats::Command { batch: Bytes([0; 16]), figures: Figures::default() };
            let figures = header.country.and_then(|country| account.figures.get(&country));
            let stats = figures.map(|figures| figures.probe::<RouteStats>(&nothing, now));
            let (channel, gateway) = (account.route.channel, account.route.gateway.clone());
            candidates.push(Candidate {
                way: Way { channel, gateway, sender },
                health,
                free_at: view.paused_until,
                priority: 0,
                weight: None,
                stats: stats.unwrap_or_default(),
                window_default_ms: fixtures::WAITING_MS,
                price_micros,
                looks_max: 0,
                polls_max: 0,
                is_mute: false,
            });
        }
        self.runs[at].notes.extend(notes);
        (route::rank(candidates, &channels, &header.order), probed)
    }

    /// Calls the provider. Whether it answered well.
    fn send(&mut self, at: usize, n: u32, way: &Way) -> bool {
        let account = self.market.accounts.iter_mut().find(|it| it.route.gateway == way.gateway).unwrap();
        let random = &mut self.market.random;
        let outcome = match account.weather {
            Weather::Down(permille) if random.chance(permille) => CallOutcome::Failed(Reason::ProviderDown),
            _ if self.runs[at].is_dead => CallOutcome::Failed(Reason::InvalidNumber),
            _ => CallOutcome::Taken { provider_id: format!("m{n}") },
        };
        let second = self.now.0 / SECOND_MS;
        let calls = vec![Calls::ended(second, &outcome)];
        let note = gateway::Ask::Note { batch: random.bytes(), calls, pause_ms: None };
        account.breaker.ask::<Gateway>(&note, self.now);
        self.runs[at].notes.insert(match &outcome {
            CallOutcome::Failed(Reason::ProviderDown) => Note::ProviderDown,
            CallOutcome::Failed(_) => Note::NumberRefused,
            _ => Note::Taken,
        });
        if matches!(outcome, CallOutcome::Taken { .. }) {
            self.fate(at, n, &way.gateway);
        }
        let is_well = !outcome.blames_gateway();
        let reply = self.ask_order(at, Ask::Result { n, outcome });
        self.go_on(at, &reply.decision);
        is_well
    }

    /// Most arrive within seconds, some are refused by the handset's network, some are never heard of again.
    fn fate(&mut self, at: usize, n: u32, gateway: &GatewayId) {
        let random = &mut self.market.random;
        let (receipt, after_ms) = match random.below(100) {
            0..90 => (Receipt::Delivered, random.between(800, 9_000)),
            90..94 => (Receipt::Failed(Reason::AbsentTemporary), random.between(2_000, 6_000)),
            94..96 => (Receipt::Delivered, random.between(20_000, 60_000)),
            _ => {
                self.runs[at].notes.insert(Note::Lost);
                return;
            }
        };
        let by = (n, gateway.clone());
        self.after(after_ms, Event::Receipt { at, by, receipt });
    }

    pub fn receipt(&mut self, at: usize, (n, gateway): (u32, GatewayId), receipt: Receipt) {
        if receipt != Receipt::Delivered {
            self.runs[at].notes.insert(Note::Lost);
        }
        self.ask_order(at, Ask::Receipt { gateway, n, provider_id: format!("m{n}"), receipt, cost: None });
        if receipt == Receipt::Delivered {
            self.arrived(at);
        }
        if self.runs[at].end.is_none() {
            self.work_at(at, self.now.plus(1));
        }
    }
}
