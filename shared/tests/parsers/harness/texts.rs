//! Names, numbers, keys and settings.

use std::cell::RefCell;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tiffin_shared::bytes;
use tiffin_shared::code::Code;
use tiffin_shared::directory::Directory;
use tiffin_shared::directory::Service;
use tiffin_shared::directory::Tenant;
use tiffin_shared::id::KeyId;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::TenantId;
use tiffin_shared::keys::Ring;
use tiffin_shared::keys::Verifying;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Create;
use tiffin_shared::ledger::Ledger;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::ledger::Verify;
use tiffin_shared::ledger::Whose;
use tiffin_shared::machine;
use tiffin_shared::phone::Phone;
use tiffin_shared::seal::PrivateKey;
use tiffin_shared::seal::PublicKey;
use tiffin_shared::time::MINUTE_MS;

use crate::common::fixtures;

fn text(data: &[u8]) -> &str {
    std::str::from_utf8(data).unwrap_or_default()
}

fn seeds(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Written and read again it is the same, to the byte.
pub fn prints_and_parses<T: Serialize + DeserializeOwned>(value: &T) -> String {
    let printed = serde_json::to_string(value).unwrap();
    let again: T = serde_json::from_str(&printed).unwrap();
    assert_eq!(serde_json::to_string(&again).unwrap(), printed);
    printed
}

/// Exactly the E.164 numbers of 7 to 15 digits, in one spelling, and the mask hides at least one digit.
pub fn phone(data: &[u8]) {
    let text = text(data);
    let is_phone = match text.as_bytes() {
        [b'+', b'1'..=b'9', rest @ ..] => {
            (6..=14).contains(&rest.len()) && rest.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    };
    let parsed = Phone::parse(text);
    assert_eq!(parsed.is_ok(), is_phone, "{text:?}");
    let in_json = serde_json::from_str::<Phone>(&serde_json::to_string(text).unwrap());
    assert_eq!(in_json.is_ok(), is_phone, "{text:?}");
    if let Ok(phone) = parsed {
        assert_eq!(phone.e164(), text);
        assert_eq!(phone.masked().chars().count(), text.len());
        assert!(phone.masked().contains('•') && !phone.masked().contains(text));
        prints_and_parses(&phone);
    }
}

/// Inputs for [`phone`].
pub fn phone_seeds() -> Vec<Vec<u8>> {
    seeds(&["+919876543210", "+1234567", "+123456789012345", "+0123456", "00919876543210", "+91 98765 43210"])
}

/// An id has one spelling; a name is of its alphabet.
pub fn ids(data: &[u8]) {
    let text = text(data);
    if let Ok(order) = OrderId::parse(text) {
        assert_eq!(order.to_string(), text);
        assert_eq!(order, OrderId::parse(text).unwrap());
        prints_and_parses(&order);
    }
    if let Ok(ledger) = serde_json::from_str::<LedgerId>(&serde_json::to_string(text).unwrap()) {
        assert_eq!(ledger.to_string(), text);
        for partitions in [0, 1, 2, 7, u16::MAX] {
            assert!(ledger.partition(partitions) < partitions.max(1));
        }
    }
    let is_name = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    let starts_well = text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
    let expected = starts_well && text.len() <= 40 && text.as_bytes().iter().all(is_name);
    assert_eq!(TenantId::parse(text).is_ok(), expected, "{text:?}");
    if let Ok(tenant) = TenantId::parse(text) {
        assert_eq!(tenant.as_str(), text);
        prints_and_parses(&tenant);
    }
}

/// Inputs for [`ids`].
pub fn ids_seeds() -> Vec<Vec<u8>> {
    let order = OrderId::new([250; 16], fixtures::ledger_id());
    seeds(&[&order.to_string(), &order.ledger().to_string(), "acme", "a-b_9", "ord_"])
}

/// A ring keeps what it was given, in order, and prints back; no 32 bytes upset a curve.
pub fn ring(data: &[u8]) {
    let text = text(data);
    let seen = RefCell::new(Vec::new());
    let parsed = Ring::parse(text, |id, key| {
        seen.borrow_mut().push((id.clone(), key));
        let _ = (Verifying::new(key), PublicKey::new(id, key), PrivateKey::new(key));
        Ok(key)
    });
    let Ok(ring) = parsed else { return };
    let seen = seen.into_inner();
    assert!((1..=8).contains(&seen.len()));
    assert_eq!(*ring.current(), seen[0].1);
    for (id, key) in &seen {
        assert_eq!(ring.get(id), Some(key), "ids are distinct");
    }
    let print = |(id, key): &(KeyId, [u8; 32])| format!("{id}:{}", bytes::encode(key));
    let printed: Vec<_> = seen.iter().map(print).collect();
    let spelt: Vec<_> = text.split(',').map(str::trim).collect();
    assert_eq!(printed, spelt, "one spelling, apart from spaces between keys");
}

/// Inputs for [`ring`].
pub fn ring_seeds() -> Vec<Vec<u8>> {
    let key = bytes::encode(&fixtures::edge().public());
    let many: Vec<_> = (0..9).map(|n| format!("k{n}:{key}")).collect();
    seeds(&[&format!("e1:{key}"), &format!("e1:{key}, e2:{key}"), &many.join(","), &many[..8].join(",")])
}

/// A directory that passes its check is served: its orders are made and verified without a fault.
pub fn directory(data: &[u8]) {
    let Ok(directory) = serde_json::from_slice::<Directory>(data) else { return };
    let printed = prints_and_parses(&directory);
    assert_eq!(serde_json::from_str::<Directory>(&printed).unwrap(), directory);
    let _ = directory.caller(text(data));
    if directory.check().is_err() {
        return;
    }
    for key in &directory.keys {
        assert!(directory.tenants.contains_key(&key.tenant));
    }
    for (id, tenant) in &directory.tenants {
        for service in tenant.services.values() {
            assert!((4..=10).contains(&service.digits));
            assert!((MINUTE_MS..=10 * MINUTE_MS).contains(&service.ttl_ms));
            serve(id, tenant, service);
        }
    }
}

/// Two orders, a wrong guess and a tick, with the tenant's own limits.
fn serve(id: &TenantId, tenant: &Tenant, service: &Service) {
    let mut state = None;
    let mut now = fixtures::START;
    let mut ask = |n: u8, ask: Ask| {
        now = now.plus(1_000);
        let (reply, commit) =
            machine::run::<Ledger>(state.as_deref(), &fixtures::command(u64::from(n), ask), now).unwrap();
        state = commit.map(|commit| commit.body).or(state.take());
        reply.outcome
    };
    for n in 0..2 {
        let create = Create {
            tenant: id.clone(),
            limits: tenant.limits,
            digits: service.digits,
            ttl_ms: service.ttl_ms,
            ..fixtures::create(0, 0, n, n)
        };
        match ask(n, Ask::Create(Box::new(create))) {
            Outcome::Created { order, .. } => {
                let whose = Whose {
                    tenant: id.clone(),
                    order: OrderId::parse(&order.id).unwrap(),
                    limits: tenant.limits,
                    scope: Vec::new(),
                    services: Vec::new(),
                };
                let guess = Code::parse("0000").unwrap();
                let outcome = ask(
                    2,
                    Ask::Verify(Verify { whose, guess, binding: None, solved: None, is_stranger: false }),
                );
                assert!(matches!(outcome, Outcome::Verified { .. }), "{outcome:?}");
            }
            Outcome::RateLimited { .. } => assert!(n > 0, "the first order of an address is admitted"),
            other => panic!("{other:?}"),
        }
        ask(3, Ask::Tick);
    }
}

/// Inputs for [`directory`].
pub fn directory_seeds() -> Vec<Vec<u8>> {
    let limits = r#"{"bucket":{"capacity":3,"refill_ms":60000},"hourly":{"max":10,"window_ms":3600000},
        "daily":{"max":20,"window_ms":86400000},"guesses_per_code":5,"guesses_per_day":20,"guesses_in_a_row":100}"#;
    let service = r#"{"brand":"Shop","digits":6,"ttl_ms":300000,"risk":"high","channels":["sms","email"]}"#;
    let digest = bytes::encode(&[1; 32]);
    let full = format!(
        r#"{{"tenants":{{"acme":{{"services":{{"login":{service}}},"limits":{limits}}}}},
        "keys":[{{"id":"k1","tenant":"acme","kind":"secret","digest":"{digest}"}}]}}"#
    );
    let printed = serde_json::to_string(&super::front::directory()).unwrap();
    let extreme = full.replace("60000", &u64::MAX.to_string()).replace(":3,", &format!(":{},", u32::MAX));
    seeds(&[&full, &printed, &extreme, r#"{"tenants":{},"keys":[]}"#])
}
