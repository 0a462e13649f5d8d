//! Whatever an operator does stands in the audit, with his name: every path that changes something, one after the other.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_tests::billing::paying;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::jobs;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use super::common::operator;
use super::common::ops;
use super::common::ops_at;
use super::roles::TABLE;

/// They read, by POST: what is asked for must not stand in an address.
const READS: [&str; 2] = ["POST abuse/network", "POST orders/search"];

/// Does something by one path: method, path of the table, what its braces stand for, body.
type Act<'a> = (&'a str, &'a str, &'a [&'a str], Value);

/// The path with its braces filled.
fn filled(path: &str, with: &[&str]) -> String {
    let mut with = with.iter();
    let part = |part: &str| {
        let named = if part.starts_with('{') { with.next().copied() } else { None };
        named.unwrap_or(part).to_owned()
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// The newest row of the audit.
async fn newest(stack: &Stack, token: &str) -> anyhow::Result<Value> {
    let audit = ops(stack, Method::GET, "audit?newest_first=true", Some(token), &Value::Null).await?;
    anyhow::ensure!(audit.status == 200, "{}", audit.text);
    Ok(audit.body["rows"][0].clone())
}

/// At which version that is which a change replaces, if it is there.
async fn version(stack: &Stack, path: &str, token: &str) -> anyhow::Result<Option<u64>> {
    let thing = match path {
        path if path.ends_with("/settings") => path,
        path if path.starts_with("tenants/shop") => "tenants/shop",
        _ => return Ok(None),
    };
    Ok(ops(stack, Method::GET, thing, Some(token), &Value::Null).await?.body["version"].as_u64())
}

/// Two jobs that are dead letters, by their orders.
async fn dead(stack: &Stack, token: &str) -> anyhow::Result<[String; 2]> {
    let letters =
        [jobs::poison(stack, "nobodys", "271828").await?, jobs::poison(stack, "nobodys", "271828").await?];
    let list = || ops(stack, Method::GET, "dead", Some(token), &Value::Null);
    wait::until("two dead letters", list, |reply| {
        reply.body["letters"].as_array().is_some_and(|all| all.len() == 2)
    })
    .await?;
    Ok(letters)
}

#[tokio::test]
async fn every_path_that_changes_something_is_audited() -> anyhow::Result<()> {
    let edit = |settings: &str| paying(settings, 1_000, 1_000_000);
    let stack = Stack::start_with_settings(Front::Standalone, Backing::Memory, edit).await?;
    let ann = operator(&stack, "ann", "operator").await?;
    let phone = fresh_phone();
    let order = stack.client.order(&phone).await?;
    stack.client.until_state(&order, "delivered").await?;
    let [letter, other] = &dead(&stack, &ann).await?;
    let (order, letter, other) = (order.as_str(), letter.as_str(), other.as_str());
    let shop = json!({"countries": "all", "services": {"login": {"brand": "Shop", "channels": ["sms"]}}});
    let key = json!({"tenant": "shop", "kind": "secret", "id": "k7"});
    let hook = json!({"name": "main", "url": "https://example.com/hooks"});
    let acts: &[Act] = &[
        ("PUT", "tenants/{id}", &["shop"], shop),
        ("PUT", "tenants/{id}/services/{service}", &["shop", "pay"], json!({"brand": "Shop Pay"})),
        ("DELETE", "tenants/{id}/services/{service}", &["shop", "pay"], Value::Null),
        ("POST", "tenants/{id}/balance/credit", &["dev"], json!({"amount_micros": 5, "reference": "r-1"})),
        ("POST", "keys", &[], key),
        ("POST", "keys/{id}/revoke", &["k7"], Value::Null),
        ("DELETE", "tenants/{id}", &["shop"], Value::Null),
        ("POST", "operators", &[], json!({"name": "bob", "role": "viewer"})),
        ("PUT", "operators/{name}", &["bob"], json!({"role": "support"})),
        ("DELETE", "operators/{name}", &["bob"], Value::Null),
        ("POST", "routes/{gateway}/{hand}", &["twilio-sms", "close"], Value::Null),
        ("PUT", "routes/{gateway}/settings", &["twilio-sms"], json!({"priority": 3})),
        ("DELETE", "routes/{gateway}/settings", &["twilio-sms"], Value::Null),
        ("POST", "webhooks/{tenant}", &["dev"], hook),
        ("POST", "webhooks/{tenant}/{name}/enable", &["dev", "main"], Value::Null),
        ("POST", "webhooks/{tenant}/{name}/test", &["dev", "main"], Value::Null),
        ("POST", "webhooks/{tenant}/{name}/replay", &["dev", "main"], json!({"since_ms": 1})),
        ("POST", "webhooks/{tenant}/{name}/rotate", &["dev", "main"], Value::Null),
        ("DELETE", "webhooks/{tenant}/{name}", &["dev", "main"], Value::Null),
        ("POST", "dead/{id}/replay", &[letter], Value::Null),
        ("POST", "dead/{id}/discard", &[other], Value::Null),
        ("POST", "dead/replay", &[], json!({"max": 1})),
        ("POST", "escalations", &[], json!({"kind": "abuse", "subject": "dev", "text": "Odd."})),
        ("POST", "escalations/{id}/{verb}", &["1", "note"], json!({"text": "Called."})),
        ("POST", "orders/{id}/retry", &[order], json!({"reason": "She asked."})),
        ("POST", "orders/{id}/cancel", &[order], Value::Null),
        ("POST", "orders/{id}/uploads", &[order], json!("what she wrote")),
        ("DELETE", "orders/{id}/uploads/{n}", &[order, "1"], Value::Null),
        ("POST", "phones/unlock", &[], json!({"tenant": "dev", "phone": phone, "reason": "Known."})),
        ("POST", "abuse/network/release", &[], json!({"ip": "198.51.100.7"})),
        ("POST", "abuse/release", &[], json!({"tenant": "dev", "subject": "IN"})),
        ("POST", "erasure", &[], json!({"phone": phone})),
    ];
    for (method, path, with, body) in acts {
        let before = newest(&stack, &ann).await?;
        let method = Method::from_bytes(method.as_bytes())?;
        let asked = filled(path, with);
        let seen = version(&stack, &asked, &ann).await?;
        let done = ops_at(&stack, method.clone(), &asked, (Some(&ann), seen), body).await?;
        // What the order's own state or limits refuse was wished for, and stands there too.
        assert!([200, 409, 429].contains(&done.status), "{method} {path}: {}", done.text);
        let after = newest(&stack, &ann).await?;
        assert!(after["n"].as_u64() > before["n"].as_u64(), "{method} {path} is not audited: {after}");
        assert_eq!(after["body"]["by"]["name"], "ann", "{method} {path}: {after}");
        assert!(!after.to_string().contains(&phone), "{method} {path}: {after}");
    }
    let done: BTreeSet<_> = acts.iter().map(|(method, path, ..)| format!("{method} {path}")).collect();
    let changing = TABLE.iter().filter(|(method, ..)| *method != "GET");
    let changing = changing.map(|(method, path, _)| format!("{method} {path}"));
    let changing: BTreeSet<_> = changing.filter(|path| !READS.contains(&path.as_str())).collect();
    assert_eq!(done, changing);
    Ok(())
}
