//! What the server says becomes the right next step.

use serde_json::json;
use tiffin_core::gateways::adapter::Answered;
use tiffin_core::gateways::adapter::Refusal;
use tiffin_shared::order::Reason;

use super::aiosmtpd::Server;
use super::common::gateway;
use super::common::send;
use super::common::send_attempt;

fn code(answered: Answered) -> anyhow::Result<String> {
    match answered {
        Answered::Refused(Refusal { code: Some(code), .. }) => Ok(code),
        other => anyhow::bail!("{other:?}"),
    }
}

#[tokio::test]
async fn refusals_come_with_the_servers_own_code() -> anyhow::Result<()> {
    let server = Server::start("starttls").await?;
    let gateway = server.gateway(&json!({}))?;
    for (to, expected) in [
        ("rcpt.550.5.1.1@mail.example", "5.1.1"),
        ("rcpt.552.5.2.2@mail.example", "5.2.2"),
        ("rcpt.550.no@mail.example", "550"),
        ("rcpt.450.4.2.1@mail.example", "4.2.1"),
        ("data.451.4.3.0@mail.example", "4.3.0"),
        ("data.554.5.7.1@mail.example", "5.7.1"),
        ("data.421.4.7.0@mail.example", "421"),
        ("no address@mail.example", "5.1.3"),
        ("üser@mail.example", "5.6.7"),
    ] {
        assert_eq!(code(send(&gateway, to).await)?, expected, "{to}");
    }
    assert_eq!(server.mails()?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn a_greylisted_message_is_put_off_and_taken_the_next_time() -> anyhow::Result<()> {
    let server = Server::start("starttls").await?;
    let gateway = server.gateway(&json!({}))?;
    let first = send_attempt(&gateway, "grey@mail.example", 1).await;
    let Answered::Refused(refusal) = first else { anyhow::bail!("{first:?}") };
    assert_eq!((refusal.code.as_deref(), refusal.fallback), (Some("4.7.1"), Reason::AbsentTemporary));
    let second = send_attempt(&gateway, "grey@mail.example", 2).await;
    assert!(matches!(second, Answered::Taken { .. }), "{second:?}");
    Ok(())
}

#[tokio::test]
async fn a_cut_before_the_last_dot_is_a_failure_and_one_after_it_unknown() -> anyhow::Result<()> {
    let server = Server::start("starttls").await?;
    let gateway = server.gateway(&json!({}))?;
    let before = send(&gateway, "cut.rcpt@mail.example").await;
    let down = Refusal { code: None, fallback: Reason::ProviderDown, retry_after_ms: None };
    assert_eq!(before, Answered::Refused(down.clone()));
    assert_eq!(send(&gateway, "cut.dot@mail.example").await, Answered::Unknown);
    assert_eq!(send(&gateway, "taken.cut@mail.example").await, Answered::Unknown);
    assert_eq!(server.mails()?.len(), 1, "one of the two was taken");
    // A broken connection is not used again.
    assert!(matches!(send(&gateway, "user@mail.example").await, Answered::Taken { .. }));
    let port = tiffin_tests::wait::free_ports(1)?;
    let nobody = super::common::gateway(port, &server.certificate.certificate, "x", &json!({}))?;
    assert_eq!(send(&nobody, "user@mail.example").await, Answered::Refused(down));
    Ok(())
}

#[tokio::test]
async fn a_wrong_password_is_told_apart() -> anyhow::Result<()> {
    let server = Server::start("starttls").await?;
    let gateway = gateway(server.port, &server.certificate.certificate, "wrong", &json!({}))?;
    let answered = send(&gateway, "user@mail.example").await;
    let refusal = Refusal { code: Some("535".into()), fallback: Reason::AuthFailed, retry_after_ms: None };
    assert_eq!(answered, Answered::Refused(refusal));
    assert!(gateway.check().await.is_err_and(|reason| reason.contains("535")));
    assert!(server.gateway(&json!({}))?.check().await.is_ok());
    Ok(())
}
