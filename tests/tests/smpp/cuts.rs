//! Sessions that are cut while messages are under way: nothing that was taken is missing, and nothing is sent twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream;
use serde_json::json;
use tiffin_core::gateways::adapter::Answered;
use tiffin_core::gateways::adapter::Refusal;
use tokio::sync::Notify;

use crate::common::Account;
use crate::common::MAKERS;
use crate::common::Maker;
use crate::common::Smsc;
use crate::common::messages;
use crate::common::phone;

/// Callers at once: several windows.
const CALLERS: usize = 50;
/// How often a message that was surely not taken is sent again.
const TRIES_MAX: usize = 200;

/// As an order would: again where it was surely not taken, never where that is not known.
async fn insist(account: &Account, n: u32) -> anyhow::Result<Answered> {
    for _ in 0..TRIES_MAX {
        match account.send_code(n).await? {
            Answered::Refused(Refusal { retry_after_ms, .. }) => {
                tokio::time::sleep(std::time::Duration::from_millis(retry_after_ms.unwrap_or(100))).await;
            }
            ended => return Ok(ended),
        }
    }
    anyhow::bail!("message {n} was never written")
}

/// What became of all messages, against what the SMSC has.
fn settle(maker: Maker, smsc: &Smsc, ended: &BTreeMap<u32, Answered>) {
    let mut has = BTreeMap::<String, Vec<String>>::new();
    for taken in smsc.events("taken") {
        let text = |key: &str| taken[key].as_str().unwrap_or_default().to_owned();
        has.entry(format!("+{}", text("to"))).or_default().push(text("id").to_lowercase());
    }
    let (mut unknown, mut unknown_taken) = (0, 0);
    for (n, answered) in ended {
        let ids = has.get(&phone(*n)).map(Vec::as_slice).unwrap_or_default();
        match answered {
            Answered::Taken { provider_id } => {
                assert_eq!(ids, std::slice::from_ref(provider_id), "message {n}")
            }
            Answered::Unknown => {
                unknown += 1;
                unknown_taken += usize::from(!ids.is_empty());
            }
            Answered::Refused(_) => {}
        }
    }
    let twice = has.values().filter(|ids| ids.len() > 1).count();
    #[expect(clippy::print_stdout, reason = "the figures of the run")]
    {
        println!(
            "{maker:?}: {} messages, {} cuts or crashes; {unknown} unknown, of which the SMSC has {unknown_taken}; {twice} twice",
            ended.len(),
            smsc.events("cut").len() + smsc.events("up").len() - 1,
        );
    }
    assert_eq!(twice, 0, "sent twice");
    assert!(unknown > 0, "no cut met a message under way: nothing was proved");
    assert!(unknown < ended.len() / 2, "most messages got through");
}

async fn send_all(account: &Account, half: &Notify) -> anyhow::Result<BTreeMap<u32, Answered>> {
    let count = messages();
    let sending = stream::iter(1..=count).map(async |n| {
        let answered = insist(account, n).await?;
        if n == count / 3 || n == 2 * count / 3 {
            half.notify_one();
        }
        anyhow::Ok((n, answered))
    });
    let ended: Vec<_> = sending.buffer_unordered(CALLERS).collect().await;
    let ended = ended.into_iter().collect::<anyhow::Result<BTreeMap<_, _>>>()?;
    assert_eq!(ended.len(), count as usize, "every message ended");
    Ok(ended)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_when_connections_are_cut_mid_window() -> anyhow::Result<()> {
    for maker in MAKERS {
        let options = json!({ "cut_every": 97, "answer_ms": 3, "receipts": "none" });
        let smsc = Smsc::start(maker, options).await?;
        let account = Account::start(&smsc, "binds = 2")?;
        let ended = send_all(&account, &Notify::new()).await?;
        settle(maker, &smsc, &ended);
        account.smpp.close().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_when_the_smsc_is_killed() -> anyhow::Result<()> {
    for maker in MAKERS {
        let mut smsc = Smsc::start(maker, json!({ "answer_ms": 10, "receipts": "none" })).await?;
        let account = Arc::new(Account::start(&smsc, "")?);
        let half = Arc::new(Notify::new());
        let sending = tokio::spawn({
            let (account, half) = (Arc::clone(&account), Arc::clone(&half));
            async move { send_all(&account, &half).await }
        });
        for _ in 0..2 {
            half.notified().await;
            smsc.crash().await?;
        }
        settle(maker, &smsc, &sending.await??);
    }
    Ok(())
}
