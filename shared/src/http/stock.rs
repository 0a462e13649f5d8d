//! Checks of the ways there are: how many, as whom they send, what is registered, and whether their breakers are closed.

use super::findings::Findings;
use super::findings::Refused;
use crate::directory::Hindrance;
use crate::directory::Risk;
use crate::directory::Stock;
use crate::problem::Code;
use crate::problem::Problem;
use crate::sender;
use crate::wire::api::Channel;
use crate::wire::api::CheckName;

const HIDES_PAYMENTS: &str =
    "No route for the address and channel shows what the code approves, and the payer must read it.";

/// `own` are the ways of the order's channels, `taken` those of them that would be taken now.
pub(super) fn look(
    own: &[&Stock<'_>],
    taken: &[&Stock<'_>],
    risk: Risk,
    findings: &mut Findings,
) -> Result<(), Refused> {
    if own.is_empty() {
        return Err(findings.refuse(CheckName::Inventory, no_route(risk)));
    }
    let hindered = |by: fn(Hindrance) -> bool| own.iter().filter(move |it| it.hindrance.is_some_and(by));
    let (no_sender, unregistered): (Vec<_>, Vec<_>) = (
        hindered(|why| matches!(why, Hindrance::Sender)).collect(),
        hindered(|why| matches!(why, Hindrance::Dlt(_))).collect(),
    );
    let open: Vec<&&Stock<'_>> = own.iter().filter(|it| it.is_open()).collect();
    let refused = |detail: &str| Problem::new(Code::NoRoute, detail);
    let (sender, registration) = (sender_detail(&no_sender), registration_detail(&unregistered));
    if open.is_empty() {
        return Err(match (registration, sender) {
            (Some(detail), _) => findings.refuse(CheckName::Registration, refused(&detail)),
            (None, Some(detail)) => findings.refuse(CheckName::Sender, refused(&detail)),
            (None, None) => findings.refuse(CheckName::Inventory, refused(HIDES_PAYMENTS)),
        });
    }
    let live = open.iter().filter(|it| it.route.up).count();
    // Another channel of the service is up: to wait for this one would help nobody.
    if taken.is_empty() {
        return Err(findings.refuse(CheckName::Breaker, no_route(risk)));
    }
    let counted = counted(&open);
    match live {
        0 => findings.warn(CheckName::Inventory, format!("no route is live: {counted}")),
        1 => findings.warn(CheckName::Inventory, format!("one route alone is live: {counted}")),
        _ => findings.pass(CheckName::Inventory, counted),
    }
    match sender {
        Some(detail) => findings.warn(CheckName::Sender, detail),
        None => findings.pass(CheckName::Sender, "a sender of every route may send there"),
    }
    match registration.or_else(|| unverified(&open)) {
        Some(detail) => findings.warn(CheckName::Registration, detail),
        None => findings.pass(CheckName::Registration, "nothing is missing"),
    }
    breakers(&open, live, findings);
    Ok(())
}

/// The refusal of an order that nothing carries.
pub(super) fn no_route(risk: Risk) -> Problem {
    let detail = match risk {
        Risk::High => {
            "This service has no route for the address and channel; high-risk codes never go by SMS."
        }
        Risk::Normal => "This service has no route for the address and channel.",
    };
    Problem::new(Code::NoRoute, detail)
}

fn breakers(open: &[&&Stock<'_>], live: usize, findings: &mut Findings) {
    let Some(down) = open.iter().find(|it| !it.route.up) else {
        findings.pass(CheckName::Breaker, "all are closed");
        return;
    };
    let count = open.len() - live;
    let is_best = open.first().is_some_and(|best| !best.route.up);
    let which = if is_best { "the best route's among them" } else { "not the best route's" };
    let detail = format!(
        "{count} of {} are open, {which}: {} is left out for half a minute, and then tried again",
        open.len(),
        down.route.gateway
    );
    findings.warn(CheckName::Breaker, detail);
}

/// `sms: 2 of 2 live, voice: 1 of 1`.
fn counted(open: &[&&Stock<'_>]) -> String {
    let mut counts: Vec<(Channel, usize, usize)> = Vec::new();
    for it in open {
        let live = usize::from(it.route.up);
        match counts.iter_mut().find(|(channel, ..)| *channel == it.route.channel) {
            Some((_, up, all)) => (*up, *all) = (*up + live, *all + 1),
            None => counts.push((it.route.channel, live, 1)),
        }
    }
    let told = counts.iter().map(|(channel, up, all)| format!("{}: {up} of {all} live", channel.as_str()));
    told.collect::<Vec<_>>().join(", ")
}

fn sender_detail(hindered: &[&&Stock<'_>]) -> Option<String> {
    let first = hindered.first()?;
    let gateway = &first.route.gateway;
    Some(format!("{gateway} has no sender that reaches this country. Name one that does among its senders."))
}

fn registration_detail(hindered: &[&&Stock<'_>]) -> Option<String> {
    hindered.iter().find_map(|it| match it.hindrance {
        Some(Hindrance::Dlt(missing)) => Some(format!("No text message goes to India: {missing}.")),
        Some(Hindrance::Payment | Hindrance::Sender) | None => None,
    })
}

/// Networks may drop what such a sender sends: that is not known here, so it stops nothing.
fn unverified(open: &[&&Stock<'_>]) -> Option<String> {
    open.iter().filter(|it| it.route.channel == Channel::Sms).find_map(|it| {
        let (first, to) = (it.senders.first().filter(|sender| !sender.is_registered)?, it.to?);
        let wanted = sender::wants_registration(to, &first.id)?;
        let (gateway, sender) = (&it.route.gateway, first.id.as_str());
        Some(format!(
            "{sender} of {gateway} names no {wanted} as its registration: networks there block such texts."
        ))
    })
}
