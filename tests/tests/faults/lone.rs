//! Gateways that are alone on their channel: nobody else's orders find out that they are back.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_core::config::names::OPERATOR_TOKEN;
use tiffin_shared::gateway::OPEN_MS;
use tiffin_tests::client::Client;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

/// Of some 20 calls within a minute more than a tenth fail.
const CALLS: usize = 24;
/// The pause, and as long again for a busy machine.
const WITHIN: Duration = Duration::from_millis(2 * OPEN_MS + 30_000);

/// `first` goes by WhatsApp, and by text message where that is not to be had; `then` the other way round by voice.
fn settings(toml: &str) -> String {
    format!(
        "{toml}\n[[gateways]]\nname = \"whatsapp-cloud\"\nkind = \"whatsapp_cloud\"\nsandbox = true\n\
         from = \"106540352242922\"\ntemplate = \"login_code\"\nlanguages = [\"en\"]\n\
         [[gateways]]\nname = \"twilio-voice\"\nkind = \"twilio_voice\"\nsandbox = true\n\
         account_sid = \"AC00000000000000000000000000000001\"\nfrom = \"+15005550006\"\n\
         [tenants.dev.services.first]\nbrand = \"Tiffin\"\nchannels = [\"whatsapp\", \"sms\"]\n\
         [tenants.dev.services.then]\nbrand = \"Tiffin\"\nchannels = [\"sms\", \"voice\"]\n"
    )
}

async fn order(client: &Client, service: &str, channel: &str) -> anyhow::Result<(String, String)> {
    let phone = fresh_phone();
    let body = json!({"to": {"phone": phone}, "service": service, "channel": channel});
    let reply = client.create(&fresh_key(), &body).await?;
    anyhow::ensure!(reply.status == 202, "{reply:?}");
    Ok((reply.id()?, phone))
}

/// The phase of a gateway's breaker.
async fn phase(stack: &Stack, gateway: &str) -> anyhow::Result<Value> {
    let bearer = format!("Bearer {}", stack.variable(OPERATOR_TOKEN)?);
    let url = format!("{}/ops/v1/routes/{gateway}", stack.client.core);
    let reply = stack.client.raw(Method::GET, url, &[("authorization", &bearer)], Vec::new()).await?;
    Ok(reply.body["phase"].clone())
}

#[tokio::test]
async fn a_gateway_that_is_alone_on_its_channel_is_tried_again_and_comes_back() -> anyhow::Result<()> {
    let stack = Stack::start_with_settings(Front::Standalone, Backing::Memory, settings).await?;
    let client = &stack.client;
    let lone = [("whatsapp-cloud", "first", "whatsapp"), ("twilio-voice", "then", "voice")];
    for (gateway, service, channel) in lone {
        client.fault_of(gateway, "http_500").await?;
        let mut waiting = Vec::new();
        for _ in 0..CALLS {
            waiting.push(order(client, service, channel).await?.0);
        }
        let is_open = |phase: &Value| phase["open"].is_object();
        wait::until("an open breaker", || phase(&stack, gateway), is_open).await?;
        client.fault_of(gateway, "ok").await?;
        // They would try again by themselves.
        for id in waiting {
            let path = format!("/v1/orders/{id}/cancel");
            let cancelled = client.call(Method::POST, &path, &[], &Value::Null).await?;
            assert_eq!(cancelled.status, 200, "{cancelled:?}");
        }
    }

    // The first choice of a service: an order of it makes the probe.
    let is_closed = |phase: &Value| *phase == "closed";
    let look = || async {
        order(client, "first", "auto").await?;
        phase(&stack, "whatsapp-cloud").await
    };
    wait::until_within(WITHIN, "WhatsApp again", look, is_closed).await?;
    let look = || async {
        let (id, phone) = order(client, "first", "auto").await?;
        client.until_state(&id, "delivered").await?;
        Ok(client.inbox(&phone).await?[0]["channel"].clone())
    };
    wait::until("messages by WhatsApp", look, |channel: &Value| channel == "whatsapp").await?;

    // The second choice: an order that fails over makes it. Until then nobody needs it.
    let (id, _) = order(client, "then", "auto").await?;
    client.until_state(&id, "delivered").await?;
    assert!(!is_closed(&phase(&stack, "twilio-voice").await?), "what works is used");
    for gateway in ["twilio-sms", "twilio-sms-2"] {
        client.fault_of(gateway, "reject").await?;
    }
    let look = || async {
        order(client, "then", "auto").await?;
        phase(&stack, "twilio-voice").await
    };
    wait::until_within(WITHIN, "calls again", look, is_closed).await?;
    Ok(())
}
