//! However many phones, countries and tenants there are, there are no more series than the bound says.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use tiffin_shared::country::Country;
use tiffin_shared::directory::Directory;
use tiffin_shared::directory::Tenant;
use tiffin_shared::id::GatewayId;
use tiffin_shared::id::TenantId;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Learnt;
use tiffin_shared::order::Lesson;
use tiffin_shared::order::Reason;
use tiffin_shared::route::Way;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;

use super::tenants::OTHERS;
use super::tenants::TENANTS_MAX;
use super::*;

const CHANNELS: [Channel; 5] =
    [Channel::Email, Channel::Sms, Channel::Telegram, Channel::Voice, Channel::Whatsapp];

fn metrics() -> Metrics {
    Metrics::new(&StoreMeter::default(), &BusMeter::default(), &SpanMeter::default())
}

fn series(metrics: &Metrics) -> Vec<String> {
    let text = metrics.encoded().unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
}

fn of<'a>(series: &'a [String], name: &str) -> Vec<&'a String> {
    let begins = format!("{name}{{");
    series.iter().filter(|one| one.starts_with(&begins)).collect()
}

fn tenant(number: usize) -> TenantId {
    TenantId::parse(&format!("tenant-{number}")).unwrap()
}

fn directory(tenants: usize) -> Directory {
    let billing = json!({"mode": "prepaid", "currency": "USD", "low_balance_micros": 1_000});
    let one: Tenant = serde_json::from_value(json!({"services": {}, "billing": billing})).unwrap();
    let tenants = (0..tenants).map(|number| (tenant(number), one.clone())).collect();
    Directory { tenants, ..Directory::default() }
}

/// One order's life, to a country that `number` says.
fn order(metrics: &Metrics, directory: &Directory, number: usize) {
    let channel = CHANNELS[number % CHANNELS.len()];
    let gateway = GatewayId::parse("only").unwrap();
    let way = Way { channel, gateway: gateway.clone(), sender: None };
    let letter = |at: usize| char::from(b'A' + u8::try_from(at % 26).unwrap());
    let country = Country::parse(&format!("{}{}", letter(number), letter(number / 26)));
    metrics.accepted(directory, &tenant(number), channel);
    metrics.begun(UnixMs(0));
    metrics.attempted(&way, &CallOutcome::Taken { provider_id: format!("SM{number}") });
    metrics.attempted(&way, &CallOutcome::Failed(Reason::Dnd));
    metrics.called(&gateway, Duration::from_millis(number as u64));
    metrics.receipt(&gateway, Trust::Proven);
    metrics.refused(None, Refusal::Door);
    for what in [Learnt::Delivered { after_ms: number as u64 }, Learnt::Verified, Learnt::Lost { why: None }]
    {
        let arrived_since = Some(UnixMs(number as u64));
        metrics.learnt(&Lesson { way: way.clone(), country: country.ok(), what, arrived_since });
    }
}

#[test]
fn thousands_of_orders_add_no_series_beyond_the_bound() {
    let (metrics, directory) = (metrics(), directory(3 * TENANTS_MAX));
    for number in 0..3 * TENANTS_MAX {
        order(&metrics, &directory, number);
    }
    let before = series(&metrics).len();
    // Tenants that nobody knows too.
    for number in 0..5_000 {
        order(&metrics, &directory, number);
    }
    let after = series(&metrics);
    assert_eq!(after.len(), before);
    let accepted = of(&after, "tiffin_orders_accepted_total");
    assert!(accepted.len() <= (TENANTS_MAX + 1) * CHANNELS.len(), "{}", accepted.len());
    assert!(accepted.iter().any(|one| one.contains(OTHERS)));
    assert!(accepted.iter().any(|one| one.contains("\"tenant-0\"")));
    let shown: BTreeSet<_> = after.iter().collect();
    assert_eq!(shown.len(), after.len(), "no series is there twice");
}

#[test]
fn a_stranger_that_the_directory_does_not_know_has_no_name() {
    let metrics = metrics();
    metrics.accepted(&directory(1), &tenant(7), Channel::Sms);
    let all = series(&metrics);
    let accepted = of(&all, "tiffin_orders_accepted_total");
    assert_eq!(accepted, [&format!("tiffin_orders_accepted_total{{tenant=\"{OTHERS}\",channel=\"sms\"}}")]);
}

#[test]
fn the_lowest_balances_are_shown_and_those_that_are_gone_are_not() {
    let (metrics, directory) = (metrics(), directory(2 * TENANTS_MAX));
    let left = |add: i64| -> Vec<_> {
        (0..2 * TENANTS_MAX)
            .map(|number| (tenant(number), i64::try_from(number).unwrap() * 10 + add))
            .collect()
    };
    metrics.balances(&directory, &left(0));
    let all = series(&metrics);
    assert_eq!(of(&all, "tiffin_balance_ratio").len(), TENANTS_MAX);
    let text = metrics.encoded().unwrap();
    assert!(text.contains("tiffin_balances_low{} 100.0"), "{text}");
    assert!(text.contains("tiffin_balance_ratio{tenant=\"tenant-50\"} 0.5"), "{text}");
    metrics.balances(&directory, &[(tenant(1), 5_000)]);
    assert_eq!(of(&series(&metrics), "tiffin_balance_ratio"), ["tiffin_balance_ratio{tenant=\"tenant-1\"}"]);
}

#[test]
fn every_name_has_its_unit_and_no_label_holds_what_a_caller_chooses() {
    let (metrics, directory) = (metrics(), directory(1));
    order(&metrics, &directory, 0);
    let allowed: BTreeSet<_> =
        "channel country door fate gateway kind le limit outcome queue reason ring role space state status tenant to \
         trust version what"
            .split_whitespace()
            .collect();
    for one in series(&metrics) {
        let (name, labels) = one.split_once('{').unwrap_or((&one, ""));
        assert!(name.starts_with("tiffin_") || name.starts_with("process_"), "{one}");
        assert!(!name.contains("_ms") && !name.contains("_millis"), "{one}: seconds");
        for label in labels.trim_end_matches('}').split("\",").filter(|label| !label.is_empty()) {
            assert!(allowed.contains(label.split('=').next().unwrap()), "{one}");
        }
    }
}
