use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use super::*;
use crate::id::LedgerId;
use crate::id::TenantId;

/// A round second, so that the life is exactly [`LIFE_MS`].
const NOW: UnixMs = UnixMs(1_795_082_400_000);
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

fn issued(cost: Cost, seed: u8) -> Issued {
    issue(&ring(&["a"]), &bound(&shop()), cost, &Entropy::new([seed; 32]), NOW)
}

fn checked(answer: &str, now: UnixMs) -> Result<Nonce, Error> {
    check(&ring(&["a"]), answer, &bound(&shop()), Cost::Light, now).map(|proof| proof.nonce)
}

/// The solution, by whoever holds the key: the count need not be searched.
fn solution(challenge: &Issued) -> Value {
    let parameters = &challenge.parameters;
    let (nonce, salt) = (hex::decode(&parameters.nonce).unwrap(), hex::decode(&parameters.salt).unwrap());
    let counter = counter(ring(&["a"]).current(), &nonce, parameters.data.level);
    json!({
        "challenge": challenge,
        "solution": {"counter": counter, "derivedKey": hex::encode(&derive(&nonce, &salt, counter)), "time": 412.5},
    })
}

fn wire(answer: &Value) -> String {
    STANDARD.encode(answer.to_string())
}

fn solved(cost: Cost) -> Value {
    solution(&issued(cost, 1))
}

#[test]
fn a_solution_is_good_for_five_minutes_and_not_a_millisecond_more() {
    let answer = wire(&solved(Cost::Light));
    let nonce = checked(&answer, NOW).unwrap();
    assert_eq!(checked(&answer, NOW.plus(LIFE_MS - 1)), Ok(nonce));
    assert_eq!(checked(&answer, NOW.plus(LIFE_MS)), Err(Error::Expired));
    assert_eq!(checked(&answer, NOW.plus(LIFE_MS + 1)), Err(Error::Expired));
    // Issued by a clock ahead of ours: within the skew, so that the nonce is remembered long enough.
    assert_eq!(checked(&answer, NOW.minus(NONCE_MEMORY_MS - LIFE_MS)), Ok(nonce));
    assert_eq!(checked(&answer, NOW.minus(NONCE_MEMORY_MS - LIFE_MS + 1)), Err(Error::Expired));
}

#[test]
fn each_challenge_has_its_own_nonce() {
    let nonces: std::collections::BTreeSet<_> =
        (0..32).map(|seed| checked(&wire(&solution(&issued(Cost::Light, seed))), NOW).unwrap().0).collect();
    assert_eq!(nonces.len(), 32);
}

/// The browser's and the library's solvers count from 0 (`tests/tests/pages`); here the last steps must do.
#[test]
fn a_client_that_only_counts_up_finds_the_solution_and_no_other() {
    let challenge = issued(Cost::Light, 9);
    let parameters = &challenge.parameters;
    let (nonce, salt) = (hex::decode(&parameters.nonce).unwrap(), hex::decode(&parameters.salt).unwrap());
    let right = solution(&challenge)["solution"]["counter"].as_u64().unwrap().try_into().unwrap();
    let tries = Cost::Light.tries_min();
    assert!((tries..2 * tries).contains(&right), "{right}");
    let solves =
        |counter: &u32| hex::encode(&derive(&nonce, &salt, *counter)).starts_with(&parameters.key_prefix);
    let found: Vec<_> = (0..100).chain(right - 200..right + 100).filter(solves).collect();
    assert_eq!(found, [right]);
}

#[test]
fn a_solution_without_work_is_refused() {
    let mut answer = solved(Cost::Light);
    let prefix = answer["challenge"]["parameters"]["keyPrefix"].as_str().unwrap().to_owned();
    let challenge = issued(Cost::Light, 1);
    let salt = hex::decode(&challenge.parameters.salt).unwrap();
    let nonce = hex::decode(&challenge.parameters.nonce).unwrap();
    // The attack on altcha-lib 2.3.1: any count with the key that really belongs to it.
    let honest_zero = hex::encode(&derive(&nonce, &salt, 0));
    let right = answer["solution"]["counter"].as_u64().unwrap();
    let padded = format!("{prefix}{}", "0".repeat(32));
    let doubled = format!("{prefix}{prefix}");
    for (counter, key) in [(0, &honest_zero), (right, &honest_zero), (right, &padded), (right, &doubled)] {
        answer["solution"] = json!({"counter": counter, "derivedKey": key});
        assert_eq!(checked(&wire(&answer), NOW), Err(Error::WrongSolution), "{counter} {key}");
    }
    // The published half alone, and nothing at all.
    for key in [prefix.as_str(), ""] {
        answer["solution"] = json!({"counter": right, "derivedKey": key});
        assert_eq!(checked(&wire(&answer), NOW), Err(Error::WrongSolution));
    }
    let test_mode = json!({"challenge": null, "solution": null, "test": true});
    assert_eq!(checked(&wire(&test_mode), NOW), Err(Error::Malformed));
}

#[test]
fn an_altered_parameter_is_refused() {
    let changes = [
        ("/challenge/parameters/cost", json!(1)),
        ("/challenge/parameters/data/level", json!("heavy")),
        ("/challenge/parameters/expiresAt", json!(NOW.plus(2 * LIFE_MS).0 / SECOND_MS)),
        ("/challenge/parameters/algorithm", json!("SHA-256")),
        ("/challenge/parameters/keyLength", json!(1)),
        ("/challenge/parameters/keyPrefix", json!("00")),
        ("/challenge/parameters/keyPrefix", json!("")),
        ("/challenge/parameters/data/bound", json!(bytes::encode(&[0; 16]))),
    ];
    for (path, value) in changes {
        let mut answer = solved(Cost::Light);
        *answer.pointer_mut(path).unwrap() = value;
        assert_eq!(checked(&wire(&answer), NOW), Err(Error::Forged), "{path}");
    }
    let mut more = solved(Cost::Light);
    more["challenge"]["parameters"]["memoryCost"] = json!(1);
    assert_eq!(checked(&wire(&more), NOW), Err(Error::Malformed));
}

/// Format 1 kept its expiry in the salt as a query string, and `?expires=` could be moved between salt and number.
#[test]
fn parameters_cannot_be_spliced() {
    let original = solved(Cost::Light);
    let salt = original["challenge"]["parameters"]["salt"].as_str().unwrap().to_owned();
    let nonce = original["challenge"]["parameters"]["nonce"].as_str().unwrap().to_owned();
    for (field, value) in [
        ("salt", format!("{salt}?expires=9999999999")),
        ("salt", format!("{salt}?expires=9999999999&")),
        ("salt", format!("{salt}&expiresAt=9999999999")),
        ("salt", format!("{salt}\",\"expiresAt\":9999999999,\"x\":\"")),
        ("nonce", format!("{nonce}{}", &salt[..2])),
        ("nonce", format!("{nonce}?expires=9999999999&")),
        ("algorithm", format!("{ALGORITHM}\",\"cost\":1,\"x\":\"")),
    ] {
        let mut answer = original.clone();
        answer["challenge"]["parameters"][field] = json!(value);
        assert_eq!(checked(&wire(&answer), NOW), Err(Error::Forged), "{value}");
    }
    let twice = original.to_string().replacen("\"cost\":", "\"cost\":1,\"cost\":", 1);
    assert_eq!(checked(&STANDARD.encode(twice), NOW), Err(Error::Malformed));
    let format_1 = json!({
        "algorithm": "SHA-256", "challenge": original["challenge"]["parameters"]["keyPrefix"], "number": 0,
        "salt": format!("{salt}?expires=9999999999&"), "signature": original["challenge"]["signature"],
    });
    assert_eq!(checked(&wire(&format_1), NOW), Err(Error::Malformed));
}

#[test]
fn another_tenant_address_or_visitor_cannot_use_it() {
    let answer = wire(&solved(Cost::Light));
    let (shop, other) = (shop(), TenantId::parse("shop2").unwrap());
    let stranger = Bytes([5; 16]);
    let zero = Bytes([0; 16]);
    for wrong in [
        Bound { tenant: &other, ..bound(&shop) },
        Bound { ledger: LedgerId::new([8; 16]), ..bound(&shop) },
        Bound { visitor: Some(&stranger), ..bound(&shop) },
        Bound { visitor: None, ..bound(&shop) },
    ] {
        assert_eq!(check(&ring(&["a"]), &answer, &wrong, Cost::Light, NOW), Err(Error::OtherOrder));
    }
    let nobody = Bound { visitor: None, ..bound(&shop) };
    let anyone = issue(&ring(&["a"]), &nobody, Cost::Light, &Entropy::new([1; 32]), NOW);
    let answer = wire(&solution(&anyone));
    assert!(check(&ring(&["a"]), &answer, &nobody, Cost::Light, NOW).is_ok());
    for visitor in [&VISITOR, &zero] {
        let known = Bound { visitor: Some(visitor), ..bound(&shop) };
        assert_eq!(check(&ring(&["a"]), &answer, &known, Cost::Light, NOW), Err(Error::OtherOrder));
    }
}

#[test]
fn an_easier_solution_does_not_pay_for_a_harder_challenge() {
    let (keys, shop) = (ring(&["a"]), shop());
    let judge = |answer: &Value, least| check(&keys, &wire(answer), &bound(&shop), least, NOW);
    let (light, heavy) = (solved(Cost::Light), solved(Cost::Heavy));
    assert_eq!(judge(&light, Cost::Heavy), Err(Error::TooLight));
    assert!(judge(&heavy, Cost::Heavy).is_ok());
    assert!(judge(&heavy, Cost::Light).is_ok());
}

#[test]
fn keys_rotate_and_a_retired_or_equally_named_key_refuses() {
    let answer = wire(&solved(Cost::Light));
    let shop = shop();
    let judge = |keys: &Ring<ChallengeKey>| check(keys, &answer, &bound(&shop), Cost::Light, NOW);
    assert!(judge(&ring(&["b", "a"])).is_ok());
    assert_eq!(judge(&ring(&["b"])), Err(Error::UnknownKey));
    let other =
        Ring::parse(&format!("a:{}", bytes::encode(&[0; 32])), |id, key| Ok(ChallengeKey::new(id, key)));
    assert_eq!(judge(&other.unwrap()), Err(Error::Forged));
}

#[test]
fn a_challenge_tells_nobody_whom_it_is_for() {
    let text = serde_json::to_string(&issued(Cost::Light, 1)).unwrap();
    for clear in ["shop", &LedgerId::new([7; 16]).to_string(), &bytes::encode(&VISITOR.0)] {
        assert!(!text.contains(clear), "{text}");
    }
}

#[test]
fn the_longest_answer_fits() {
    let id = "k".repeat(crate::id::NAME_CHARS_MAX);
    let keys = ring(&[&id]);
    let challenge = issue(&keys, &bound(&shop()), Cost::Heavy, &Entropy::new([1; 32]), UnixMs(u64::MAX / 2));
    let solution = json!({"counter": u32::MAX, "derivedKey": "f".repeat(64), "time": 100_000.123_456_789});
    let answer = wire(&json!({"challenge": challenge, "solution": solution}));
    assert!(answer.len() <= ANSWER_CHARS_MAX * 3 / 4, "{}", answer.len());
}

/// Solved and accepted by altcha-lib 2.8.0: what we issue and accept stays what it was, and is what the library means.
const VECTOR: &str = "\
    eyJjaGFsbGVuZ2UiOnsicGFyYW1ldGVycyI6eyJhbGdvcml0aG0iOiJQQktERjIvU0hBLTI1NiIsImNvc3QiOjUwMCwiZGF0YSI6\
    eyJib3VuZCI6IjdCd19Uenp4a0NWVTV6elh4ZU5acnciLCJrZXkiOiJhIiwibGV2ZWwiOiJsaWdodCJ9LCJleHBpcmVzQXQiOjE3\
    OTUwODI3MDAsImtleUxlbmd0aCI6MzIsImtleVByZWZpeCI6ImQwOWJhM2FkYTUxNmRmYjM2NDI5N2UxN2RlMGNlNDA1Iiwia2V5\
    U2lnbmF0dXJlIjoiMmZlMTc4OGUxM2Y3NjYxYzczZmFjZDk0MDRjZmFiOTgxZjU2Njg4OWUxYzdlMWNjYzRjOTg1Mjc2ZWU1NDk4\
    MSIsIm5vbmNlIjoiMWI3ZWIzMzkyYmE4YjI4ZWZhY2FmOTQ3MGRhNWVlZmMiLCJzYWx0IjoiODliYzk5Mzk5MDk2YWNjYTQ1ZjMx\
    Y2Y5Y2YxZmJjODgifSwic2lnbmF0dXJlIjoiNjE3ZjgxMDQzMWZkODk2OWM5ODUwMjAwMzA2NGVkNjgyZjdhNjU0MWY2YTVhNGUy\
    NDY3Y2VmYTMyNTY5MmUxOCJ9LCJzb2x1dGlvbiI6eyJjb3VudGVyIjo2NDA5LCJkZXJpdmVkS2V5IjoiZDA5YmEzYWRhNTE2ZGZi\
    MzY0Mjk3ZTE3ZGUwY2U0MDVkYTU5YjY3ZTE4YjQ0ODMwZDUzZjRlODEwMmI5NGVmNSJ9fQ==\
";

#[test]
fn the_librarys_vector_is_issued_and_accepted() {
    assert!(checked(VECTOR, NOW).is_ok());
    let vector: Value = serde_json::from_slice(&STANDARD.decode(VECTOR).unwrap()).unwrap();
    let mut ours = solved(Cost::Light);
    ours["solution"].as_object_mut().unwrap().remove("time");
    assert_eq!(ours, vector);
}

proptest! {
    /// Only the time it took may change: it is not signed, and nothing is decided by it.
    #[test]
    fn any_changed_byte_is_refused(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut answer = solved(Cost::Light);
        answer["solution"].as_object_mut().unwrap().remove("time");
        let mut json = answer.to_string().into_bytes();
        let at = at.index(json.len());
        prop_assume!(json[at] != byte);
        json[at] = byte;
        prop_assert!(checked(&STANDARD.encode(&json), NOW).is_err(), "{}", String::from_utf8_lossy(&json));
    }

    #[test]
    fn any_changed_character_of_the_text_is_refused(at in any::<prop::sample::Index>(), char in "[A-Za-z0-9+/=]") {
        let mut answer = solved(Cost::Light);
        answer["solution"].as_object_mut().unwrap().remove("time");
        let text = wire(&answer);
        let at = at.index(text.len());
        prop_assume!(text[at..=at] != char);
        let changed = format!("{}{char}{}", &text[..at], &text[at + 1..]);
        // In place of the padding, white space after the JSON says nothing else.
        let said = |text: &str| STANDARD.decode(text).map(|json| json.trim_ascii().to_vec());
        prop_assume!(said(&changed) != said(&text));
        prop_assert!(checked(&changed, NOW).is_err(), "{changed}");
    }

    #[test]
    fn no_answer_makes_it_panic(text in ".*", bytes in prop::collection::vec(any::<u8>(), 0..2_000), now: u64) {
        let now = UnixMs(now);
        prop_assert!(checked(&text, now).is_err());
        prop_assert!(checked(&STANDARD.encode(&bytes), now).is_err());
        prop_assert!(checked(&STANDARD.encode(&text), now).is_err());
    }

    /// Answers of the right shape with any values, signed or not.
    #[test]
    fn no_parameters_make_it_panic(
        cost: u32, expires_at: u64, key_length: u16, texts in prop::collection::vec("[0-9a-f]{0,70}|.{0,5}", 6), counter: u32,
    ) {
        let parameters = json!({
            "algorithm": texts[0], "cost": cost, "expiresAt": expires_at, "keyLength": key_length, "keyPrefix": texts[1],
            "keySignature": texts[2], "nonce": texts[3], "salt": texts[4],
            "data": {"bound": bytes::encode(&[0; 16]), "key": "a", "level": "light"},
        });
        let mut challenge = json!({"parameters": parameters, "signature": ""});
        let own: Issued = serde_json::from_value(challenge.clone()).unwrap();
        let signed = sign(ring(&["a"]).current(), &own.parameters);
        for signature in ["", &signed] {
            challenge["signature"] = json!(signature);
            let solution = json!({"counter": counter, "derivedKey": texts[5]});
            let answer = json!({"challenge": challenge.clone(), "solution": solution});
            prop_assert!(checked(&wire(&answer), NOW).is_err());
        }
    }
}
