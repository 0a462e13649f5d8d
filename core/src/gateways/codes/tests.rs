//! The shipped tables against what the providers document of their codes, and corrections before them.

mod documented;

use std::collections::BTreeSet;

use self::documented::DOCUMENTED;
use super::*;
use crate::gateways::adapter::Refusal;

fn gateway(name: &str) -> GatewayId {
    GatewayId::parse(name).unwrap()
}

fn reason(codes: &Codes, name: &str, code: &str) -> Reason {
    codes.reason(&gateway(name), "twilio", Some(code), Reason::Rejected)
}

#[test]
fn every_documented_code_has_its_reason_and_its_class() {
    let codes = Codes::new(Corrections::default()).unwrap();
    for (kind, rows) in DOCUMENTED {
        let mut seen = BTreeSet::new();
        for (code, expected, class) in *rows {
            assert!(codes.shipped[kind].contains_key(*code), "{kind} {code}: in no table");
            let reason = codes.reason(&gateway("any"), kind, Some(code), Reason::AbsentPermanent);
            assert_eq!((reason, reason.class()), (*expected, *class), "{kind} {code}");
            assert!(seen.insert(code), "{kind} {code}: twice");
        }
    }
}

#[test]
fn every_shipped_code_is_explained_and_every_table_names_its_source() {
    for (kind, text) in SHIPPED {
        let table: Shipped = toml::from_str(text).unwrap();
        let lines = || text.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', '[']));
        let bare: Vec<_> = lines().filter(|line| comment(line).is_empty()).collect();
        assert!(bare.is_empty(), "{kind}: without a comment: {bare:#?}");
        assert_eq!(lines().count(), table.codes.len(), "{kind}: a line for each code");
        // A table without codes of a provider has no source.
        let names_source = text.lines().any(|line| line.starts_with('#') && line.contains("https://"));
        assert!(names_source || table.codes.is_empty(), "{kind}: no source");
    }
}

/// What stands behind a code: after its value, which ends with the last quotation mark before the comment.
fn comment(line: &str) -> &str {
    line.split_once("\" ").and_then(|(_, rest)| rest.split_once('#')).map_or("", |(_, text)| text.trim())
}

#[test]
fn a_limit_for_one_recipient_pauses_no_gateway() {
    let codes = Codes::new(Corrections::default()).unwrap();
    let refusal = |code: &str| {
        Answered::Refused(Refusal {
            code: Some(code.to_owned()),
            fallback: Reason::Throttled,
            retry_after_ms: Some(60_000),
        })
    };
    let outcome = |code| codes.outcome(&gateway("any"), "whatsapp_cloud", refusal(code));
    assert_eq!(outcome("131056"), CallOutcome::Failed(Reason::AbsentTemporary));
    assert_eq!(outcome("130429"), CallOutcome::Throttled { retry_after_ms: Some(60_000) });
}

#[test]
fn a_correction_goes_before_the_table_and_an_account_before_its_kind() {
    let codes = Codes::new(Corrections::default()).unwrap();
    assert_eq!(reason(&codes, "a", "30007"), Reason::ContentFiltered);
    assert_eq!(reason(&codes, "a", "99999"), Reason::Rejected);
    let text = "[twilio]\n30007 = \"absent_temporary\"\n[gateway.b]\n30007 = \"blocked\"";
    assert!(codes.correct(Corrections::parse("codes.toml", text).unwrap()));
    assert_eq!(reason(&codes, "a", "30007"), Reason::AbsentTemporary);
    assert_eq!(reason(&codes, "b", "30007"), Reason::Blocked);
    assert!(codes.correct(Corrections::default()));
    assert_eq!(reason(&codes, "b", "30007"), Reason::ContentFiltered);
}

#[test]
fn a_file_that_says_nonsense_is_refused_with_the_place() {
    let refuse = |text: &str| Corrections::parse("codes.toml", text).unwrap_err().to_string();
    assert!(refuse("[twillio]\n1 = \"dnd\"").contains("[twillio]: no such kind of gateway; there are"));
    assert!(refuse("[twilio]\n1 = \"sad\"").contains("sad"));
    assert!(refuse("twilio").contains("codes.toml: "));
}
