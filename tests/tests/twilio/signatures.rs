//! Callbacks that one side signs are taken by the other, and none that was changed on the way.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use serde_json::json;
use tiffin_core::gateways::twilio::signature;
use tiffin_tests::twilio::TOKEN;

use crate::library;

/// Of each kind.
const CASES: usize = 400;

#[derive(Clone, Debug)]
struct Case {
    url: String,
    params: Vec<(String, String)>,
    body: String,
}

fn cases() -> Vec<Case> {
    let port = prop_oneof![Just(""), Just(":443"), Just(":8443"), Just(":80")];
    let url = (
        "https?",
        "[a-z]{1,8}\\.example",
        port,
        "(/[a-z0-9%-]{0,6}){0,3}",
        "([a-z]=[a-z0-9_.%-]{0,8}&){0,3}",
    );
    let url = url.prop_map(|(scheme, host, port, path, query)| {
        let query = query.trim_end_matches('&');
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        format!("{scheme}://{host}{port}{path}{query}")
    });
    let name = prop_oneof!["[A-Za-z]{1,12}", Just("Media".to_owned())];
    let params = prop::collection::vec((name, "\\PC{0,20}"), 0..12);
    let case = (url, params, "\\PC{0,80}").prop_map(|(url, params, body)| Case { url, params, body });
    let mut runner = TestRunner::deterministic();
    (0..CASES).map(|_| case.new_tree(&mut runner).unwrap().current()).collect()
}

/// Ready for the hash of a body.
fn open(url: &str) -> String {
    format!("{url}{}", if url.contains('?') { '&' } else { '?' })
}

#[test]
fn what_twilio_signs_we_take_and_nothing_else() -> anyhow::Result<()> {
    let cases = cases();
    let form =
        |case: &Case| json!({ "what": "sign", "token": TOKEN, "url": case.url, "params": case.params });
    let other =
        |case: &Case| json!({ "what": "sign", "token": TOKEN, "url": open(&case.url), "body": case.body });
    let signed = library(&cases.iter().map(form).chain(cases.iter().map(other)).collect::<Vec<_>>())?;
    let (forms, others) = signed.split_at(CASES);
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    for (case, signed) in cases.iter().zip(forms) {
        let signature = text(signed, "signature");
        assert!(signature::verify(TOKEN, &case.url, &case.params, &signature), "{case:?}");
        assert_eq!(signature::sign(TOKEN, &case.url, &case.params), signature);
        let mut more = case.params.clone();
        more.push(("Extra".into(), "1".into()));
        assert!(!signature::verify(TOKEN, &case.url, &more, &signature), "{case:?}");
        assert!(!signature::verify("another", &case.url, &case.params, &signature), "{case:?}");
    }
    for (case, signed) in cases.iter().zip(others) {
        let (url, signature) = (text(signed, "url"), text(signed, "signature"));
        assert!(signature::has_body_hash(&url));
        assert!(signature::verify_body(TOKEN, &url, case.body.as_bytes(), &signature), "{case:?}");
        let altered = format!("{}.", case.body);
        assert!(!signature::verify_body(TOKEN, &url, altered.as_bytes(), &signature), "{case:?}");
    }
    Ok(())
}

#[test]
fn what_we_sign_twilios_library_takes_and_nothing_else() -> anyhow::Result<()> {
    let cases = cases();
    let ask = |case: &Case, params: &[(String, String)], signature: String| json!({ "what": "validate", "token": TOKEN, "url": case.url, "params": params, "signature": signature });
    let genuine =
        cases.iter().map(|case| ask(case, &case.params, signature::sign(TOKEN, &case.url, &case.params)));
    let forged =
        cases.iter().map(|case| ask(case, &case.params, signature::sign("another", &case.url, &case.params)));
    let verdicts = library(&genuine.chain(forged).collect::<Vec<_>>())?;
    let (genuine, forged) = verdicts.split_at(CASES);
    assert!(genuine.iter().all(|verdict| *verdict == json!(true)));
    assert!(forged.iter().all(|verdict| *verdict == json!(false)));
    Ok(())
}
