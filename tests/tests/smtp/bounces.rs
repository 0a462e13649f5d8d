//! What a real mail server reports, once it has taken a message, finds its attempt; nothing else does.

use serde_json::json;
use tiffin_core::gateways::adapter::Answered;
use tiffin_core::gateways::callback::CallbackError;
use tiffin_core::gateways::callback::Fate;
use tiffin_core::gateways::callback::Told;
use tiffin_core::gateways::smtp::Smtp;
use tiffin_shared::order::Reason;
use tiffin_tests::message::reference;
use tiffin_tests::wait;

use super::aiosmtpd::Server;
use super::common::hear;
use super::common::send;
use super::exim::Exim;

async fn bounced(exim: &Exim, gateway: &Smtp, to: &str) -> anyhow::Result<(String, Vec<u8>)> {
    let before = exim.bounces()?.len();
    let answered = send(gateway, to).await;
    let Answered::Taken { provider_id } = answered else { anyhow::bail!("{answered:?}: {}", exim.log()) };
    let bounces =
        wait::until("a bounce", async || exim.bounces(), |bounces: &Vec<_>| bounces.len() > before).await;
    let bounce = bounces.map_err(|error| error.context(exim.log()))?.pop();
    Ok((provider_id, bounce.unwrap_or_default()))
}

#[tokio::test]
async fn late_bounces_of_exim_find_their_attempt() -> anyhow::Result<()> {
    let mx = Server::start("plain").await?;
    let exim = Exim::start(mx.port)?;
    let gateway = exim.gateway(&json!({}))?;
    for (to, status) in [
        // Exim takes it, and finds out by itself.
        ("nobody@elsewhere.example", "5.0.0"),
        // The next server refuses it.
        ("rcpt.550.5.1.1@mail.example", "5.1.1"),
        ("data.554.5.7.1@mail.example", "5.7.1"),
    ] {
        let (provider_id, bounce) = bounced(&exim, &gateway, to).await?;
        let text = String::from_utf8_lossy(&bounce).into_owned();
        let tag = provider_id.split('@').next().unwrap_or_default().to_owned();
        let fate = Fate::Failed { code: Some(status.into()), fallback: Reason::Rejected };
        let told = Told { attempt: Some(reference(2)), provider_id, fate, cost: None };
        assert_eq!(hear(&gateway, &bounce), Ok(vec![told]), "{text}");
        assert!(!text.contains("482915"), "the message came back whole: {text}");
        assert!(text.contains(&format!("Original-Envelope-ID: {tag}")), "{text}");
    }
    Ok(())
}

#[tokio::test]
async fn a_success_is_reported_where_it_was_asked_for() -> anyhow::Result<()> {
    let mx = Server::start("plain").await?;
    let exim = Exim::start(mx.port)?;
    let gateway = exim.gateway(&json!({ "report_success": true }))?;
    let (provider_id, report) = bounced(&exim, &gateway, "user@mail.example").await?;
    let text = String::from_utf8_lossy(&report).into_owned();
    // The next server sends no reports.
    let told = Told { attempt: Some(reference(2)), provider_id, fate: Fate::Sent, cost: None };
    assert_eq!(hear(&gateway, &report), Ok(vec![told]), "{text}");
    assert_eq!(mx.mails()?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn forged_and_altered_bounces_are_refused() -> anyhow::Result<()> {
    let mx = Server::start("plain").await?;
    let exim = Exim::start(mx.port)?;
    let mail = exim.gateway(&json!({}))?;
    let (provider_id, bounce) = bounced(&exim, &mail, "nobody@elsewhere.example").await?;
    let text = String::from_utf8(bounce)?;
    let tag = provider_id.split('@').next().unwrap_or_default();
    // Each character of the order, of the attempt and of the check counts.
    for at in 0..tag.len() - 1 {
        let mut changed = tag.to_owned();
        changed.replace_range(at..=at, if tag.get(at..=at) == Some("A") { "B" } else { "A" });
        let altered = text.replace(tag, &changed);
        assert_eq!(hear(&mail, altered.as_bytes()), Err(CallbackError::Signature), "{changed}");
    }
    // A server that folds the recipient leaves the rest, which still names it.
    assert!(hear(&mail, text.replacen(tag, &tag.to_lowercase(), 1).as_bytes()).is_ok());
    let without = text.replace("message/delivery-status", "text/plain");
    assert_eq!(hear(&mail, without.as_bytes()), Err(CallbackError::Malformed));
    Ok(())
}
