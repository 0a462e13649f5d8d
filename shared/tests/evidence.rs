//! A packet that was changed anywhere is found out, and the check says where.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod common;

use serde_json::Value;
use serde_json::json;
use tiffin_shared::bytes;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::evidence::Account;
use tiffin_shared::evidence::Evidence;
use tiffin_shared::evidence::Exchange;
use tiffin_shared::evidence::Fault;
use tiffin_shared::evidence::Request;
use tiffin_shared::evidence::Told;
use tiffin_shared::evidence::Tried;
use tiffin_shared::evidence::VERSION;
use tiffin_shared::evidence::canonical;
use tiffin_shared::evidence::linked;
use tiffin_shared::evidence::seal;
use tiffin_shared::evidence::verify;
use tiffin_shared::id::GatewayId;
use tiffin_shared::keys::Ring;
use tiffin_shared::keys::Signing;
use tiffin_shared::keys::Verifying;
use tiffin_shared::order::AttemptState;
use tiffin_shared::order::Cost;
use tiffin_shared::order::Entry;
use tiffin_shared::order::Happening;
use tiffin_shared::order::Story;
use tiffin_shared::order::head;
use tiffin_shared::wire::api::Channel;
use tiffin_shared::wire::api::OrderState;

use crate::common::fixtures::START;
use crate::common::fixtures::key_id;

fn key(id: &str, seed: u8) -> Signing {
    Signing::new(&key_id(id), [seed; 32])
}

fn ring() -> Ring<Verifying> {
    let text =
        format!("k2:{},k1:{}", bytes::encode(&key("k2", 2).public()), bytes::encode(&key("k1", 1).public()));
    Ring::parse(&text, |_, key| Verifying::new(key)).unwrap()
}

fn story() -> Story {
    let gateway = GatewayId::parse("alpha").unwrap();
    let whats = [
        Happening::Attempt {
            n: 1,
            channel: Channel::Sms,
            gateway,
            sender: None,
            changed: "first".into(),
            after: None,
            why: "the only way".into(),
        },
        Happening::Answered {
            n: 1,
            state: AttemptState::Sent,
            reason: None,
            provider_id: Some("m-1 \"é\"".into()),
        },
        Happening::Receipt { n: 1, state: AttemptState::Delivered, reason: None, late: false },
        Happening::Ended { state: OrderState::Verified, why: "the user has the code".into() },
    ];
    let entries: Vec<_> = (0..).zip(whats).map(|(n, what)| Entry { at: START.plus(n * 700), what }).collect();
    Story { head: head(&entries), entries }
}

fn evidence() -> Evidence {
    let story = story();
    let exchange = Exchange {
        purpose: "send".into(),
        began_at: START,
        ended_at: START.plus(90),
        request: Request { line: "POST https://x/y".into(), auth: None, headers: Vec::new(), body: None },
        reply: Some(Told { status: "201".into(), headers: Vec::new(), body: None, date: Some(START) }),
        failure: None,
    };
    let tried = Tried {
        n: 1,
        channel: Channel::Sms,
        gateway: GatewayId::parse("alpha").unwrap(),
        kind: None,
        sender: None,
        state: AttemptState::Delivered,
        reason: None,
        changed: "first".into(),
        called_at: START,
        provider_id: Some("m-1".into()),
        cost: Cost::parse("0.0333", "EUR", false).map(|cost| cost.price),
        exchanges: vec![exchange],
        receipts: Vec::new(),
        has_more: false,
    };
    Evidence {
        version: VERSION,
        made_at: START.plus(9_000),
        account: Account {
            tenant: Some(common::fixtures::tenant(0)),
            email: Some("help@shop.example".into()),
        },
        order: common::order::header().order,
        request: Some("req_AAAAAAAAAAAAAAAAAAAAAA".into()),
        trace: None,
        service: Some(common::fixtures::service(0)),
        channel: Some(Channel::Sms),
        country: None,
        to: Some("+91••••••3210".into()),
        created_at: Some(START),
        expires_at: Some(START.plus(300_000)),
        state: OrderState::Verified,
        reason: None,
        erased_at: None,
        is_closed: true,
        advice: None,
        risk: None,
        timeline: linked(&story),
        head: story.head,
        attempts: vec![tried],
        costs: None,
        clocks: Vec::new(),
        uploads: Vec::new(),
    }
}

fn faults(packet: &Value) -> Vec<Fault> {
    verify(&packet.to_string(), &ring()).err().unwrap_or_default()
}

fn packet() -> Value {
    serde_json::from_str(&seal(&evidence(), &key("k1", 1)).unwrap()).unwrap()
}

#[test]
fn what_core_sealed_is_read_back_as_it_was_by_either_key_and_in_any_layout() {
    for (id, seed) in [("k1", 1), ("k2", 2)] {
        let text = seal(&evidence(), &key(id, seed)).unwrap();
        assert_eq!(canonical(&serde_json::from_str(&text).unwrap()), text);
        let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Value>(&text).unwrap()).unwrap();
        for text in [text, pretty] {
            let checked = verify(&text, &ring()).unwrap();
            assert_eq!((checked.key.to_string().as_str(), *checked.evidence), (id, evidence()));
        }
    }
}

#[test]
fn a_change_of_any_bit_of_any_byte_is_detected() {
    let text = seal(&evidence(), &key("k1", 1)).unwrap();
    let mut flips = 0;
    for at in 0..text.len() {
        for bit in 0..8 {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            // What is no text is no packet.
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            assert!(verify(&changed, &ring()).is_err(), "bit {bit} of byte {at}: {changed}");
            flips += 1;
        }
        let mut shorter = text.clone().into_bytes();
        shorter.remove(at);
        if let Ok(shorter) = String::from_utf8(shorter) {
            assert!(verify(&shorter, &ring()).is_err(), "without byte {at}");
        }
    }
    assert!(flips > text.len() * 6);
}

/// Every value below `at`, as a JSON pointer.
fn places(json: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match json {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| places(value, &format!("{at}/{name}"), all))
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(n, value)| places(value, &format!("{at}/{n}"), all));
        }
        _ => {}
    }
}

#[test]
fn every_field_that_is_changed_is_named_with_the_part_that_it_is_in() {
    let packet = packet();
    let mut all = Vec::new();
    places(&packet["evidence"], "", &mut all);
    for place in all.iter().filter(|place| !place.is_empty()) {
        let mut changed = packet.clone();
        let value = changed["evidence"].pointer_mut(place).unwrap();
        *value = match value {
            Value::String(text) => json!(format!("{text}x")),
            Value::Number(number) => json!(number.as_u64().unwrap() + 1),
            Value::Bool(is) => json!(!*is),
            Value::Array(list) => json!([list.clone(), list.clone()].concat()),
            _ => json!({}),
        };
        let found = faults(&changed);
        if *changed["evidence"].pointer(place).unwrap() == *packet["evidence"].pointer(place).unwrap() {
            continue;
        }
        assert!(found.contains(&Fault::Signature), "{place}: {found:?}");
        let names_it = |fault: &Fault| matches!(fault, Fault::Part(part) if place.starts_with(part.as_str()) || part.starts_with(place));
        assert!(found.iter().any(names_it), "{place}: {found:?}");
    }
    assert!(all.len() > 60, "{}", all.len());
}

#[test]
fn a_timeline_that_was_changed_is_told_by_its_first_entry_even_where_the_seal_is_not_looked_at() {
    for n in 0..4_usize {
        let mut changed = packet();
        let at = changed["evidence"]["timeline"][n]["at"].as_u64().unwrap();
        changed["evidence"]["timeline"][n]["at"] = json!(at - 1);
        assert_eq!(faults(&changed).first(), Some(&Fault::Chain(u32::try_from(n).unwrap() + 1)));
    }
    let mut shorter = packet();
    shorter["evidence"]["timeline"].as_array_mut().unwrap().pop();
    let found = faults(&shorter);
    assert!(found.contains(&Fault::Head) && found.contains(&Fault::Part("/timeline/3".into())), "{found:?}");
}

#[test]
fn a_packet_sealed_anew_by_another_is_not_core_s() {
    let mut forged = evidence();
    forged.to = Some("+91••••••9999".into());
    let with = |id, seed| seal(&forged, &key(id, seed)).unwrap();
    assert_eq!(verify(&with("k9", 9), &ring()), Err(vec![Fault::UnknownKey("k9".into())]));
    assert_eq!(verify(&with("k1", 9), &ring()), Err(vec![Fault::Signature]));
    // The other key's name over the same signature.
    let mut renamed = packet();
    renamed["seal"]["key"] = json!("k2");
    assert_eq!(faults(&renamed), [Fault::Signature]);
}

#[test]
fn what_stands_there_twice_is_not_read_as_two_things() {
    let text = seal(&evidence(), &key("k1", 1)).unwrap();
    let twice = text.replacen("\"evidence\":{", "\"evidence\":{\"to\":\"+91••••••9999\",", 1);
    assert!(verify(&twice, &ring()).is_err());
    for text in ["", "null", "[]", "{}", "{\"evidence\":{},\"seal\":{}}", &"[".repeat(10_000)] {
        assert!(matches!(verify(text, &ring()).unwrap_err().first(), Some(Fault::Format(_))), "{text:.40}");
    }
}

#[test]
fn the_bytes_of_a_seal_are_pinned() {
    let text = seal(&json!({"b": [1, {"z": "é", "a": null}], "a": "\u{1}\n\""}), &key("k1", 1)).unwrap();
    let digest = Bytes(bytes::sha256(text.as_bytes()));
    assert!(text.starts_with(
        r#"{"evidence":{"a":"\u0001\n\"","b":[1,{"a":null,"z":"é"}]},"seal":{"algorithm":"ed25519","#
    ));
    assert_eq!(bytes::encode(&digest.0), "ZqMPfhB63K2kte1eAGj7qtAjITSOMzXnCpZHr-0jAhA");
}
