//! Whole orders: through the gateway, over its session to the sandbox's SMSC, and back as receipts.

use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

/// Alone: no other way may carry the order.
const GATEWAY: &str = r#"
[[gateways]]
name = "smsc"
kind = "smpp"
host = "127.0.0.1"
port = PORT
system_id = "tiffin"
from = "TIFFIN"
"#;

async fn start(backing: Backing) -> anyhow::Result<Stack> {
    let port = wait::free_ports(1)?;
    let listen = format!("127.0.0.1:{port}");
    let more = [("TIFFIN_SANDBOX_SMPP_LISTEN", listen.as_str())];
    let gateway = GATEWAY.replace("PORT", &port.to_string());
    let alone = |text: &str| {
        let before = text.split("[[gateways]]").next().unwrap_or_default();
        format!("{before}{gateway}")
    };
    Stack::launch(Front::Standalone, backing, &more, alone).await
}

async fn a_code_is_ordered_delivered_and_verified(backing: Backing) -> anyhow::Result<()> {
    let mut stack = start(backing).await?;
    let (client, phone) = (&stack.client, fresh_phone());
    let id = client.order(&phone).await?;
    let code = client.code(&phone).await?;
    let order = client.until_state(&id, "delivered").await?;
    assert_eq!(order["attempts"][0]["gateway"], "smsc");
    assert_eq!(client.guess(&id, &code).await?, "verified");
    // In order, its sessions too: nothing of it is in the log.
    if let Some(mut core) = stack.core.take() {
        core.stop();
        let log = core.log();
        assert!(log.contains("SMPP session bound"), "{log}");
        assert!(!log.contains("SMPP session ended"), "{log}");
        assert!(!log.contains(&code) && !log.contains(phone.trim_start_matches('+')), "{log}");
        let password = stack.keys.core.get("TIFFIN_GATEWAY_SMSC_PASSWORD").map_or("", String::as_str);
        assert!(!password.is_empty() && !log.contains(password), "{log}");
    }
    Ok(())
}

#[tokio::test]
async fn a_code_goes_out_by_smpp_and_its_receipt_delivers_the_order() -> anyhow::Result<()> {
    a_code_is_ordered_delivered_and_verified(Backing::Memory).await
}

#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn a_code_goes_out_by_smpp_from_a_real_queue() -> anyhow::Result<()> {
    a_code_is_ordered_delivered_and_verified(Backing::Shared).await
}
