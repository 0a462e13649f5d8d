//! Endpoints by the command line.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::receiver;
use crate::receiver::Receiver;
use crate::receiver::status;

fn run(stack: &Stack, arguments: &[&str]) -> anyhow::Result<(bool, String)> {
    let url = format!("http://{}", stack.variable("TIFFIN_SERVER_LISTEN")?);
    stack.run_with(&[&["webhook"], arguments].concat(), &[("TIFFIN_OPS_URL", url.as_str())])
}

/// Neither a query, which may be a secret, nor what a receiver answered, which may hold any.
async fn what_a_viewer_sees(stack: &Stack) -> anyhow::Result<()> {
    for (role, sees_answers) in [("viewer", false), ("support", true)] {
        let (ok, said) = stack.run_with(
            &["operator", "add", role, "--role", role, "--json"],
            &[("TIFFIN_OPS_URL", &format!("http://{}", stack.variable("TIFFIN_SERVER_LISTEN")?))],
        )?;
        anyhow::ensure!(ok, "{said}");
        let made: Value = serde_json::from_str(said.trim())?;
        let bearer = format!("Bearer {}", made["token"].as_str().unwrap_or_default());
        let headers = [("authorization", bearer.as_str())];
        let at = |path: &str| format!("{}/ops/v1/webhooks{path}", stack.client.core);
        let get = |path: &str| stack.client.raw(Method::GET, at(path), &headers, Vec::new());
        let listed = get("").await?;
        assert!(listed.status == 200 && !listed.text.contains("s3cret"), "{role}: {listed:?}");
        let tries = get("/dev/main/deliveries").await?;
        assert!(tries.status == 200 && tries.text.contains("\"status\":200"), "{role}: {tries:?}");
        assert_eq!(tries.text.contains("thanks"), sees_answers, "{role}: {tries:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_endpoint_is_added_tested_looked_at_replayed_and_removed_by_the_command_line() -> anyhow::Result<()>
{
    let stack = receiver::stack(Backing::Memory).await?;
    let hooks = Receiver::start(|_, _| status(200)).await?;
    let events = "order.delivered,order.failed";
    let with_query = format!("{}?token=s3cret", hooks.url);
    let (ok, said) = run(&stack, &["add", "dev", "main", "--to-url", &with_query, "--events", events])?;
    assert!(ok && said.contains("whsec_"), "{said}");
    let secret = said.split_whitespace().find(|word| word.starts_with("whsec_")).unwrap().to_owned();
    for (arguments, why) in [
        (vec!["add", "dev", "main", "--to-url", &hooks.url], "has this name"),
        (vec!["add", "nobody", "main", "--to-url", &hooks.url], "no such tenant"),
        (vec!["add", "dev", "second", "--to-url", "https://10.0.0.1/"], "IP address"),
        (vec!["add", "dev", "second", "--to-url", &hooks.url, "--events", "order.lost"], "order.lost"),
        (vec!["test", "dev", "third"], "no such endpoint"),
        (vec!["deliveries", "dev", "third"], "no such endpoint"),
        (vec!["add", "dev", "second", "--to-url", "https://10.0.0.1/hooks?token=s3cret"], "IP address"),
    ] {
        let (ok, said) = run(&stack, &arguments)?;
        assert!(!ok && said.contains(why), "{arguments:?}: {said}");
    }
    let order = stack.client.order(&fresh_phone()).await?;
    stack.client.until_state(&order, "delivered").await?;
    let first = hooks.until(1).await?[0].clone();
    assert_eq!(first.kind(), "order.delivered");

    for (which, value) in [("--event", first.id()), ("--order", order.as_str()), ("--hours", "1")] {
        let before = hooks.taken().len();
        // What is under way still is not delivered twice.
        let look = || async { receiver::view(&stack, "main").await };
        wait::until("nothing under way", look, |view| view["waiting"] == json!(0)).await?;
        let (ok, said) = run(&stack, &["replay", "dev", "main", which, value])?;
        assert!(ok && said.starts_with("1 will"), "{which}: {said}");
        let again = hooks.until(before + 1).await?[before].clone();
        assert_eq!((again.id(), &again.body), (first.id(), &first.body));
    }
    let (_, said) = run(&stack, &["deliveries", "dev", "main"])?;
    assert!(said.contains(first.id()) && said.contains("200") && said.contains("thanks"), "{said}");
    let (_, said) = run(&stack, &["list"])?;
    assert!(said.contains("dev main") && !said.contains("whsec_"), "{said}");
    assert!(said.contains(&hooks.url) && !said.contains("s3cret"), "{said}");
    what_a_viewer_sees(&stack).await?;
    assert!(run(&stack, &["remove", "dev", "main"])?.0);
    let (_, said) = run(&stack, &["list"])?;
    assert!(!said.contains("dev main"), "{said}");
    let url = format!("http://{}", stack.variable("TIFFIN_SERVER_LISTEN")?);
    let (_, audit) = stack.run_with(&["audit"], &[("TIFFIN_OPS_URL", url.as_str())])?;
    assert!(audit.contains("https://10.0.0.1/hooks") && !audit.contains("s3cret"), "{audit}");
    let log = stack.core.as_ref().unwrap().log();
    assert!(!log.contains(&secret), "a secret is never logged");
    Ok(())
}
