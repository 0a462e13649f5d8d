//! Our own SMSC, in the sandbox: it takes what the gateway sends, and misbehaves as it is told.

use std::time::Duration;

use serde_json::Value;
use serde_json::json;
use tiffin_core::gateways::adapter::Answered;
use tiffin_core::gateways::adapter::Refusal;
use tiffin_core::gateways::adapter::Taken;
use tiffin_core::gateways::call::install_tls;
use tiffin_core::gateways::callback::Fate;
use tiffin_core::sandbox;
use tiffin_core::sandbox::Ports;
use tiffin_shared::order::Found;
use tiffin_shared::order::Reason;
use tiffin_shared::order::Recall;
use tiffin_tests::message::reference;
use tiffin_tests::wait;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use crate::common::Account;
use crate::common::phone;

/// A sandbox with one account, and that account.
struct Played {
    account: Account,
    http: String,
    client: reqwest::Client,
    serving: AbortHandle,
}

impl Drop for Played {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Played {
    async fn start(keys: &str) -> anyhow::Result<Self> {
        let (http, smpp) = (TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?);
        let (at, port) = (http.local_addr()?, smpp.local_addr()?.port());
        let text = format!("name='smsc'\nkind='smpp'\nhost='127.0.0.1'\nport={port}\nsystem_id='tiffin'");
        let account = sandbox::Account::new(toml::from_str(&text)?, "http://127.0.0.1:1", |_| {
            Some("secret08".to_owned())
        });
        let accounts = vec![account.map_err(anyhow::Error::msg)?];
        let ports = Ports { smpp: Some(smpp), ..Ports::default() };
        let serving =
            tokio::spawn(sandbox::serve(http, ports, accounts, std::future::pending())).abort_handle();
        let account = Account::with(port, "secret08", keys)?;
        install_tls();
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { account, http: format!("http://{at}"), client, serving })
    }

    async fn fault(&self, script: &Value) -> anyhow::Result<()> {
        let url = format!("{}/faults/smsc", self.http);
        self.client.put(url).body(script.to_string()).send().await?.error_for_status()?;
        Ok(())
    }

    /// The texts that arrived at message `n`'s number.
    async fn inbox(&self, n: u32) -> anyhow::Result<Vec<String>> {
        let url = format!("{}/inbox", self.http);
        let body: Value = self.client.get(url).send().await?.error_for_status()?.json().await?;
        let messages = body["messages"].as_array().cloned().unwrap_or_default();
        let to = phone(n);
        let texts = messages.iter().filter(|message| message["to"] == to.as_str());
        Ok(texts.filter_map(|message| message["text"].as_str().map(str::to_owned)).collect())
    }

    /// The receipts of message `n`, once there are so many.
    async fn told(&self, n: u32, count: usize) -> anyhow::Result<Vec<Fate>> {
        let look = || async {
            let receipts = self.account.told.receipts();
            Ok(receipts.into_iter().filter(|(of, _)| *of == n).map(|(_, fate)| fate).collect::<Vec<_>>())
        };
        wait::until("receipts", look, |fates| fates.len() >= count).await
    }
}

fn is_taken(answered: &Answered) -> bool {
    matches!(answered, Answered::Taken { .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_every_length_arrive_and_are_told_of() -> anyhow::Result<()> {
    for keys in ["", "long_messages = 'sar'", "long_messages = 'payload'"] {
        let played = Played::start(keys).await?;
        let texts = [
            "{482915} is your code: 5€".into(),
            "482915 आपका कोड है".into(),
            "ü€".repeat(150),
            "🍱क".repeat(60),
        ];
        for (n, text) in (1..).zip(&texts) {
            assert!(is_taken(&played.account.send(n, text).await?), "{keys}");
            assert_eq!(played.inbox(n).await?, std::slice::from_ref(text), "{keys}");
            assert_eq!(played.told(n, 2).await?, [Fate::Sent, Fate::Delivered]);
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_come_with_their_statuses() -> anyhow::Result<()> {
    let played = Played::start("").await?;
    let cases = [
        (json!({ "mode": "reject" }), "0x0000000B", Reason::Rejected),
        (json!({ "mode": "reject", "code": "0x00000045" }), "0x00000045", Reason::Rejected),
        (json!({ "mode": "http_500" }), "0x00000008", Reason::ProviderDown),
        (json!({ "mode": "http_429" }), "0x00000058", Reason::Throttled),
    ];
    for (n, (script, code, fallback)) in (1..).zip(cases) {
        played.fault(&script).await?;
        let Answered::Refused(refusal) = played.account.send_code(n).await? else {
            anyhow::bail!("{script}")
        };
        assert_eq!((refusal.code.as_deref(), refusal.fallback), (Some(code), fallback), "{script}");
        assert_eq!(refusal.retry_after_ms.is_some(), fallback == Reason::Throttled, "{script}");
        assert!(played.inbox(n).await?.is_empty());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_answer_the_outcome_is_unknown_whether_it_was_taken_or_not() -> anyhow::Result<()> {
    let cases = [("timeout", 0), ("timeout_taken", 1), ("reset", 0), ("reset_taken", 1)];
    for (mode, arrived) in cases {
        let played = Played::start("response_timeout_ms = 700").await?;
        played.fault(&json!({ "mode": mode })).await?;
        assert_eq!(played.account.send_code(1).await?, Answered::Unknown, "{mode}");
        assert_eq!(played.inbox(1).await?.len(), arrived, "{mode}");
        if arrived == 1 {
            // The answer was lost; the receipt has our own reference, and tells after all.
            // Both wait for a session, and may overtake each other.
            let mut told = played.told(1, 2).await?;
            told.sort_by_key(|fate| *fate != Fate::Sent);
            assert_eq!(told, [Fate::Sent, Fate::Delivered], "{mode}");
            assert!(matches!(played.account.look_up(1), Found::Taken { .. }), "{mode}");
        } else {
            assert_eq!(played.account.look_up(1), Found::Unclear, "{mode}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_that_go_wrong_are_told_as_they_come() -> anyhow::Result<()> {
    let failed = || Fate::Failed { code: Some("UNDELIV:027".into()), fallback: Reason::Rejected };
    let cases = [
        ("failed_receipt", vec![Fate::Sent, failed()]),
        ("late_receipt", vec![Fate::Sent, Fate::Delivered]),
        ("duplicate_receipt", vec![Fate::Sent, Fate::Sent, Fate::Delivered, Fate::Delivered]),
        ("receipt_first", vec![Fate::Sent, Fate::Delivered]),
        ("null", vec![Fate::Delivered]),
    ];
    for keys in ["", "reference_tlv = false"] {
        let played = Played::start(keys).await?;
        for (n, (mode, fates)) in (1..).zip(&cases) {
            let mut script = json!({ "mode": mode });
            if *mode == "late_receipt" {
                script["receipt_after_ms"] = json!(700);
            }
            played.fault(&script).await?;
            assert!(is_taken(&played.account.send_code(n).await?), "{mode}");
            let mut told = played.told(n, fates.len()).await?;
            // Two at once may overtake each other.
            told.sort_by_key(|fate| *fate != Fate::Sent);
            assert_eq!(told, *fates, "{mode}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_never_told_of_can_be_asked_for() -> anyhow::Result<()> {
    let played = Played::start("message_id = 'as_is'").await?;
    played.fault(&json!({ "mode": "accept_no_receipt" })).await?;
    let Answered::Taken { .. } = played.account.send_code(1).await? else { anyhow::bail!("refused") };
    let look = || async { Ok(played.account.smpp.query(&reference(1), Some("ACME")).await) };
    wait::until("sent", look, |fate| *fate == Some(Fate::Sent)).await?;
    assert!(played.account.told.receipts().is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_in_the_queue_is_stopped_and_one_that_has_left_is_not() -> anyhow::Result<()> {
    let played = Played::start("message_id = 'as_is'").await?;
    for (n, mode, came_to) in [(1, "queued", Recall::Stopped), (2, "accept_no_receipt", Recall::TooLate)] {
        played.fault(&json!({ "mode": mode })).await?;
        let Answered::Taken { provider_id } = played.account.send_code(n).await? else {
            anyhow::bail!("refused")
        };
        let (reference, smpp) = (reference(n), &played.account.smpp);
        let taken = |from| Taken { reference: &reference, provider_id: &provider_id, from };
        let is_there = || async { Ok(smpp.fares(&taken(Some("ACME"))).await) };
        let word = if mode == "queued" { "ACCEPTD" } else { "ENROUTE" };
        wait::until(word, is_there, |told| told.as_ref().is_some_and(|(said, _)| said == word)).await?;
        // The SMSC checks as whom it went out.
        assert_eq!(smpp.recall(&taken(Some("OTHER"))).await, Some(Recall::TooLate), "{mode}");
        assert_eq!(smpp.recall(&taken(Some("ACME"))).await, Some(came_to), "{mode}");
        assert!(played.inbox(n).await?.is_empty(), "{mode}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_stays_full_turns_messages_away_before_they_are_written() -> anyhow::Result<()> {
    let played = Played::start("window = 2").await?;
    played.fault(&json!({ "mode": "timeout" })).await?;
    let sending = futures::future::join_all((1..=4).map(|n| played.account.send_code(n)));
    let answers = tokio::time::timeout(Duration::from_secs(30), sending).await?;
    let answers = answers.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let unknown = answers.iter().filter(|answered| **answered == Answered::Unknown).count();
    let throttled = |answered: &&Answered| {
        matches!(answered, Answered::Refused(Refusal { fallback: Reason::Throttled, code: None, .. }))
    };
    assert_eq!((unknown, answers.iter().filter(throttled).count()), (2, 2), "{answers:?}");
    Ok(())
}
