//! Every alert has tests and a runbook, and every name in alerts, dashboard and runbooks is one that there is.

use std::collections::BTreeSet;

use crate::common::alerts;
use crate::common::documented;
use crate::common::read;

#[test]
fn every_alert_has_a_test_each_way() {
    let text = read("ops/prometheus/alerts_test.yml");
    let tests: Vec<_> = text.split("\n  - name: ").skip(1).collect();
    for alert in alerts() {
        let of = |way: &str| tests.iter().find(|test| test.starts_with(&format!("{alert} {way}\n"))).copied();
        let (fires, is_quiet) = (of("fires").unwrap_or_default(), of("is quiet").unwrap_or_default());
        let asks = format!("ALERTS{{alertname=\"{alert}\", alertstate=\"firing\"}}");
        assert!(fires.contains(&asks) && fires.contains("value: 1}]"), "{alert}: no test that it fires");
        assert!(
            is_quiet.contains(&asks) && is_quiet.contains("exp_samples: []"),
            "{alert}: no test against it"
        );
        assert!(is_quiet.contains("series:"), "{alert}: nothing at all is no test");
    }
}

#[test]
fn every_alert_says_what_it_is_and_has_its_runbook() {
    let (rules, docs) = (read("ops/prometheus/alerts.yml"), read("docs/OPERATIONS.md"));
    let section = docs.split("\n## Alerts\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let headings: Vec<_> = section.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    assert_eq!(headings, alerts(), "one section for each alert, in their order");
    for (alert, rule) in alerts().iter().zip(rules.split("- alert: ").skip(1)) {
        let anchor = format!("runbook_url: docs/OPERATIONS.md#{}\n", alert.to_lowercase());
        for part in ["labels: {severity: ", "summary: ", "description: ", anchor.as_str()] {
            assert!(rule.contains(part), "{alert} has no {part}");
        }
        let runbook =
            section.split(&format!("### {alert}\n")).nth(1).unwrap().split("\n### ").next().unwrap();
        assert!(runbook.contains("* Look at: ") && runbook.contains("* Do: "), "{alert}: {runbook}");
    }
}

/// The words of a text that are names of metrics, without what Prometheus adds to histograms.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|char: char| !(char.is_ascii_alphanumeric() || char == '_' || char == ':'));
    let is_name =
        |word: &&str| (word.starts_with("tiffin_") || word.starts_with("process_")) && !word.contains(':');
    let base = |word: &str| {
        let known = documented();
        let cut = ["_bucket", "_count", "_sum"].iter().find_map(|suffix| word.strip_suffix(suffix));
        cut.filter(|cut| known.contains_key(*cut)).unwrap_or(word).to_owned()
    };
    words.filter(is_name).map(base).collect()
}

#[test]
fn alerts_and_dashboard_name_only_metrics_of_the_table() {
    let known: BTreeSet<_> = documented().into_keys().collect();
    assert!(known.len() > 40, "{known:?}");
    for path in ["ops/prometheus/alerts.yml", "ops/prometheus/alerts_test.yml", "ops/grafana/tiffin.json"] {
        let used = names(&read(path));
        let unknown: Vec<_> = used.difference(&known).collect();
        assert!(unknown.is_empty(), "{path}: {unknown:?}");
    }
    // And nothing is counted that nobody looks at.
    let shown = names(&(read("ops/prometheus/alerts.yml") + &read("ops/grafana/tiffin.json")));
    let unseen: Vec<_> = known.difference(&shown).collect();
    assert!(unseen.is_empty(), "neither in an alert nor on the dashboard: {unseen:?}");
}

#[test]
fn the_dashboard_is_one_and_its_panels_do_not_overlap() {
    let dashboard: serde_json::Value = serde_json::from_str(&read("ops/grafana/tiffin.json")).unwrap();
    let mut taken = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let at = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(x < 24 && taken.insert((x, y)), "{}", panel["title"]);
            }
        }
    }
}
