use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::id::LedgerId;
use crate::id::TenantId;

const VISITOR: Bytes<16> = Bytes([4; 16]);

fn ring(ids: &[&str]) -> Ring<ChallengeKey> {
    let text: Vec<_> =
        ids.iter().map(|id| format!("{id}:{}", bytes::encode(&[id.as_bytes()[0]; 32]))).collect();
    Ring::parse(&text.join(","), |id, key| Ok(ChallengeKey::new(id, key))).unwrap()
}

fn shop() -> TenantId {
    TenantId::parse("shop").unwrap()
}

fn bound(tenant: &TenantId) -> Bound<'_> {
    Bound { tenant, ledger: LedgerId::new([7; 16]), visitor: Some(&VISITOR) }
}

/// What Cloudflare documents for a good token.
fn good() -> Value {
    json!({
        "success": true, "challenge_ts": "2026-11-20T10:00:00.000Z", "hostname": "shop.example", "error-codes": [],
        "action": "order", "cdata": issue(&ring(&["a"]), &bound(&shop()), "0x4AAA").cdata,
        "metadata": {"ephemeral_id": "x:9f78e0ed210960d7693b167e"},
    })
}

fn judge(status: u16, body: &str, keys: &Ring<ChallengeKey>, bound: Bound<'_>) -> Verdict {
    let hostnames = ["www.shop.example".to_owned(), "shop.example".to_owned()];
    let expected = Expected { hostnames: &hostnames, keys, bound };
    classify(Some(Reply { status, body: body.as_bytes() }), Token::parse("0.token").unwrap(), &expected)
}

fn classified(status: u16, body: &Value) -> Verdict {
    judge(status, &body.to_string(), &ring(&["a"]), bound(&shop()))
}

#[test]
fn a_good_token_is_solved_and_its_nonce_is_its_own() {
    let Verdict::Solved(nonce) = classified(200, &good()) else { panic!() };
    assert_eq!(nonce, Token::parse("0.token").unwrap().nonce());
    assert_ne!(nonce, Token::parse("0.tokem").unwrap().nonce());
}

#[test]
fn site_action_and_customer_data_must_all_be_ours() {
    let cases = [
        ("hostname", json!("evil.example"), Reason::OtherSite),
        ("hostname", json!("shop.example.evil.example"), Reason::OtherSite),
        ("hostname", json!(""), Reason::OtherSite),
        ("hostname", Value::Null, Reason::OtherSite),
        ("action", json!("login"), Reason::OtherAction),
        ("action", json!("Order"), Reason::OtherAction),
        ("action", Value::Null, Reason::OtherAction),
        ("cdata", json!(""), Reason::OtherOrder),
        ("cdata", json!("é".repeat(20)), Reason::OtherOrder),
        ("cdata", json!(format!("{}-a", "A".repeat(22))), Reason::OtherOrder),
        ("cdata", Value::Null, Reason::OtherOrder),
    ];
    for (field, value, reason) in cases {
        let mut body = good();
        body[field] = value.clone();
        assert_eq!(classified(200, &body), Verdict::Refused(reason), "{field} {value}");
        body.as_object_mut().unwrap().remove(field);
        assert_eq!(classified(200, &body), Verdict::Refused(reason), "no {field}");
    }
}

#[test]
fn a_token_cannot_be_spent_on_another_order() {
    let (body, shop, other) = (good().to_string(), shop(), TenantId::parse("shop2").unwrap());
    let stranger = Bytes([5; 16]);
    for wrong in [
        Bound { tenant: &other, ..bound(&shop) },
        Bound { ledger: LedgerId::new([8; 16]), ..bound(&shop) },
        Bound { visitor: Some(&stranger), ..bound(&shop) },
        Bound { visitor: None, ..bound(&shop) },
    ] {
        assert_eq!(judge(200, &body, &ring(&["a"]), wrong), Verdict::Refused(Reason::OtherOrder));
    }
}

#[test]
fn keys_rotate_and_a_retired_one_refuses() {
    let body = good().to_string();
    assert!(matches!(judge(200, &body, &ring(&["b", "a"]), bound(&shop())), Verdict::Solved(_)));
    assert_eq!(judge(200, &body, &ring(&["b"]), bound(&shop())), Verdict::Refused(Reason::OtherOrder));
}

#[test]
fn a_refusal_and_an_outage_are_told_apart() {
    use Verdict::Refused;
    use Verdict::Unavailable;
    let cases: [(&[&str], Verdict); 8] = [
        (&["invalid-input-response"], Refused(Reason::Invalid)),
        (&["timeout-or-duplicate"], Refused(Reason::ExpiredOrSpent)),
        (&["internal-error", "invalid-input-response"], Refused(Reason::Invalid)),
        (&["internal-error", "timeout-or-duplicate"], Refused(Reason::ExpiredOrSpent)),
        (&["invalid-input-secret"], Unavailable(Outage::Configuration)),
        (&["internal-error"], Unavailable(Outage::Service)),
        (&["a-code-of-tomorrow"], Unavailable(Outage::Service)),
        (&[], Unavailable(Outage::Service)),
    ];
    for (codes, verdict) in cases {
        for status in [200, 400, 500] {
            assert_eq!(
                classified(status, &json!({"success": false, "error-codes": codes})),
                verdict,
                "{codes:?}"
            );
        }
    }
}

#[test]
fn only_a_plain_yes_is_a_yes() {
    let outage = Verdict::Unavailable(Outage::Service);
    for status in [0, 204, 301, 403, 429, 500, 503] {
        assert_eq!(classified(status, &good()), outage, "{status}");
    }
    let padded = format!("{}{}", good(), " ".repeat(REPLY_BYTES_MAX));
    for body in ["", "null", "<html>", "{\"success\":1}", "{\"success\":\"true\"}", &padded] {
        assert_eq!(judge(200, body, &ring(&["a"]), bound(&shop())), outage, "{body}");
    }
    let (shop, keys) = (shop(), ring(&["a"]));
    let expected = Expected { hostnames: &[], keys: &keys, bound: bound(&shop) };
    let token = Token::parse("t").unwrap();
    assert_eq!(classify(None, token, &expected), outage);
    let body = good().to_string();
    let unconfigured = classify(Some(Reply { status: 200, body: body.as_bytes() }), token, &expected);
    assert_eq!(unconfigured, Verdict::Refused(Reason::OtherSite));
}

#[test]
fn the_question_carries_secret_token_address_and_a_version_4_key() {
    let token = Token::parse("0.a\"b").unwrap();
    let secret = Secret::new("s".to_owned());
    let asked = request(SITEVERIFY_URL, &secret, token, Some("192.0.2.1"), [0xff; 16]);
    let body: Value = serde_json::from_str(asked.body.expose()).unwrap();
    let key = "ffffffff-ffff-4fff-bfff-ffffffffffff";
    let whole = json!({"secret": "s", "response": "0.a\"b", "remoteip": "192.0.2.1", "idempotency_key": key});
    assert_eq!((asked.url.as_str(), asked.content_type, body), (SITEVERIFY_URL, "application/json", whole));
    let asked = request("http://127.0.0.1:1/", &secret, token, None, [0; 16]);
    let body: Value = serde_json::from_str(asked.body.expose()).unwrap();
    assert_eq!(body["idempotency_key"], "00000000-0000-4000-8000-000000000000");
    assert!(body.get("remoteip").is_none() && asked.url == "http://127.0.0.1:1/");
}

#[test]
fn tokens_no_widget_makes_cost_no_request() {
    assert!(Token::parse(&"x".repeat(ANSWER_CHARS_MAX)).is_some());
    for bad in ["", "a b", "a\nb", "é", &"x".repeat(ANSWER_CHARS_MAX + 1)] {
        assert!(Token::parse(bad).is_none(), "{bad}");
    }
}

#[test]
fn the_customer_data_is_within_turnstiles_alphabet_and_length() {
    let id = "k".repeat(crate::id::NAME_CHARS_MAX);
    let cdata = cdata(ring(&[&id]).current(), &bound(&shop()));
    assert!(cdata.len() <= 255 && cdata.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
}

proptest! {
    #[test]
    fn no_reply_and_no_customer_data_make_it_panic(
        status: u16, body in prop::collection::vec(any::<u8>(), 0..200), cdata in ".{0,60}",
    ) {
        let text = String::from_utf8_lossy(&body);
        let _ = judge(status, &text, &ring(&["a"]), bound(&shop()));
        let mut reply = good();
        reply["cdata"] = json!(cdata);
        prop_assert_eq!(classified(200, &reply), Verdict::Refused(Reason::OtherOrder));
    }
}
