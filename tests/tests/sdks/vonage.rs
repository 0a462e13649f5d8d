//! Vonage's libraries for Python: signatures of the SMS API, tokens of signed webhooks, and requests of both APIs.

use proptest::collection::btree_map;
use serde_json::Value;
use serde_json::json;
use tiffin_core::gateways::vonage_messages::token;
use tiffin_core::gateways::vonage_messages::token::Claims;
use tiffin_core::gateways::vonage_sms::signature;
use tiffin_core::gateways::vonage_sms::signature::Method;

use crate::message::SECRET;
use crate::message::encoded;
use crate::message::sandbox;
use crate::samples;
use crate::text;

const SMS: &str = "name = 'v'\nkind = 'vonage_sms'\napi_key = 'abcd1234'\nfrom = 'AcmeInc'";
const MESSAGES: &str = "name = 'v'\nkind = 'vonage_messages'\napi_key = 'abcd1234'\nfrom = 'AcmeInc'";

fn ask(cases: &[Value]) -> anyhow::Result<Vec<Value>> {
    crate::ask("vonage-http-client", "VONAGE_HTTP_CLIENT_VERSION", "vonage_sdk.py", cases)
}

#[test]
#[ignore = "needs Python: make test"]
fn either_side_accepts_the_signatures_of_the_other_and_none_that_was_altered() -> anyhow::Result<()> {
    let methods = [
        ("md5", Method::Md5),
        ("sha1", Method::Sha1),
        ("sha256", Method::Sha256),
        ("sha512", Method::Sha512),
    ];
    let samples = samples(&("\\PC{1,40}", btree_map("[a-z-]{1,12}", "\\PC{0,20}", 0..12)));
    let cases = samples.into_iter().enumerate().map(|(at, (secret, mut params))| {
        params.remove("sig");
        params.insert("timestamp".into(), "1582650446".into());
        params.insert("status".into(), "delivered".into());
        (methods[at % methods.len()], secret, params)
    });
    let cases: Vec<_> = cases.collect();
    let asked = cases.iter().map(|((name, method), secret, params)| {
        let sig = signature::sign(*method, secret, params);
        json!({"kind": "signature", "method": name, "secret": secret, "params": params, "sig": sig})
    });
    let answers = ask(&asked.collect::<Vec<_>>())?;
    for (((_, method), secret, params), answer) in cases.into_iter().zip(&answers) {
        assert_eq!(
            (&answer["accepts"], &answer["accepts_altered"]),
            (&json!(true), &json!(false)),
            "{params:?}"
        );
        let with = |sig: &str, status: &str| {
            let mut params = params.clone();
            params.insert("sig".into(), sig.into());
            params.insert("status".into(), status.into());
            signature::verify(method, &secret, &params)
        };
        assert!(with(text(&answer["theirs"]), "delivered"), "{params:?}");
        assert!(!with(text(&answer["theirs"]), "altered"), "{params:?}");
    }
    Ok(())
}

#[test]
#[ignore = "needs Python: make test"]
fn either_side_accepts_the_tokens_of_the_other_and_none_under_another_secret() -> anyhow::Result<()> {
    let cases: Vec<_> = samples(&("\\PC{1,64}", "\\PC{0,200}", "[a-z0-9]{8}"))
        .into_iter()
        .map(|(secret, body, api_key)| {
            let payload_hash = token::payload_hash(body.as_bytes());
            (
                secret,
                Claims { iat: 1_587_494_962, jti: "a".into(), iss: "Vonage".into(), payload_hash, api_key },
            )
        })
        .collect();
    let asked = cases.iter().map(|(secret, claims)| {
        let token = token::sign(secret, claims);
        json!({"kind": "token", "secret": secret, "claims": claims, "token": token})
    });
    let answers = ask(&asked.collect::<Vec<_>>())?;
    for ((secret, claims), answer) in cases.into_iter().zip(&answers) {
        assert_eq!(
            (&answer["accepts"], &answer["accepts_altered"]),
            (&json!(true), &json!(false)),
            "{claims:?}"
        );
        assert_eq!(token::verify(&format!("{secret}x"), text(&answer["theirs"])), None);
        assert_eq!(token::verify(&secret, text(&answer["theirs"])), Some(claims));
    }
    Ok(())
}

#[test]
#[ignore = "needs Python: make test"]
fn our_requests_are_those_that_their_models_write() -> anyhow::Result<()> {
    let texts = ["482915 is your Tiffin code.", "482915 आपका कोड है", "a=b&c"];
    let both = |text: &&'static str| [(*text, false), (*text, true)];
    let cases: Vec<_> = texts.iter().flat_map(both).collect();
    let forms = cases.iter().map(|(text, is_registered)| encoded(SMS, text, *is_registered));
    let bodies = cases.iter().map(|(text, is_registered)| encoded(MESSAGES, text, *is_registered));
    let (forms, bodies): (Vec<_>, Vec<_>) = (forms.collect(), bodies.collect());
    let asked_forms = forms.iter().map(|form| json!({"kind": "form", "secret": SECRET, "form": form}));
    let asked = asked_forms.chain(bodies.iter().map(|body| json!({"kind": "body", "body": body})));
    let answers = ask(&asked.collect::<Vec<_>>())?;
    let (of_forms, of_bodies) = answers.split_at(forms.len());
    for (mut form, answer) in forms.into_iter().zip(of_forms) {
        assert_eq!(answer["accepts"], true, "{form}");
        for name in ["api_key", "sig", "timestamp"] {
            form.as_object_mut().unwrap().remove(name).unwrap();
        }
        assert_eq!(answer["theirs"], form);
    }
    for (body, answer) in bodies.iter().zip(of_bodies) {
        assert_eq!(answer["theirs"], *body);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Python: make test"]
async fn the_sandbox_takes_what_their_client_sends() -> anyhow::Result<()> {
    let address = sandbox(MESSAGES).await;
    let case = json!({
        "kind": "send", "host": address.to_string(), "api_key": "abcd1234", "api_secret": SECRET,
        "to": "919876543210", "text": "482915", "webhook_url": "http://127.0.0.1:1/",
    });
    let answers = tokio::task::spawn_blocking(move || ask(&[case])).await??;
    let inbox: Value = reqwest::get(format!("http://{address}/inbox")).await?.json().await?;
    assert_eq!(inbox["messages"][0]["id"], answers[0]["message_uuid"]);
    assert_eq!(inbox["messages"][0]["text"], "482915");
    Ok(())
}
