//! Nothing goes in clear, nor to a server that is not the one that was meant.

use serde_json::json;
use tiffin_core::gateways::adapter::Answered;
use tiffin_core::gateways::adapter::Refusal;
use tiffin_shared::order::Reason;

use super::aiosmtpd::Server;
use super::common::Certificate;
use super::common::PASSWORD;
use super::common::gateway;
use super::common::send;

fn no_tls() -> Answered {
    Answered::Refused(Refusal {
        code: Some("no_tls".into()),
        fallback: Reason::ProviderDown,
        retry_after_ms: None,
    })
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_refused() -> anyhow::Result<()> {
    for tls in ["starttls", "implicit"] {
        let server = Server::start(tls).await?;
        let other = tempfile::tempdir()?;
        let other = Certificate::make(other.path())?;
        let keys = json!({ "tls": tls });
        let gateway = gateway(server.port, &other.certificate, PASSWORD, &keys)?;
        assert_eq!(send(&gateway, "user@mail.example").await, no_tls(), "{tls}");
        // The right certificate, for another name.
        let gateway = server.gateway(&json!({ "tls": tls, "host": "localhost" }))?;
        assert_eq!(send(&gateway, "user@mail.example").await, no_tls(), "{tls}");
        assert_eq!(server.mails()?.len(), 0);
    }
    Ok(())
}

#[tokio::test]
async fn a_server_without_starttls_is_given_nothing() -> anyhow::Result<()> {
    let server = Server::start("plain").await?;
    let gateway = server.gateway(&json!({}))?;
    assert_eq!(send(&gateway, "user@mail.example").await, no_tls());
    // Only where it was asked for, which only this machine may be.
    let plain = server.gateway(&json!({ "tls": "none", "user": null }))?;
    assert!(matches!(send(&plain, "user@mail.example").await, Answered::Taken { .. }));
    assert_eq!(server.mails()?.len(), 1);
    for host in ["192.0.2.1", "mail.example", "localhost.example"] {
        let refused = server.gateway(&json!({ "tls": "none", "host": host }));
        assert!(refused.is_err_and(|error| error.to_string().contains("tls:")), "{host}");
    }
    Ok(())
}
