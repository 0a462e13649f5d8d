//! Each path of the operators' API behind its role: the table, and what is refused.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_core::config::names::OPERATOR_TOKEN;
use tiffin_shared::problem::Code;
use tiffin_tests::servers::root;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

use super::common::operator;
use super::common::ops;

const ROLES: [&str; 3] = ["viewer", "support", "operator"];

/// Method, path below `/ops/v1/`, and the least role.
pub const TABLE: &[(&str, &str, &str)] = &[
    ("GET", "abuse", "viewer"),
    ("GET", "audit", "viewer"),
    ("GET", "balances", "viewer"),
    ("GET", "dead", "viewer"),
    ("GET", "escalations", "viewer"),
    ("GET", "escalations/{id}", "viewer"),
    ("GET", "keys", "viewer"),
    ("POST", "orders/search", "viewer"),
    ("GET", "orders/{id}", "viewer"),
    ("GET", "overview", "viewer"),
    ("GET", "routes", "viewer"),
    ("GET", "routes/{gateway}", "viewer"),
    ("GET", "routes/{gateway}/settings", "viewer"),
    ("GET", "tenants", "viewer"),
    ("GET", "tenants/{id}", "viewer"),
    ("GET", "tenants/{id}/balance", "viewer"),
    ("GET", "tenants/{id}/ledger", "viewer"),
    ("GET", "webhooks", "viewer"),
    ("GET", "webhooks/{tenant}/{name}/deliveries", "viewer"),
    ("POST", "abuse/network", "support"),
    ("GET", "dead/{id}", "support"),
    ("POST", "escalations", "support"),
    ("POST", "escalations/{id}/{verb}", "support"),
    ("GET", "evidence", "support"),
    ("GET", "export/{what}", "support"),
    ("POST", "orders/{id}/cancel", "support"),
    ("GET", "orders/{id}/evidence", "support"),
    ("POST", "orders/{id}/retry", "support"),
    ("POST", "orders/{id}/uploads", "support"),
    ("DELETE", "orders/{id}/uploads/{n}", "support"),
    ("POST", "phones/unlock", "support"),
    ("POST", "webhooks/{tenant}/{name}/replay", "support"),
    ("POST", "webhooks/{tenant}/{name}/test", "support"),
    ("POST", "abuse/network/release", "operator"),
    ("POST", "abuse/release", "operator"),
    ("POST", "dead/replay", "operator"),
    ("POST", "dead/{id}/discard", "operator"),
    ("POST", "dead/{id}/replay", "operator"),
    ("POST", "erasure", "operator"),
    ("POST", "keys", "operator"),
    ("POST", "keys/{id}/revoke", "operator"),
    ("GET", "operators", "operator"),
    ("POST", "operators", "operator"),
    ("PUT", "operators/{name}", "operator"),
    ("DELETE", "operators/{name}", "operator"),
    ("POST", "routes/{gateway}/{hand}", "operator"),
    ("PUT", "routes/{gateway}/settings", "operator"),
    ("DELETE", "routes/{gateway}/settings", "operator"),
    ("PUT", "tenants/{id}", "operator"),
    ("DELETE", "tenants/{id}", "operator"),
    ("POST", "tenants/{id}/balance/credit", "operator"),
    ("PUT", "tenants/{id}/services/{service}", "operator"),
    ("DELETE", "tenants/{id}/services/{service}", "operator"),
    ("POST", "webhooks/{tenant}", "operator"),
    ("DELETE", "webhooks/{tenant}/{name}", "operator"),
    ("POST", "webhooks/{tenant}/{name}/enable", "operator"),
    ("POST", "webhooks/{tenant}/{name}/rotate", "operator"),
];

/// What no request here changes: names that nothing has.
fn filled(path: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { "nothing-of-that-name" } else { part }.to_owned();
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn each_role_may_what_the_table_says_and_nothing_else() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Standalone, Backing::Memory).await?;
    let mut tokens = Vec::new();
    for role in ROLES {
        tokens.push((role, operator(&stack, &format!("some-{role}"), role).await?));
    }
    for (method, path, least) in TABLE {
        let (method, path) = (Method::from_bytes(method.as_bytes())?, filled(path));
        let strange = "op_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for token in [None, Some(strange)] {
            let reply = ops(&stack, method.clone(), &path, token, &Value::Null).await?;
            assert_eq!(reply.status, 401, "{method} {path} with {token:?}: {}", reply.text);
        }
        for (role, token) in &tokens {
            let may =
                ROLES.iter().position(|known| known == role) >= ROLES.iter().position(|known| known == least);
            let reply = ops(&stack, method.clone(), &path, Some(token), &Value::Null).await?;
            let is_refused = reply.body["code"] == "role_required";
            assert_eq!(is_refused, !may, "{method} {path} as {role}: {}", reply.text);
            assert_eq!(reply.status == 403, !may, "{method} {path} as {role}: {}", reply.text);
        }
    }
    Ok(())
}

/// A path that stands in the source and not in the table would be one whose role nobody decided.
#[test]
fn the_table_has_every_path_of_the_source() -> anyhow::Result<()> {
    let source = std::fs::read_to_string(root().join("core/src/http/ops.rs"))?;
    let mut found = BTreeSet::new();
    let flat = source.split_whitespace().collect::<Vec<_>>().join(" ");
    for route in flat.split(".route(").skip(1) {
        let Some(path) = route.split('"').nth(1) else { continue };
        let handlers = route.split_once(',').map_or("", |(_, rest)| rest);
        let handlers = handlers.split(".route").next().unwrap_or_default();
        for method in ["get", "post", "put", "delete"] {
            if handlers.contains(&format!("{method}(")) {
                found.insert(format!("{} {}", method.to_uppercase(), path.trim_start_matches("/ops/v1/")));
            }
        }
    }
    let table: BTreeSet<_> = TABLE.iter().map(|(method, path, _)| format!("{method} {path}")).collect();
    assert_eq!(found, table);
    Ok(())
}

/// Of core beside the operators' API.
const OTHERS: &[(&str, &str)] = &[
    ("GET", "/healthz"),
    ("GET", "/metrics"),
    ("GET", "/readyz"),
    ("POST", "/internal/v1/jobs"),
    ("POST", "/internal/v1/notices"),
    ("POST", "/internal/v1/evidence"),
    ("GET", "/callbacks/{gateway}"),
    ("POST", "/callbacks/{gateway}"),
    ("GET", "/callbacks/{gateway}/{secret}"),
    ("POST", "/callbacks/{gateway}/{secret}"),
    ("GET", "/console"),
    ("GET", "/console/"),
    ("GET", "/console/{*path}"),
    ("GET", "/console/session"),
    ("POST", "/console/session"),
    ("DELETE", "/console/session"),
];

/// What is refused is refused as a problem, with a code of the list: a wrong method, a part that is no text or no number, a
/// parameter that there is not.
#[tokio::test]
async fn every_refusal_of_every_path_is_a_problem() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Standalone, Backing::Memory).await?;
    let bearer = format!("Bearer {}", stack.variable(OPERATOR_TOKEN)?);
    let headers = [("authorization", bearer.as_str())];
    let ops = TABLE.iter().map(|(method, path, _)| (*method, format!("/ops/v1/{path}")));
    let others = OTHERS.iter().map(|(method, path)| (*method, (*path).to_owned()));
    let all: Vec<(&str, String)> = ops.chain(others).collect();
    let with = |path: &str, part: &str| {
        let fill = |one: &str| if one.starts_with('{') { part } else { one }.to_owned();
        path.split('/').map(fill).collect::<Vec<_>>().join("/")
    };
    let mut refused = 0;
    for (method, path) in &all {
        let whole = with(path, "nothing-of-that-name");
        // What no route of this very path takes.
        let wrong = ["GET", "POST", "PUT", "DELETE", "PATCH"].into_iter().filter(|wrong| {
            let same = |known: &&(&str, String)| with(&known.1, "nothing-of-that-name") == whole;
            all.iter().filter(same).all(|(known, _)| known != wrong)
        });
        let wrong = wrong.map(|wrong| (wrong, whole.clone()));
        let odd = [
            (*method, with(path, "%ff")),
            (*method, with(path, "%00")),
            (*method, format!("{whole}?nothing=1")),
        ];
        for (method, path) in wrong.chain(odd) {
            let url = format!("{}{path}", stack.client.core);
            let reply = stack.client.raw(Method::from_bytes(method.as_bytes())?, url, &headers, Vec::new());
            let reply = reply.await?;
            if reply.status < 400 {
                continue;
            }
            refused += 1;
            let kind = reply.header("content-type");
            assert_eq!(kind, Some("application/problem+json"), "{method} {path}: {reply:?}");
            let code = reply.code().unwrap_or_default();
            let known =
                Code::ALL.iter().any(|known| known.as_str() == code && known.status() == reply.status);
            assert!(known, "{method} {path}: {reply:?}");
        }
    }
    assert!(refused > all.len(), "{refused}");
    Ok(())
}

#[tokio::test]
async fn operators_are_made_changed_and_removed_and_every_change_is_in_the_audit() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Standalone, Backing::Memory).await?;
    let shared = stack.variable(OPERATOR_TOKEN)?.to_owned();
    let ann = operator(&stack, "ann", "viewer").await?;
    let again = json!({"name": "ann", "role": "operator"});
    let twice = ops(&stack, Method::POST, "operators", Some(&shared), &again).await?;
    assert_eq!(twice.status, 412, "{}", twice.text);
    for bad in
        [json!({"name": "Ann Smith", "role": "viewer"}), json!({"name": "bob", "role": "king"}), json!([])]
    {
        let refused = ops(&stack, Method::POST, "operators", Some(&shared), &bad).await?;
        assert_eq!((refused.status, &refused.body["code"]), (400, &json!("invalid_request")), "{bad}");
    }
    let listed = ops(&stack, Method::GET, "operators", Some(&shared), &Value::Null).await?;
    assert_eq!(listed.body["operators"][0]["role"], "viewer");
    assert!(!listed.text.contains(&ann) && !listed.text.contains("digest"), "{}", listed.text);

    let raised = json!({"role": "operator"});
    let raised = ops(&stack, Method::PUT, "operators/ann", Some(&shared), &raised).await?;
    assert_eq!(raised.status, 200, "{}", raised.text);
    // With her own token, at once.
    let renewed = ops(&stack, Method::PUT, "operators/ann", Some(&ann), &json!({"new_token": true})).await?;
    let new = renewed.body["token"].as_str().unwrap_or_default().to_owned();
    assert_eq!(ops(&stack, Method::GET, "operators", Some(&ann), &Value::Null).await?.status, 401);
    assert_eq!(ops(&stack, Method::GET, "operators", Some(&new), &Value::Null).await?.status, 200);
    let removed = ops(&stack, Method::DELETE, "operators/ann", Some(&shared), &Value::Null).await?;
    assert_eq!(removed.status, 200, "{}", removed.text);
    assert_eq!(ops(&stack, Method::GET, "routes", Some(&new), &Value::Null).await?.status, 401);
    assert_eq!(ops(&stack, Method::DELETE, "operators/ann", Some(&shared), &Value::Null).await?.status, 404);

    let audit = ops(&stack, Method::GET, "audit?newest_first=true", Some(&shared), &Value::Null).await?;
    let rows = audit.body["rows"].as_array().cloned().unwrap_or_default();
    let did: Vec<_> = rows.iter().map(|row| (&row["body"]["what"], &row["body"]["by"]["name"])).collect();
    assert_eq!(
        did,
        [
            (&json!("operator.remove ann"), &json!("operator")),
            (&json!("operator.put ann"), &json!("ann")),
            (&json!("operator.put ann"), &json!("operator")),
            (&json!("operator.put ann"), &json!("operator")),
        ]
    );
    assert!(!audit.text.contains(&ann) && !audit.text.contains(&new), "a token stands in the audit");
    Ok(())
}

#[tokio::test]
async fn the_command_line_manages_operators() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Standalone, Backing::Memory).await?;
    let run = |arguments: &[&str], token: Option<&str>| {
        let mut more = vec![("TIFFIN_OPS_URL", stack.client.core.as_str())];
        more.extend(token.map(|token| (OPERATOR_TOKEN, token)));
        stack.run_with(arguments, &more)
    };
    let (done, said) = run(&["operator", "add", "bob", "--role", "support", "--json"], None)?;
    anyhow::ensure!(done, "{said}");
    let made: Value = serde_json::from_str(said.trim())?;
    let token = made["token"].as_str().unwrap_or_default();
    let (done, said) = run(&["operator", "list"], None)?;
    assert!(done && said.contains("bob") && said.contains("support"), "{said}");
    let (done, said) = run(&["route", "open", "twilio-sms"], Some(token))?;
    assert!(!done && said.contains("Your role is support; this needs operator"), "{said}");
    let (done, said) = run(&["operator", "set", "bob", "--role", "operator"], None)?;
    assert!(done, "{said}");
    let (done, said) = run(&["route", "open", "twilio-sms"], Some(token))?;
    assert!(done, "{said}");
    let (done, said) = run(&["operator", "remove", "bob"], None)?;
    assert!(done, "{said}");
    let (done, said) = run(&["route", "release", "twilio-sms"], Some(token))?;
    assert!(!done && said.contains("401"), "{said}");
    let (done, said) = run(&["completions", "bash"], None)?;
    assert!(done && said.contains("complete -F _tiffin"), "{}", said.len());
    Ok(())
}
