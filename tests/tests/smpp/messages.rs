//! What was written is what arrives.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;
use tiffin_core::gateways::adapter::Answered;

use crate::common::Account;
use crate::common::MAKERS;
use crate::common::Smsc;
use crate::common::phone;

/// Texts with the coding and the number of parts that they take.
fn texts() -> Vec<(String, u64, usize)> {
    vec![
        ("482915 is your code. @acme.example #482915".into(), 0, 1),
        ("£5 ¥ è ù Ç Ø Å Δ Φ Γ Λ Ω Π Ψ Σ Θ Ξ Æ ß É Ä Ö Ñ Ü § ¿ ä ö ñ ü à ¡ ¤".into(), 0, 1),
        ("^{482915}\\[~]| costs €5".into(), 0, 1),
        ("482915 आपका कोड है".into(), 8, 1),
        ("482915 🍱".into(), 8, 1),
        (format!("{}€{}", "a".repeat(152), "b".repeat(200)), 0, 3),
        (format!("{}🍱{}", "क".repeat(66), "ख".repeat(70)), 8, 3),
    ]
}

/// The text that a phone shows of the parts.
fn shown(parts: &[Value]) -> String {
    let mut parts: Vec<_> = parts.iter().collect();
    parts.sort_by_key(|part| part["part"][2].as_u64());
    parts.iter().filter_map(|part| part["text"].as_str()).collect()
}

async fn arrive(keys: &str, expected_parts: impl Fn(usize) -> usize) -> anyhow::Result<()> {
    for maker in MAKERS {
        let smsc = Smsc::start(maker, json!({})).await?;
        let account = Account::start(&smsc, keys)?;
        for (n, (text, ..)) in (1..).zip(texts()) {
            let answered = account.send(n, &text).await?;
            anyhow::ensure!(matches!(answered, Answered::Taken { .. }), "{maker:?} {n}: {answered:?}");
        }
        let mut arrived = BTreeMap::<String, Vec<Value>>::new();
        for event in smsc.events("taken") {
            arrived.entry(event["to"].as_str().unwrap_or_default().to_owned()).or_default().push(event);
        }
        for (n, (text, coding, parts)) in (1..).zip(texts()) {
            let got = arrived.remove(phone(n).trim_start_matches('+')).unwrap_or_default();
            assert_eq!(shown(&got), text, "{maker:?} {keys}");
            assert_eq!(got.len(), expected_parts(parts), "{maker:?} {keys}: {text}");
            assert!(got.iter().all(|part| part["coding"] == coding && part["from"] == "ACME"), "{got:?}");
            let names = got.iter().map(|part| (&part["part"][0], &part["part"][1]));
            let names: std::collections::HashSet<_> = names.map(|name| format!("{name:?}")).collect();
            assert_eq!(names.len(), 1, "parts of one message belong together: {got:?}");
        }
        account.smpp.close().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_arrive_with_a_user_data_header() -> anyhow::Result<()> {
    arrive("", |parts| parts).await
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_arrive_with_sar_tlvs() -> anyhow::Result<()> {
    arrive("long_messages = 'sar'", |parts| parts).await
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_arrive_as_one_payload() -> anyhow::Result<()> {
    arrive("long_messages = 'payload'", |_| 1).await
}

#[tokio::test(flavor = "multi_thread")]
async fn both_kinds_of_bind_send() -> anyhow::Result<()> {
    for maker in MAKERS {
        let smsc = Smsc::start(maker, json!({ "receipts": "text" })).await?;
        let account = Account::start(&smsc, "bind = 'separate'\nbinds = 2")?;
        let answered = account.send_code(1).await?;
        assert!(matches!(answered, Answered::Taken { .. }), "{maker:?}: {answered:?}");
        account.smpp.close().await;
    }
    Ok(())
}
