//! What a real mail server reports, once it has taken a message, finds its attempt; nothing else does.

use serde_json::json;
use tiffin_core::gateways::smtp::Smtp;
use tiffin_core::gateways::smtp::answer::Answered;
use tiffin_core::gateways::smtp::bounce::Action;
use tiffin_core::gateways::smtp::bounce::Error;
use tiffin_tests::wait;

use super::aiosmtpd::Server;
use super::common::gateway;
use super::common::order;
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
        let (report, message_id) =
            gateway.report(&bounce).map_err(|error| anyhow::anyhow!("{error}: {text}"))?;
        assert_eq!((report.order, report.n), (order(1), 2));
        assert_eq!((report.action, report.status.as_str()), (Action::Failed, status), "{text}");
        assert_eq!(message_id, provider_id);
        assert!(!text.contains("482915"), "the message came back whole: {text}");
        assert!(text.contains(&format!("Original-Envelope-ID: {}", report.tag)), "{text}");
    }
    Ok(())
}

#[tokio::test]
async fn a_success_is_reported_where_it_was_asked_for() -> anyhow::Result<()> {
    let mx = Server::start("plain").await?;
    let exim = Exim::start(mx.port)?;
    let gateway = exim.gateway(&json!({ "report_success": true }))?;
    let (_, report) = bounced(&exim, &gateway, "user@mail.example").await?;
    let text = String::from_utf8_lossy(&report).into_owned();
    let (report, _) = gateway.report(&report)?;
    // The next server sends no reports.
    assert_eq!(report.action, Action::Relayed, "{text}");
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
        assert_eq!(mail.report(altered.as_bytes()).err(), Some(Error::Tag), "{changed}");
    }
    // Half altered names two things.
    let altered = text.replacen(tag, &tag.to_lowercase(), 1);
    assert!(mail.report(altered.as_bytes()).is_ok(), "a folded recipient: the rest still names it");
    // Of another installation.
    let other = gateway(1, &mx.certificate.certificate, "", &json!({}))?;
    assert!(other.report(text.as_bytes()).is_ok(), "the same secret reads it");
    let without = text.replace("message/delivery-status", "text/plain");
    assert_eq!(mail.report(without.as_bytes()).err(), Some(Error::Format));
    Ok(())
}
