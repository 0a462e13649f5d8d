//! An SMSC that is slow, busy, silent, gone, or does not know us.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;
use serde_json::json;
use tiffin_core::gateways::adapter::Answered;
use tiffin_core::gateways::adapter::Refusal;
use tiffin_core::gateways::callback::Fate;
use tiffin_shared::order::Found;
use tiffin_shared::order::Reason;
use tiffin_tests::message::reference;
use tiffin_tests::wait;

use crate::common::Account;
use crate::common::MAKERS;
use crate::common::Maker;
use crate::common::Smsc;

#[tokio::test(flavor = "multi_thread")]
async fn a_throttling_smsc_is_given_pauses_and_gets_all() -> anyhow::Result<()> {
    const COUNT: u32 = 150;
    for maker in MAKERS {
        let smsc = Smsc::start(maker, json!({ "throttle_per_s": 60, "receipts": "none" })).await?;
        let account = Account::start(&smsc, "window = 5")?;
        let sending = stream::iter(1..=COUNT).map(async |n| {
            loop {
                match account.send_code(n).await? {
                    Answered::Refused(Refusal { fallback: Reason::Throttled, retry_after_ms, .. }) => {
                        tokio::time::sleep(Duration::from_millis(retry_after_ms.unwrap_or(50))).await;
                    }
                    answered => return anyhow::Ok(answered),
                }
            }
        });
        for answered in sending.buffer_unordered(20).collect::<Vec<_>>().await {
            assert!(matches!(answered?, Answered::Taken { .. }));
        }
        let (taken, throttled) = (smsc.events("taken").len(), smsc.events("throttled").len());
        println!("{maker:?}: {taken} taken, {throttled} throttled");
        assert_eq!(taken, COUNT as usize);
        // Without pauses each second of waiting would be full of them.
        assert!((1..COUNT as usize / 2).contains(&throttled), "{maker:?}: {throttled} throttled");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_as_such() -> anyhow::Result<()> {
    for maker in MAKERS {
        let smsc = Smsc::start(maker, json!({})).await?;
        let account = Account::with(smsc.port(), "wrong", "")?;
        let Answered::Refused(refusal) = account.send_code(1).await? else { anyhow::bail!("sent") };
        assert_eq!(refusal.fallback, Reason::AuthFailed, "{maker:?}: {refusal:?}");
        let code = if maker == Maker::Node { "0x0000000D" } else { "0x0000000E" };
        assert_eq!(refusal.code.as_deref(), Some(code));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_smsc_that_is_gone_is_surely_not_sent_to_and_is_found_again() -> anyhow::Result<()> {
    let mut smsc = Smsc::start(Maker::Node, json!({})).await?;
    let port = wait::free_ports(1)?;
    let nowhere = Account::with(port, "secret08", "")?;
    let Answered::Refused(refusal) = nowhere.send_code(1).await? else { anyhow::bail!("sent") };
    assert_eq!(refusal.fallback, Reason::ProviderDown);
    let account = Account::start(&smsc, "")?;
    assert!(matches!(account.send_code(1).await?, Answered::Taken { .. }));
    smsc.crash().await?;
    let look = || async { account.send_code(2).await };
    wait::until("a session again", look, |answered| matches!(answered, Answered::Taken { .. })).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_leaves_the_outcome_unknown() -> anyhow::Result<()> {
    let smsc = Smsc::start(Maker::Node, json!({ "silent": true })).await?;
    let account = Account::start(&smsc, "response_timeout_ms = 500")?;
    assert_eq!(account.send_code(1).await?, Answered::Unknown);
    assert_eq!(account.look_up(1), Found::Unclear);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_late_is_found_by_looking() -> anyhow::Result<()> {
    for maker in MAKERS {
        let smsc = Smsc::start(maker, json!({ "answer_ms": 1_500, "receipts": "none" })).await?;
        let account = Account::start(&smsc, "response_timeout_ms = 500")?;
        assert_eq!(account.send_code(1).await?, Answered::Unknown, "{maker:?}");
        let look = || async { Ok(account.look_up(1)) };
        wait::until("the late answer", look, |found| matches!(found, Found::Taken { .. })).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_smsc_that_knows_it_says_how_a_message_fares() -> anyhow::Result<()> {
    let smsc = Smsc::start(Maker::Node, json!({ "receipts": "none" })).await?;
    // Whatever spelling we remember an id by, the SMSC is asked by its own.
    for keys in ["", "message_id = 'as_is'"] {
        let account = Account::start(&smsc, keys)?;
        let Answered::Taken { .. } = account.send_code(1).await? else { anyhow::bail!("not taken") };
        assert_eq!(account.smpp.query(&reference(1), Some("ACME")).await, Some(Fate::Delivered), "{keys}");
        assert_eq!(account.smpp.query(&reference(2), Some("ACME")).await, None, "never sent");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_waits_for_what_is_out_and_unbinds() -> anyhow::Result<()> {
    let smsc = Smsc::start(Maker::Node, json!({ "answer_ms": 600, "receipts": "none" })).await?;
    let account = Account::start(&smsc, "")?;
    let sending = account.send_code(1);
    let closing = async {
        smsc.until("taken", 1).await?;
        account.smpp.close().await;
        anyhow::Ok(())
    };
    let (answered, closed) = tokio::join!(sending, closing);
    closed?;
    assert!(matches!(answered?, Answered::Taken { .. }));
    assert_eq!(smsc.events("unbound").len(), 1);
    assert!(matches!(account.send_code(2).await?, Answered::Refused(_)));
    Ok(())
}
