//! Plivo's library for Python: signatures of callbacks, and requests.

use proptest::collection::btree_map;
use proptest::collection::vec;
use serde_json::Value;
use serde_json::json;
use tiffin_core::gateways::plivo::signature;

use crate::message::encoded;
use crate::message::sandbox;
use crate::samples;
use crate::text;

const AUTH_ID: &str = "MAXXXXXXXXXXXXXXXXXX";
const POOL: &str = "3ecaf3b1-3a4e-4d3b-9f5c-0c1d2e3f4a5b";

fn keys(from: &str) -> String {
    format!("name = 'p'\nkind = 'plivo'\nauth_id = '{AUTH_ID}'\nfrom = '{from}'")
}

fn ask(cases: &[Value]) -> anyhow::Result<Vec<Value>> {
    crate::ask("plivo", "PLIVO_VERSION", "plivo_sdk.py", cases)
}

#[test]
#[ignore = "needs Python: make test"]
fn either_side_accepts_the_signatures_of_the_other_and_none_that_was_altered() -> anyhow::Result<()> {
    // Of a query their library reads only what is ASCII, as ours always is; a name may come more than once.
    let query = vec(("[a-z]{1,3}", "[a-zA-Z0-9 .~_-]{0,8}"), 0..4);
    let params = btree_map("[A-Za-z]{1,12}", vec("\\PC{0,20}", 1..3), 0..8);
    let cases: Vec<_> = samples(&("\\PC{1,40}", query, params, "[0-9]{20}"))
        .into_iter()
        .map(|(token, query, params, nonce)| {
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
            let query = if query.is_empty() { query } else { format!("?{query}") };
            (token, format!("https://core.example/callbacks/plivo{query}"), params, nonce)
        })
        .collect();
    let asked: Vec<_> = cases
        .iter()
        .map(|(token, url, params, nonce)| {
            let sig = format!("b3RoZXI=,{}", signature::sign(token, url, &pairs(params), nonce));
            json!({"kind": "signature", "token": token, "url": url, "params": params, "nonce": nonce, "sig": sig})
        })
        .collect();
    let answers = ask(&asked)?;
    for ((token, url, params, nonce), answer) in cases.into_iter().zip(&answers) {
        assert_eq!(
            (&answer["accepts"], &answer["accepts_altered"]),
            (&json!(true), &json!(false)),
            "{url} {params:?}"
        );
        let (theirs, mut params) = (text(&answer["theirs"]), pairs(&params));
        assert!(signature::verify(&token, &url, &params, &nonce, theirs), "{url} {params:?}");
        assert!(!signature::verify(&token, &format!("{url}x"), &params, &nonce, theirs));
        params.push(("Status".into(), "altered".into()));
        assert!(!signature::verify(&token, &url, &params, &nonce, theirs));
    }
    Ok(())
}

fn pairs(params: &std::collections::BTreeMap<String, Vec<String>>) -> Vec<(String, String)> {
    let pair = |(name, values): (&String, &Vec<String>)| {
        values.iter().map(|value| (name.clone(), value.clone())).collect::<Vec<_>>()
    };
    params.iter().flat_map(pair).collect()
}

#[test]
#[ignore = "needs Python: make test"]
fn our_requests_are_those_that_their_client_writes() -> anyhow::Result<()> {
    let cases = ["+15005550006", "TIFFIN", POOL].map(|from| (from, false));
    let cases = cases.into_iter().chain([("+15005550006", true)]);
    let bodies: Vec<_> = cases
        .map(|(from, is_registered)| encoded(&keys(from), "482915 is your code.", is_registered))
        .collect();
    let asked = bodies.iter().map(|body| json!({"kind": "body", "auth_id": AUTH_ID, "body": body}));
    let answers = ask(&asked.collect::<Vec<_>>())?;
    for (body, answer) in bodies.iter().zip(&answers) {
        let mut theirs = answer["theirs"].clone();
        // What their client always writes: links are not to be followed up.
        assert_eq!(theirs.as_object_mut().unwrap().remove("trackable"), Some(json!(false)));
        assert_eq!(theirs, *body);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Python: make test"]
async fn the_sandbox_takes_what_their_client_sends() -> anyhow::Result<()> {
    let address = sandbox(&keys("+15005550006")).await;
    let case = json!({
        "kind": "send", "base": format!("http://{address}"), "auth_id": AUTH_ID,
        "to": "919876543210", "text": "482915", "url": "http://127.0.0.1:1/",
    });
    let answers = tokio::task::spawn_blocking(move || ask(&[case])).await??;
    let inbox: Value = reqwest::get(format!("http://{address}/inbox")).await?.json().await?;
    assert_eq!(inbox["messages"][0]["id"], answers[0]["message_uuid"]);
    assert_eq!(answers[0]["cash_credits"], "20.00000");
    Ok(())
}
