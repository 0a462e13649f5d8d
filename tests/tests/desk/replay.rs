//! What the audit log's entries of settings come to, and what is in effect.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_tests::stack::Stack;

use crate::common::ops;

/// Everybody changes its settings.
pub const GATEWAY: &str = "twilio-sms";

/// What differed before must be what was there; what differs now is from here on.
fn apply(state: &mut Value, before: &Value, after: &Value) {
    let (Value::Object(was), Value::Object(is)) = (before, after) else {
        assert_eq!(state, before, "the entry before this one left something else");
        *state = after.clone();
        return;
    };
    for (name, old) in was {
        match is.get(name) {
            Some(new) => apply(&mut state[name], old, new),
            None => {
                let there = state.as_object_mut().and_then(|fields| fields.remove(name));
                assert_eq!(there.as_ref(), Some(old));
            }
        }
    }
    for (name, new) in is.iter().filter(|(name, _)| !was.contains_key(*name)) {
        assert!(state.get(name).is_none(), "{name} was there");
        state[name] = new.clone();
    }
}

/// What the entries say is in effect, from nothing on. Each is there, and once.
pub fn replayed(rows: &[Value]) -> BTreeMap<String, Value> {
    let mut things: BTreeMap<String, Value> = BTreeMap::new();
    let mut at = 0;
    for (row, n) in rows.iter().zip(1_u64..) {
        let body = &row["body"];
        assert_eq!(body["n"], n, "each change has one entry, in its place: {row}");
        let now = body["at"].as_u64().unwrap_or_default();
        assert!(now >= at, "{row}");
        at = now;
        let (verb, name) = body["what"].as_str().and_then(|what| what.split_once(' ')).unwrap_or_default();
        let kind = verb.split('.').next().unwrap_or_default();
        let (kind, name) = match name.split_once('/') {
            Some((tenant, _)) => ("tenant", tenant),
            None => (kind, name),
        };
        let thing = things.entry(format!("{kind} {name}")).or_default();
        apply(thing, &body["before"], &body["after"]);
    }
    things.retain(|_, thing| !thing.is_null());
    things
}

/// What is in effect, as operators see it.
pub async fn in_effect(stack: &Stack) -> anyhow::Result<BTreeMap<String, Value>> {
    let get = async |path: String| ops(stack, Method::GET, &path, &[], &Value::Null).await;
    let mut things = BTreeMap::new();
    let listed = get("tenants".into()).await?;
    for row in listed.body["tenants"].as_array().into_iter().flatten() {
        let id = row["id"].as_str().unwrap_or_default();
        if row["managed_by"] == "store" {
            things.insert(format!("tenant {id}"), get(format!("tenants/{id}")).await?.body["tenant"].clone());
        }
    }
    let listed = get("keys".into()).await?;
    for row in listed.body["keys"].as_array().into_iter().flatten() {
        if row["managed_by"] == "store" {
            let id = row["id"].as_str().unwrap_or_default();
            things.insert(format!("key {id}"), json!({"revoked": row["revoked"], "tenant": row["tenant"]}));
        }
    }
    let listed = get("routes".into()).await?;
    let routes = listed.body["routes"].as_array();
    // The file sets no price.
    let is_set = |row: &&Value| row["gateway"] == GATEWAY && !row["price_micros"].is_null();
    for row in routes.into_iter().flatten().filter(is_set) {
        let settings = json!({"price_micros": row["price_micros"], "priority": row["priority"]});
        things.insert(format!("route {GATEWAY}"), settings);
    }
    Ok(things)
}

/// Of a key, what the list of keys shows too: it is without those of tenants that are gone.
pub fn comparable(mut things: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let known = |key: &Value| format!("tenant {}", key["tenant"].as_str().unwrap_or_default());
    let tenants: BTreeSet<_> = things.keys().filter(|name| name.starts_with("tenant ")).cloned().collect();
    things.retain(|name, thing| !name.starts_with("key ") || tenants.contains(&known(thing)));
    for (name, thing) in &mut things {
        if name.starts_with("key ") {
            *thing = json!({"revoked": thing["revoked"] == true, "tenant": thing["tenant"]});
        }
    }
    things
}
