//! What an order's tenant is told of it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::receiver;
use crate::receiver::Receiver;
use crate::receiver::status;

const ORDERS: usize = 12;

#[tokio::test]
async fn each_change_of_an_order_is_told_once_in_order_and_without_secrets() -> anyhow::Result<()> {
    let stack = receiver::stack(Backing::Memory).await?;
    let hooks = Receiver::start(|_, _| status(204)).await?;
    receiver::add(&stack, "main", &hooks.url, &Value::Null).await?;
    let mut secrets = Vec::new();
    let mut orders = Vec::new();
    for _ in 0..ORDERS {
        let phone = fresh_phone();
        let order = stack.client.order(&phone).await?;
        let code = stack.client.code(&phone).await?;
        stack.client.until_state(&order, "delivered").await?;
        assert_eq!(stack.client.guess(&order, &code).await?, "verified");
        secrets.extend([phone, code]);
        orders.push(order);
    }
    let ended = |taken: &Vec<receiver::Hook>| {
        taken.iter().filter(|hook| hook.kind() == "order.verified").count() >= ORDERS
    };
    let taken = hooks.until_all(ended).await?;

    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for hook in &taken {
        let body = hook.json();
        assert!(body["timestamp"].as_str().unwrap().ends_with('Z'));
        let order = body["data"]["order"]["id"].as_str().unwrap().to_owned();
        told.entry(order).or_default().push(hook.kind());
    }
    for order in &orders {
        let expected = ["order.attempt.started", "order.sent", "order.delivered", "order.verified"];
        assert_eq!(told[order], expected, "{order}");
    }
    let ids: BTreeSet<_> = taken.iter().map(receiver::Hook::id).collect();
    assert_eq!(ids.len(), taken.len(), "each has an id of its own");
    let all: String = taken.iter().map(|hook| format!("{hook:?}")).collect();
    for secret in &secrets {
        let is_code = secret.len() == 6;
        // Six digits may stand in a hash by chance; as a word of their own they would be the code.
        let found = if is_code {
            all.contains(&format!("\"{secret}\""))
        } else {
            all.contains(secret.trim_start_matches('+'))
        };
        assert!(!found, "a code or a number was told");
    }
    let look = || receiver::view(&stack, "main");
    wait::until("the last mark", look, |view| view["delivered"] == json!(taken.len())).await?;
    Ok(())
}

#[tokio::test]
async fn an_endpoint_of_the_file_hears_what_it_asked_for_and_nothing_else() -> anyhow::Result<()> {
    let hooks = Receiver::start(|_, _| status(200)).await?;
    let section = format!(
        "\n[webhooks]\nto_loopback = true\n\n[[webhooks.endpoints]]\ntenant = \"dev\"\nname = \"shop-1\"\nurl = \"{}\"\nevents = [\"order.verified\"]\n",
        hooks.url
    );
    let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let more = [("TIFFIN_WEBHOOK_DEV_SHOP_1_SECRET", secret)];
    let stack =
        Stack::launch(Front::Standalone, Backing::Memory, &more, |text| format!("{text}{section}")).await?;
    for _ in 0..2 {
        let phone = fresh_phone();
        let order = stack.client.order(&phone).await?;
        let code = stack.client.code(&phone).await?;
        assert_eq!(stack.client.guess(&order, &code).await?, "verified");
    }
    let taken = hooks.until(2).await?;
    assert!(taken.iter().all(|hook| hook.kind() == "order.verified"), "{taken:?}");
    let (ok, said) = stack.run(&[
        "webhook",
        "rotate",
        "dev",
        "shop-1",
        "--url",
        &format!("http://{}", stack.variable("TIFFIN_SERVER_LISTEN")?),
    ])?;
    assert!(!ok && said.contains("tiffin.toml"), "{said}");
    assert!(!stack.core.as_ref().unwrap().log().contains("C2FVsBQIhrsc"), "a secret is never logged");
    Ok(())
}
