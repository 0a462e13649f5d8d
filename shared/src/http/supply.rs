//! What there is for an order: the ways it may take now, what they cost, and how they fare.

use super::Visit;
use super::findings::Findings;
use super::findings::Refused;
use super::quote::Bound;
use super::quote::Ticket;
use super::quote::VALID_MS;
use super::stock;
use crate::country::Country;
use crate::directory;
use crate::directory::Caller;
use crate::directory::KeyKind;
use crate::directory::Risk;
use crate::directory::Service;
use crate::directory::Stock;
use crate::id::ServiceId;
use crate::keys::IndexKey;
use crate::price;
use crate::price::Currency;
use crate::price::Money;
use crate::problem::Code;
use crate::problem::Problem;
use crate::text::Locale;
use crate::text::Wanted;
use crate::wire::api;
use crate::wire::api::Channel;
use crate::wire::api::ChannelChoice;
use crate::wire::api::CheckName;
use crate::wire::api::CreateOrder;
use crate::wire::api::QuotedChannel;

const TOO_LOW: &str = "The balance does not cover another order.";
const CAP_REACHED: &str = "What the tenant may spend in a day on this country does not cover another order.";

/// What is asked for.
pub(super) struct Wish<'a> {
    pub(super) visit: &'a Visit<'a>,
    pub(super) index: &'a IndexKey,
    pub(super) caller: &'a Caller<'a>,
    pub(super) body: &'a CreateOrder,
    pub(super) service: (&'a ServiceId, &'a Service),
    pub(super) country: Option<Country>,
    pub(super) risk: Risk,
    pub(super) by_phone: bool,
    pub(super) by_email: bool,
}

/// What there is.
pub(super) struct Supply {
    /// The best way.
    pub(super) channel: Channel,
    /// The best way for an order that turns out to be risky.
    pub(super) safer_channel: Option<Channel>,
    /// Where it may fail over to: nowhere else, where its caller named the channel.
    pub(super) channels: Vec<Channel>,
    pub(super) max_price_micros: Option<u64>,
    pub(super) sms_segments: Option<u8>,
    pub(super) quote: Option<api::Quote>,
    pub(super) predicted: api::Predicted,
}

/// What an order may cost.
struct Ceiling {
    most_micros: Option<u64>,
    /// By a quote, one message by each channel in it, and none by another.
    quoted: Option<Vec<(Channel, u64)>>,
}

impl Wish<'_> {
    /// Whether an order of this risk may go by this channel.
    fn takes(&self, channel: Channel, risk: Risk) -> bool {
        risk.permits(channel, self.by_phone, self.by_email) && self.body.channel.allows(channel)
    }

    fn currency(&self) -> Currency {
        self.visit.directory.currency_of(self.caller.id)
    }

    fn is_shown_prices(&self) -> bool {
        self.caller.key.kind == KeyKind::Secret
    }

    fn wanted(&self) -> Wanted {
        match (&self.body.binding, &self.body.code) {
            (Some(binding), _) if binding.is_ascii() => Wanted::Payment,
            (Some(_), _) => Wanted::WidePayment,
            (None, Some(_)) => Wanted::OwnCode,
            (None, None) => Wanted::Code,
        }
    }

    fn sms_segments(&self) -> Option<u8> {
        let texts = self.service.1.texts.as_ref().filter(|_| self.by_phone)?;
        let locale = self.body.locale.as_deref().map_or_else(Locale::english, Locale::read);
        Some(texts.segments(&locale, self.country, self.wanted()))
    }

    fn bound(&self) -> Bound<'_> {
        Bound { tenant: self.caller.id, service: self.service.0, country: self.country }
    }

    fn ceiling(&self) -> Result<Ceiling, Problem> {
        let most_micros = self.body.max_price.map(|money| money.amount_micros);
        let Some(text) = &self.body.quote else { return Ok(Ceiling { most_micros, quoted: None }) };
        let ticket = Ticket::read(text, self.index, &self.bound(), self.visit.now)?;
        if ticket.currency != self.currency() {
            let detail = "quote: your prices are in another currency by now. Ask for a new one.";
            return Err(Problem::new(Code::QuoteMismatch, detail));
        }
        let most_micros = most_micros.map_or(ticket.most_micros, |most| most.min(ticket.most_micros));
        Ok(Ceiling { most_micros: Some(most_micros), quoted: Some(ticket.totals) })
    }

    /// Looks at everything that an order takes.
    pub(super) fn supply(&self, findings: &mut Findings) -> Result<Supply, Refused> {
        let currency = self.currency();
        if self.body.max_price.is_some_and(|money| money.currency != currency) {
            let detail = format!("max_price.currency: your prices are in {currency}");
            return Err(super::create::invalid(detail).into());
        }
        let (service, directory) = (self.service.1, self.visit.directory);
        let all = directory.inventory(service, self.country, self.wanted().is_payment());
        let own: Vec<&Stock<'_>> = all.iter().filter(|it| self.takes(it.route.channel, self.risk)).collect();
        let ways = directory::taken(&all).filter(|it| self.takes(it.route.channel, self.risk));
        let ways: Vec<&Stock<'_>> = ways.collect();
        stock::look(&own, &ways, self.risk, findings)?;
        let segments = self.sms_segments();
        let total = |it: &Stock<'_>| it.total_micros(currency, self.country, segments);
        let (ceiling, within) = self.within(&ways, total, findings);
        // What is refused for its price is still described: by the ways that it cannot pay for.
        let taken = if within.is_empty() { &ways } else { &within };
        self.balance(taken, total, findings);
        let quote = self.quote(taken, ceiling.as_ref(), segments);
        if self.body.quote.is_none() && self.body.max_price.is_none() {
            self.prices(taken, quote.as_ref(), total, findings);
        }
        let first = |risk| taken.iter().map(|it| it.route.channel).find(|way| self.takes(*way, risk));
        let channel = first(self.risk).ok_or_else(|| Refused::from(stock::no_route(self.risk)))?;
        Ok(Supply {
            channel,
            safer_channel: first(Risk::High),
            channels: if self.body.channel == ChannelChoice::Auto { channels(taken) } else { Vec::new() },
            max_price_micros: ceiling.and_then(|ceiling| ceiling.most_micros),
            sms_segments: segments,
            predicted: self.predicted(channel, taken),
            quote,
        })
    }

    /// The ways that cost no more than the order may; all of them where it may cost anything.
    fn within<'s, 'd>(
        &self,
        ways: &[&'s Stock<'d>],
        total: impl Fn(&Stock<'_>) -> Option<u64>,
        findings: &mut Findings,
    ) -> (Option<Ceiling>, Vec<&'s Stock<'d>>) {
        let ceiling = match self.ceiling() {
            Ok(ceiling) => ceiling,
            Err(problem) => {
                findings.fail(CheckName::Price, problem);
                return (None, ways.to_vec());
            }
        };
        let Some(most_micros) = ceiling.most_micros else { return (Some(ceiling), ways.to_vec()) };
        let fits = |it: &Stock<'_>| {
            let of = |(channel, _): &&(Channel, u64)| *channel == it.route.channel;
            let quoted =
                ceiling.quoted.as_ref().map(|totals| totals.iter().find(of).map(|(_, total)| *total));
            let left = quoted.map_or(Some(most_micros), |total| total.map(|total| total.min(most_micros)));
            left.is_some_and(|left| price::fits(total(it), Some(left)))
        };
        let within: Vec<&Stock<'_>> = ways.iter().copied().filter(|it| fits(it)).collect();
        let most = Money { amount_micros: most_micros, currency: self.currency() };
        if within.is_empty() {
            let cheapest = ways.iter().filter_map(|it| total(it)).min();
            let now = cheapest.map_or_else(
                || "no way there has a price in that currency".to_owned(),
                |amount_micros| format!("the cheapest way costs {}", Money { amount_micros, ..most }),
            );
            let detail =
                format!("It may cost {most} at most, and {now}. Allow more, or ask for a new quote.");
            findings.fail(CheckName::Price, Problem::new(Code::PriceExceeded, detail));
        } else if within.len() < ways.len() {
            let left_out = ways.len() - within.len();
            let detail = format!(
                "at most {most}, as asked: {left_out} of {} ways cost more, or have no price",
                ways.len()
            );
            findings.warn(CheckName::Price, detail);
        } else {
            findings.pass(CheckName::Price, format!("at most {most}, as asked"));
        }
        (Some(ceiling), within)
    }

    /// Of an order without a ceiling.
    fn prices(
        &self,
        ways: &[&Stock<'_>],
        quote: Option<&api::Quote>,
        total: impl Fn(&Stock<'_>) -> Option<u64>,
        findings: &mut Findings,
    ) {
        let unpriced: Vec<_> = ways.iter().filter(|it| total(it).is_none()).collect();
        // What a publishable key must not see of prices, it is not warned of either.
        let pays = self.caller.tenant.billing.is_some() && self.is_shown_prices();
        match (quote, unpriced.first()) {
            (Some(quote), None) => {
                let most = Money { amount_micros: quote.most_micros, currency: quote.currency };
                findings.pass(CheckName::Price, format!("at most {most}"));
            }
            (_, Some(_)) if pays && unpriced.len() == ways.len() => {
                let detail =
                    format!("no way there has a price in {}: an order costs nothing", self.currency());
                findings.warn(CheckName::Price, detail);
            }
            (Some(_), Some(first)) => {
                let (gateway, currency) = (&first.route.gateway, self.currency());
                let detail = format!("{gateway} has no price in {currency}: its channel is not in the quote");
                findings.warn(CheckName::Price, detail);
            }
            (None, _) => findings.pass(CheckName::Price, "no price is listed for it"),
        }
    }

    /// Told as coarsely as the directory has it: what may still be enough is core's to say.
    fn balance(
        &self,
        ways: &[&Stock<'_>],
        total: impl Fn(&Stock<'_>) -> Option<u64>,
        findings: &mut Findings,
    ) {
        let refused = |detail| Problem::new(Code::InsufficientBalance, detail);
        // What has no price costs nothing.
        let prices: Vec<u64> = ways.iter().map(|it| total(it).unwrap_or(0)).collect();
        let (least, most) = (prices.iter().min().copied(), prices.iter().max().copied());
        let balance = self.visit.directory.balances.get(self.caller.id);
        let balance = balance.filter(|_| self.caller.tenant.billing.is_some());
        if self.caller.tenant.funds == directory::Funds::Exhausted {
            return findings.fail(CheckName::Balance, refused(TOO_LOW));
        }
        let Some(balance) = balance else { return findings.pass(CheckName::Balance, "the tenant can pay") };
        let (all, left) = (balance.micros_to(None), balance.micros_to(self.country));
        let amount = Money { amount_micros: *left.start(), currency: balance.currency };
        if *left.end() < least.unwrap_or(0) {
            let is_capped = *all.end() >= least.unwrap_or(0);
            findings.fail(CheckName::Balance, refused(if is_capped { CAP_REACHED } else { TOO_LOW }));
        } else if *left.start() < most.unwrap_or(0) {
            let detail = format!("{amount} is left, at least: not enough for every way. Top it up.");
            findings.warn(CheckName::Balance, detail);
        } else {
            findings.pass(CheckName::Balance, format!("{amount} is left, at least"));
        }
    }

    /// One message by each channel whose ways all have a price; nothing where none has.
    fn quote(
        &self,
        ways: &[&Stock<'_>],
        ceiling: Option<&Ceiling>,
        segments: Option<u8>,
    ) -> Option<api::Quote> {
        let (now, currency) = (self.visit.now, self.currency());
        let dearest = |channel: &Channel| {
            let of = ways.iter().filter(|it| it.route.channel == *channel);
            let prices = of.map(|it| it.route.prices.unit_micros(currency, self.country));
            let unit_micros = prices.collect::<Option<Vec<_>>>()?.into_iter().max()?;
            let (channel, units) = (*channel, price::units(*channel, segments));
            let total_micros = price::total_micros(unit_micros, units);
            Some(QuotedChannel { channel, unit_micros, units, total_micros })
        };
        let quoted: Vec<_> = channels(ways).iter().filter_map(dearest).collect();
        if quoted.is_empty() || !self.is_shown_prices() {
            return None;
        }
        let sum = quoted.iter().fold(0_u64, |sum, one| sum.saturating_add(one.total_micros));
        let most_micros = ceiling.and_then(|ceiling| ceiling.most_micros).map_or(sum, |most| most.min(sum));
        let valid_until = now.plus(VALID_MS);
        let totals = quoted.iter().map(|one| (one.channel, one.total_micros)).collect();
        let ticket = Ticket { valid_until, currency, most_micros, totals };
        Some(api::Quote {
            id: ticket.write(self.index, &self.bound()),
            currency,
            valid_until: valid_until.rfc3339(),
            channels: quoted,
            most_micros,
        })
    }

    /// By the slowest and the worst of the ways that the first message may take: the router chooses among them later.
    fn predicted(&self, channel: Channel, ways: &[&Stock<'_>]) -> api::Predicted {
        let of = ways.iter().filter(|it| it.route.channel == channel);
        let learnt: Vec<_> = of.filter_map(|it| it.route.learnt_of(self.country)).collect();
        let window_ms = learnt.iter().map(|learnt| learnt.window_ms).max();
        let percent = learnt.iter().map(|learnt| learnt.delivered_percent).min();
        api::Predicted {
            channel,
            waiting_ms: window_ms.unwrap_or(self.service.1.waiting_ms),
            delivered_percent: percent.filter(|_| self.is_shown_prices()),
        }
    }
}

/// Each once, best first.
fn channels(ways: &[&Stock<'_>]) -> Vec<Channel> {
    let mut channels = Vec::new();
    for it in ways {
        if !channels.contains(&it.route.channel) {
            channels.push(it.route.channel);
        }
    }
    channels
}
