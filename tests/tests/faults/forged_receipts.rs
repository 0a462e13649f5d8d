//! Receipts that the provider did not sign, or signed for something else.

use reqwest::Method;
use serde_json::json;
use tiffin_core::gateways::twilio::signature;
use tiffin_tests::client::Reply;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::common;
use crate::common::Ordered;

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const MESSAGE: &str = "SM0123456789abcdef0123456789abcdef";

struct Receipt {
    url: String,
    form: String,
    signature: Option<String>,
}

impl Receipt {
    fn new(stack: &Stack, order: &Ordered, status: &str, token: &str) -> Self {
        let params = [("AccountSid", ACCOUNT), ("MessageSid", MESSAGE), ("MessageStatus", status)];
        let form = params.map(|(name, value)| format!("{name}={value}")).join("&");
        let params = params.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let url = url(stack, order);
        let signature = Some(signature::sign(token, &url, &params));
        Self { url, form, signature }
    }

    async fn post(&self, stack: &Stack) -> anyhow::Result<Reply> {
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
        headers.extend(self.signature.as_deref().map(|value| ("x-twilio-signature", value)));
        stack.client.raw(Method::POST, self.url.clone(), &headers, self.form.clone().into_bytes()).await
    }
}

fn url(stack: &Stack, order: &Ordered) -> String {
    format!("{}/callbacks/twilio-sms?order={}&n=1", stack.client.core, order.id)
}

#[tokio::test]
async fn forged_and_replayed_receipts_change_nothing() -> anyhow::Result<()> {
    let mut stack = Stack::start(Front::Edge, Backing::Memory).await?;
    // Both calls hang, so that only a receipt can move these orders on.
    stack.client.fault("timeout").await?;
    let (order, other) = (common::order(&stack.client).await?, common::order(&stack.client).await?);
    for order in [&order, &other] {
        stack.client.until_state(&order.id, "sending").await?;
    }
    let token = stack.variable("TIFFIN_GATEWAY_TWILIO_SMS_AUTH_TOKEN")?.to_owned();
    let genuine = |status| Receipt::new(&stack, &order, status, &token);
    let forged = [
        ("unsigned", Receipt { signature: None, ..genuine("delivered") }),
        ("signed with another token", Receipt::new(&stack, &order, "delivered", "another token")),
        ("no base64 for a signature", Receipt { signature: Some("%%%".into()), ..genuine("delivered") }),
        ("altered status", Receipt { form: genuine("delivered").form, ..genuine("failed") }),
        ("added parameter", Receipt { form: genuine("sent").form + "&ErrorCode=1", ..genuine("sent") }),
        ("other order", Receipt { url: url(&stack, &other), ..genuine("delivered") }),
    ];
    for (what, receipt) in &forged {
        assert_eq!(receipt.post(&stack).await?.status, 401, "{what}");
    }

    // A genuine one goes through after them, so that whatever they did would be there to see.
    let receipt = genuine("delivered");
    assert_eq!(receipt.post(&stack).await?.status, 204);
    let delivered = stack.client.until_state(&order.id, "delivered").await?;
    assert_eq!(delivered["attempts"][0]["reason"], json!(null));
    assert_eq!(common::state(&stack.client, &other).await?, "sending");

    for replayed in [&receipt, &genuine("failed"), &genuine("sent")] {
        assert_eq!(replayed.post(&stack).await?.status, 204);
    }
    // Anything they had changed would have been told before the next order's news.
    assert_eq!(Receipt::new(&stack, &other, "delivered", &token).post(&stack).await?.status, 204);
    let look = || stack.client.fetch(&other.id);
    wait::until("the other order delivered", look, |reply| reply.body["state"] == "delivered").await?;
    assert_eq!(stack.client.fetch(&order.id).await?.body, delivered);
    // Lets the hanging calls go, so that core can stop.
    stack.sandbox = None;
    Ok(())
}
