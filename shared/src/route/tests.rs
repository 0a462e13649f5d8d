use std::collections::BTreeMap;

use super::stats::Command;
use super::stats::Figures;
use super::stats::GENERATION_MS;
use super::stats::PRIOR_QUALITY;
use super::stats::RouteStats;
use super::stats::View;
use super::stats::WINDOW_MS_MAX;
use super::stats::WINDOW_MS_MIN;
use super::stats::slot;
use super::stats::slot_ms;
use super::*;
use crate::bytes;
use crate::bytes::Bytes;
use crate::machine;
use crate::order::Reason;

fn candidate(gateway: &str, channel: Channel) -> Candidate {
    Candidate {
        way: Way { channel, gateway: GatewayId::parse(gateway).unwrap(), sender: None },
        health: Health::Closed,
        free_at: UnixMs(0),
        priority: 0,
        weight: None,
        stats: View::default(),
        window_default_ms: 12_000,
        price_micros: None,
        looks_max: 0,
        polls_max: 0,
        is_mute: false,
    }
}

fn id(n: u64) -> OrderId {
    let ledger = OrderId::parse(&format!("ord_{}", "A".repeat(43))).unwrap().ledger();
    OrderId::new(bytes::truncate(bytes::sha256(&n.to_be_bytes())), ledger)
}

fn order(candidates: Vec<Candidate>) -> Vec<String> {
    let channels = [Channel::Sms, Channel::Whatsapp];
    rank(candidates, &channels, &id(0)).into_iter().map(|offer| offer.way.gateway.to_string()).collect()
}

#[test]
fn ways_rank_by_channel_breaker_priority_quality_time_price_and_then_as_configured() {
    let base = || vec![candidate("a", Channel::Sms), candidate("b", Channel::Sms)];
    let with = |change: fn(&mut Candidate)| {
        let mut candidates = base();
        change(&mut candidates[0]);
        order(candidates)
    };
    assert_eq!(with(|_| {}), ["a", "b"]);
    assert_eq!(with(|a| a.health = Health::Open { until: UnixMs(9), is_dark: false }), ["b", "a"]);
    assert_eq!(with(|a| a.priority = 1), ["b", "a"]);
    assert_eq!(with(|a| a.stats = View { delivered: 10, failed: 90, ..View::default() }), ["b", "a"]);
    assert_eq!(with(|a| a.stats.window_ms = Some(40_000)), ["b", "a"]);
    assert_eq!(with(|a| a.stats = View { delivered: 95, failed: 5, ..View::default() }), ["a", "b"]);
    let mut priced = base();
    (priced[0].price_micros, priced[1].price_micros) = (Some(9_000), Some(7_000));
    assert_eq!(order(priced), ["b", "a"]);
    let mut probed = base();
    probed[1].health = Health::Probe;
    assert_eq!(order(probed), ["b", "a"], "the probe is used by the order that was given it");
    let mixed = vec![
        candidate("chat", Channel::Whatsapp),
        candidate("text", Channel::Sms),
        candidate("call", Channel::Voice),
    ];
    assert_eq!(order(mixed), ["text", "chat"], "by the caller's channels, and no others");
}

/// How many of so many orders each gateway carries first.
fn firsts(candidates: &[Candidate], orders: u64) -> BTreeMap<String, u64> {
    let mut firsts = BTreeMap::new();
    for n in 0..orders {
        let offers = rank(candidates.to_vec(), &[Channel::Sms], &id(n));
        assert_eq!(offers, rank(candidates.to_vec(), &[Channel::Sms], &id(n)), "an order draws once");
        assert_eq!(offers.len(), candidates.len());
        *firsts.entry(offers[0].way.gateway.to_string()).or_insert(0) += 1;
    }
    firsts
}

#[test]
fn gateways_with_weights_share_the_orders_of_their_priority() {
    let mut candidates = ["a", "b", "c"].map(|name| candidate(name, Channel::Sms));
    // Figures have no say in it, and breakers and priorities have.
    candidates[0].stats = View { delivered: 10, failed: 90, ..View::default() };
    (candidates[0].weight, candidates[1].weight) = (Some(300), Some(0));
    let shares = firsts(&candidates, 4_000);
    assert!(!shares.contains_key("b"), "{shares:?}");
    // 300 beside the 100 of one without a weight: within five standard deviations.
    assert!(shares["a"].abs_diff(3_000) < 5 * 28, "{shares:?}");
    candidates[0].health = Health::Open { until: UnixMs(9), is_dark: false };
    assert_eq!(firsts(&candidates, 100), BTreeMap::from([("c".to_owned(), 100)]));
    candidates[2].priority = 1;
    assert_eq!(firsts(&candidates, 100), BTreeMap::from([("b".to_owned(), 100)]), "there is no other");
}

#[test]
fn among_those_of_no_weight_the_figures_decide() {
    let mut candidates = ["a", "b"].map(|name| candidate(name, Channel::Sms));
    candidates[0].price_micros = Some(9);
    candidates[1].price_micros = Some(7);
    for weight in [None, Some(0)] {
        candidates.iter_mut().for_each(|candidate| candidate.weight = weight);
        assert_eq!(firsts(&candidates, 50), BTreeMap::from([("b".to_owned(), 50)]));
    }
}

#[test]
fn the_router_says_why() {
    let mut candidate = candidate("a", Channel::Sms);
    candidate.stats =
        View { sent: 120, delivered: 100, failed: 0, verified: 0, window_ms: Some(6_000), ..View::default() };
    (candidate.price_micros, candidate.weight) = (Some(7_500), Some(5));
    let offers = rank(vec![candidate], &[Channel::Sms], &id(0));
    assert_eq!(offers[0].why, "up, 98.3 % of 120, usual 6 s, price 0.0075, weight 5");
}

#[test]
fn the_usual_time_is_the_95th_percentile_and_bounded() {
    let mut figures = Figures::default();
    (0..95).for_each(|_| figures.arrived(6_000));
    (0..5).for_each(|_| figures.arrived(60_000));
    let view = noted(&figures);
    assert_eq!(view.window_ms, Some(slot_ms(slot(6_000))));
    assert!((6_000..7_500).contains(&view.window_ms.unwrap()));
    figures.arrived(60_000);
    assert!(noted(&figures).window_ms.unwrap() >= 60_000, "96 of 101 are not 95 %");
    for (took_ms, window_ms) in [(1, WINDOW_MS_MIN), (10_000_000, WINDOW_MS_MAX)] {
        let mut figures = Figures::default();
        (0..19).for_each(|_| figures.arrived(took_ms));
        assert_eq!(noted(&figures).window_ms, None, "too few");
        figures.arrived(took_ms);
        assert_eq!(noted(&figures).window_ms, Some(window_ms));
    }
    assert!((1..600_000).step_by(997).all(|ms| slot_ms(slot(ms)) >= ms.min(slot_ms(31))));
}

#[test]
fn figures_count_once_and_fade_with_the_second_generation() {
    let command = |batch: u8| Command {
        batch: Bytes([batch; 16]),
        figures: Figures { sent: 10, delivered: 9, failed: 1, ..Figures::default() },
    };
    let start = UnixMs(GENERATION_MS * 1_000);
    let (view, commit) = machine::run::<RouteStats>(None, &command(1), start).unwrap();
    let body = commit.unwrap().body;
    assert_eq!((view.sent, view.delivered, view.failed), (10, 9, 1));
    let (again, commit) = machine::run::<RouteStats>(Some(&body), &command(1), start).unwrap();
    assert!(again == view && commit.is_none());
    for (generations, sent) in [(0, 20), (1, 20), (2, 10)] {
        let now = start.plus(generations * GENERATION_MS);
        assert_eq!(machine::run::<RouteStats>(Some(&body), &command(2), now).unwrap().0.sent, sent);
    }
}

#[test]
fn an_unknown_route_is_neither_good_nor_bad() {
    assert_eq!(View::default().quality(), PRIOR_QUALITY);
    assert!(View { failed: 20, ..View::default() }.quality() < PRIOR_QUALITY / 2 + 1);
    assert!(View { sent: 500, verified: 400, ..View::default() }.quality() > PRIOR_QUALITY);
}

fn noted(figures: &Figures) -> View {
    let command = Command { batch: Bytes([1; 16]), figures: figures.clone() };
    machine::run::<RouteStats>(None, &command, UnixMs(GENERATION_MS)).unwrap().0
}

#[test]
fn what_went_wrong_is_counted_by_reason_and_adds_up() {
    let mut figures = Figures::default();
    figures.not_taken(Reason::ProviderDown);
    figures.lost(Some(Reason::Dnd));
    figures.lost(Some(Reason::Dnd));
    figures.lost(None);
    figures.arrived(6_000);
    let one = noted(&figures);
    assert_eq!((one.failed, one.silent, one.delivered), (3, 1, 1), "what was not taken was not lost");
    let errors = [(Reason::Dnd, 2), (Reason::ProviderDown, 1)];
    assert_eq!(one.errors, errors.into());
    let two = View::sum([one.clone(), one.clone()]);
    assert_eq!(two.errors, errors.map(|(reason, count)| (reason, 2 * count)).into());
    assert_eq!((two.silent, two.times[slot(6_000)]), (2, 2));
    assert_eq!(View::sum([one.clone()]), one);
}

#[test]
fn figures_of_before_reasons_were_counted_are_read() {
    let stored = r#"{"sent":3,"delivered":1,"failed":2,"verified":0,"times":[0,1]}"#;
    let figures: Figures = serde_json::from_str(stored).unwrap();
    assert_eq!(serde_json::to_string(&figures).unwrap(), stored);
}
