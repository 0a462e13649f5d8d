//! Every receipt finds its message.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use futures::stream;
use serde_json::Value;
use serde_json::json;
use tiffin_core::gateways::adapter::Answered;
use tiffin_core::gateways::callback::Fate;
use tiffin_shared::order::Reason;
use tiffin_tests::wait;

use crate::common::Account;
use crate::common::MAKERS;
use crate::common::Maker;
use crate::common::Smsc;
use crate::common::lock;
use crate::common::messages;
use crate::common::phone;

/// Callers at once: more than a window.
const CALLERS: usize = 40;

/// Sends so many, and sees that each is told of once and as itself.
async fn all_are_matched(maker: Maker, options: Value, keys: &str, count: u32) -> anyhow::Result<()> {
    let smsc = Smsc::start(maker, options.clone()).await?;
    let account = Account::start(&smsc, keys)?;
    let answers = stream::iter(1..=count).map(|n| account.send_code(n)).buffer_unordered(CALLERS);
    for answered in answers.collect::<Vec<_>>().await {
        let answered = answered?;
        anyhow::ensure!(matches!(answered, Answered::Taken { .. }), "{maker:?} {options}: {answered:?}");
    }
    let wanted = count as usize;
    let look = || async { Ok(account.told.receipts().len()) };
    wait::until("the receipts", look, |seen| *seen >= wanted).await?;
    let mut told = BTreeMap::new();
    for (n, fate) in account.told.receipts() {
        assert_eq!(fate, Fate::Delivered);
        *told.entry(n).or_insert(0) += 1;
    }
    assert_eq!(told, (1..=count).map(|n| (n, 1)).collect(), "{maker:?} {options}: each once");
    // The SMSC's own record: this id was given to a message to that number.
    for taken in smsc.events("taken") {
        let id = taken["id"].as_str().unwrap_or_default().to_lowercase();
        let id = if keys.contains("hex_to") { u64::from_str_radix(&id, 16)?.to_string() } else { id };
        let n = account.told.find(&id).unwrap_or_default();
        assert_eq!(format!("+{}", taken["to"].as_str().unwrap_or_default()), phone(n), "{id}");
    }
    account.smpp.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_are_matched_by_tlv() -> anyhow::Result<()> {
    for maker in MAKERS {
        all_are_matched(maker, json!({ "receipts": "tlv" }), "binds = 2", messages()).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_are_matched_by_text() -> anyhow::Result<()> {
    for maker in MAKERS {
        all_are_matched(maker, json!({ "receipts": "text" }), "reference_tlv = false", messages()).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_are_matched_where_their_ids_are_written_differently() -> anyhow::Result<()> {
    let keys = "reference_tlv = false\nmessage_id = 'hex_to_decimal'";
    all_are_matched(Maker::Node, json!({ "receipts": "text_decimal" }), keys, 200).await
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_that_overtake_the_answer_are_matched() -> anyhow::Result<()> {
    let options = json!({ "receipts": "text", "receipt_first": true });
    all_are_matched(Maker::Node, options, "reference_tlv = false", 200).await
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_are_matched_by_our_own_reference() -> anyhow::Result<()> {
    all_are_matched(Maker::Node, json!({ "receipts": "reference" }), "", 200).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_is_not_taken_is_brought_again() -> anyhow::Result<()> {
    for maker in MAKERS {
        let smsc = Smsc::start(maker, json!({ "receipts": "tlv" })).await?;
        let account = Account::start(&smsc, "")?;
        *lock(&account.told.refuse) = 2;
        account.send_code(1).await?;
        let answers = smsc.until("receipt", 3).await?;
        let statuses: Vec<_> = answers.iter().filter_map(|answer| answer["status"].as_u64()).collect();
        assert_eq!(statuses, [0x64, 0x64, 0], "{maker:?}");
        assert_eq!(account.told.receipts(), [(1, Fate::Delivered)]);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_comes_with_the_networks_error() -> anyhow::Result<()> {
    let smsc = Smsc::start(Maker::Node, json!({ "receipts": "text", "state": "UNDELIV" })).await?;
    let account = Account::start(&smsc, "")?;
    account.send_code(1).await?;
    let look = || async { Ok(account.told.receipts()) };
    let told = wait::until("the receipt", look, |told| !told.is_empty()).await?;
    let failed = Fate::Failed { code: Some("UNDELIV:027".into()), fallback: Reason::Rejected };
    assert_eq!(told, [(1, failed)]);
    Ok(())
}
