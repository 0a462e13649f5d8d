//! What is sent arrives as it was meant, over TLS, from somebody who proved who they are.

use serde_json::json;
use tiffin_core::gateways::adapter::Answered;

use super::aiosmtpd::Server;
use super::common::HTML;
use super::common::TEXT;
use super::common::send;

#[tokio::test]
async fn a_message_arrives_whole_over_starttls_and_implicit_tls() -> anyhow::Result<()> {
    for tls in ["starttls", "implicit"] {
        let server = Server::start(tls).await?;
        let gateway = server.gateway(&json!({ "tls": tls }))?;
        let answered = send(&gateway, "user@mail.example").await;
        let mails = server.mails()?;
        anyhow::ensure!(mails.len() == 1, "{tls}: {answered:?}, {mails:?}");
        let mail = &mails[0];
        assert_eq!((mail["tls"].as_str(), mail["user"].as_str()), (Some("TLSv1.3"), Some("tiffin")), "{tls}");
        assert_eq!(
            (&mail["helo"], &mail["to"]),
            (&json!("tiffin.shop.example"), &json!(["user@mail.example"]))
        );
        let sender = mail["from"].as_str().unwrap_or_default();
        assert!(sender.starts_with("bounces+") && sender.ends_with("@bounces.example"), "{sender}");
        let headers = &mail["headers"];
        assert_eq!(headers["from"], "Läden <codes@shop.example>");
        assert_eq!(headers["subject"], "Dein Code für Läden");
        assert_eq!(headers["content-language"], "de");
        assert_eq!(headers["auto-submitted"], "auto-generated");
        assert_eq!(headers["date"], "Fri, 20 Nov 2026 10:00:00 +0000");
        assert_eq!(mail["type"], "multipart/alternative");
        assert_eq!(mail["parts"], json!({ "text/plain": TEXT, "text/html": HTML }));
        assert_eq!(mail["defects"], json!([]));
        let Answered::Taken { provider_id } = answered else { anyhow::bail!("{answered:?}") };
        assert_eq!(headers["message-id"], format!("<{provider_id}>"));
        assert_eq!(sender, format!("bounces+{provider_id}"));
    }
    Ok(())
}

#[tokio::test]
async fn a_connection_serves_many_messages_and_many_go_at_once() -> anyhow::Result<()> {
    let server = Server::start("starttls").await?;
    let gateway = server.gateway(&json!({ "connections": 3 }))?;
    let names: Vec<_> = (0..20).map(|number| format!("user{number}@mail.example")).collect();
    let sent = futures::future::join_all(names.iter().map(|to| send(&gateway, to))).await;
    assert!(sent.iter().all(|answered| matches!(answered, Answered::Taken { .. })), "{sent:?}");
    // A refusal leaves the connection as good as it was.
    send(&gateway, "rcpt.550.5.1.1@mail.example").await;
    assert!(matches!(send(&gateway, "last@mail.example").await, Answered::Taken { .. }));
    let mails = server.mails()?;
    let mut to: Vec<_> = mails.iter().filter_map(|mail| mail["to"][0].as_str()).collect();
    to.sort_unstable();
    let mut meant: Vec<_> = names.iter().map(String::as_str).chain(["last@mail.example"]).collect();
    meant.sort_unstable();
    assert_eq!(to, meant);
    Ok(())
}
