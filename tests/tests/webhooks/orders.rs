//! What an order's tenant is told of it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;
use tiffin_shared::phone::Phone;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::receiver;
use crate::receiver::Hook;
use crate::receiver::Receiver;
use crate::receiver::status;
use crate::signatures::library;
use crate::signatures::question;

const ORDERS: usize = 12;
const STORY: [&str; 4] = ["order.attempt.started", "order.sent", "order.delivered", "order.verified"];

fn order_of(hook: &Hook) -> String {
    hook.json()["data"]["order"]["id"].as_str().unwrap().to_owned()
}

fn have_ended(count: usize) -> impl Fn(&Vec<Hook>) -> bool {
    move |taken| taken.iter().filter(|hook| hook.kind() == "order.verified").count() >= count
}

/// Of each order, the events in the order in which they came; one that came again counts where it came first.
fn stories(taken: &[Hook]) -> BTreeMap<String, Vec<String>> {
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for hook in taken.iter().filter(|hook| seen.insert(hook.id())) {
        told.entry(order_of(hook)).or_default().push(hook.kind());
    }
    told
}

/// Made and verified at the front door. The order, with its phone and its code.
async fn made_and_verified(stack: &Stack) -> anyhow::Result<(String, [String; 2])> {
    let phone = fresh_phone();
    let order = stack.client.order(&phone).await?;
    let code = stack.client.code(&phone).await?;
    stack.client.until_state(&order, "delivered").await?;
    assert_eq!(stack.client.guess(&order, &code).await?, "verified");
    Ok((order, [phone, code]))
}

/// The number stands masked in every event of its order, and nowhere whole; the code nowhere at all.
fn hides(taken: &[Hook], order: &str, [phone, code]: &[String; 2]) {
    let masked = json!(Phone::parse(phone).unwrap().masked());
    for hook in taken {
        if order_of(hook) == order {
            assert_eq!(hook.json()["data"]["order"]["to"], masked);
        }
        let all = format!("{hook:?}");
        // Six digits may stand in a hash by chance; as a word of their own they would be the code.
        let found = all.contains(&format!("\"{code}\"")) || all.contains(phone.trim_start_matches('+'));
        assert!(!found, "a code or a number was told");
    }
}

#[tokio::test]
async fn each_change_of_an_order_is_told_once_in_order_and_without_secrets() -> anyhow::Result<()> {
    let stack = receiver::stack(Backing::Memory).await?;
    let hooks = Receiver::start(|_, _| status(204)).await?;
    receiver::add(&stack, "main", &hooks.url, &Value::Null).await?;
    let mut orders = Vec::new();
    for _ in 0..ORDERS {
        orders.push(made_and_verified(&stack).await?);
    }
    let taken = hooks.until_all(have_ended(ORDERS)).await?;
    assert!(taken.iter().all(|hook| hook.json()["timestamp"].as_str().unwrap().ends_with('Z')));
    let told = stories(&taken);
    for (order, secrets) in &orders {
        assert_eq!(told[order], STORY, "{order}");
        hides(&taken, order, secrets);
    }
    let ids: BTreeSet<_> = taken.iter().map(Hook::id).collect();
    assert_eq!(ids.len(), taken.len(), "each has an id of its own");
    let look = || receiver::view(&stack, "main");
    wait::until("the last mark", look, |view| view["delivered"] == json!(taken.len())).await?;
    Ok(())
}

#[tokio::test]
async fn orders_of_the_wasm_edge_are_told_in_order_once_or_more_and_signed() -> anyhow::Result<()> {
    let stack = receiver::stack_behind(Front::Edge, Backing::Memory).await?;
    // The first word of every third order is not taken, so that all of it waits, and the others go on.
    let mut met = Vec::new();
    let hooks = Receiver::start(move |_, hook| {
        let order = order_of(hook);
        if met.contains(&order) {
            return status(204);
        }
        met.push(order);
        status(if met.len() % 3 == 1 { 500 } else { 204 })
    })
    .await?;
    let key = receiver::add(&stack, "main", &hooks.url, &Value::Null).await?;
    let mut orders = Vec::new();
    for _ in 0..6 {
        orders.push(made_and_verified(&stack).await?);
    }
    let taken = hooks.until_all(have_ended(6)).await?;
    let told = stories(&taken);
    for (order, secrets) in &orders {
        assert_eq!(told[order], STORY, "{order}");
        hides(&taken, order, secrets);
    }
    let ids: BTreeSet<_> = taken.iter().map(Hook::id).collect();
    assert_eq!((ids.len(), taken.len()), (24, 26), "two of them twice, under the same id");
    let questions: Vec<Value> = taken.iter().map(|hook| question(&key, hook)).collect();
    assert!(library(&questions)?.into_iter().all(|is_genuine| is_genuine));
    let changed: Vec<Value> = taken
        .iter()
        .map(|hook| Hook { body: hook.body.replace("\"n\":1", "\"n\":2"), ..hook.clone() })
        .map(|hook| question(&key, &hook))
        .collect();
    assert!(!library(&changed)?.into_iter().any(|is_genuine| is_genuine));
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
