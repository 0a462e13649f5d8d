//! Both fronts give the same replies.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_tests::client::Client;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

use crate::case::Ground;
use crate::guesses::wrong_codes;
use crate::lists;

/// Headers of the connection, not of the API.
const TRANSPORT: [&str; 4] = ["connection", "content-length", "date", "transfer-encoding"];
const ID_CHARS: usize = 43;
const REQUEST_ID_CHARS: usize = 22;
/// `0000-00-00T00:00:00.000Z`
const TIME: &[u8] = b"0000-00-00T00:00:00.000Z";

/// What a reply says, without what differs from one request to the next.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Said {
    fn by(reply: &Reply) -> Self {
        let headers = reply.headers.iter().filter(|(name, _)| !TRANSPORT.contains(&name.as_str()));
        // A tag differs with every id and time.
        let text = |name: &str, value: &reqwest::header::HeaderValue| match name {
            "etag" => "a tag".to_owned(),
            _ => neutral(&String::from_utf8_lossy(value.as_bytes())),
        };
        Self {
            status: reply.status,
            headers: headers.map(|(name, value)| (name.to_string(), text(name.as_str(), value))).collect(),
            body: neutral(&reply.text),
        }
    }
}

/// Ids and times replaced by their shape.
fn neutral(text: &str) -> String {
    let mut neutral = String::new();
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        let id = [("ord_", ID_CHARS), ("req_", REQUEST_ID_CHARS)].into_iter().find_map(|(prefix, chars)| {
            let id = rest.strip_prefix(prefix)?.get(..chars)?;
            let is_id = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            is_id.then_some((prefix, prefix.len() + chars))
        });
        let (shape, length) = match id {
            Some((prefix, length)) => (format!("{prefix}…"), length),
            None if is_time(rest) => ("time".to_owned(), TIME.len()),
            None => (char.to_string(), char.len_utf8()),
        };
        neutral.push_str(&shape);
        rest = rest.get(length..).unwrap_or_default();
    }
    neutral
}

fn is_time(text: &str) -> bool {
    let fits = |(byte, shape): (u8, &u8)| if *shape == b'0' { byte.is_ascii_digit() } else { byte == *shape };
    text.len() >= TIME.len() && text.bytes().zip(TIME).all(fits)
}

async fn both() -> anyhow::Result<(Stack, Stack)> {
    let edge = Stack::start(Front::Edge, Backing::Memory).await?;
    Ok((edge, Stack::start(Front::Standalone, Backing::Memory).await?))
}

#[tokio::test]
async fn both_fronts_refuse_with_the_same_words() -> anyhow::Result<()> {
    let (edge, standalone) = both().await?;
    let (edge, standalone) = (Ground::of(&edge).await?, Ground::of(&standalone).await?);
    let mut different = Vec::new();
    for (at_edge, at_core) in lists::all(&edge).iter().zip(&lists::all(&standalone)) {
        assert_eq!(at_edge.name, at_core.name);
        let said = Said::by(&at_edge.send(&edge.client).await?);
        let other = Said::by(&at_core.send(&standalone.client).await?);
        if said != other {
            different.push(format!("{}:\n  edge {said:?}\n  core {other:?}", at_edge.name));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    Ok(())
}

/// One life of an order, every reply of it.
async fn life(client: &Client, phone: &str) -> anyhow::Result<Vec<(&'static str, Reply)>> {
    let key = fresh_key();
    let order = json!({
        "to": {"phone": phone}, "service": "login", "client_ref": "signup-42", "metadata": {"b": "2", "a": "é"},
    });
    let mut replies = vec![("created", client.create(&key, &order).await?)];
    let id = replies[0].1.id()?;
    client.until_state(&id, "delivered").await?;
    let code = client.code(phone).await?;
    let wrong = wrong_codes(&code, 1).concat();
    replies.push(("replayed", client.create(&key, &order).await?));
    replies.push(("mismatched", client.create(&key, &login(phone)).await?));
    replies.push(("fetched", client.fetch(&id).await?));
    replies.push((
        "fetched with a query",
        client.call(Method::GET, &format!("/v1/orders/{id}?a=b"), &[], &Value::Null).await?,
    ));
    replies.push(("guessed wrong", client.verify(&id, &wrong).await?));
    replies.push(("verified", client.verify(&id, &code).await?));
    replies.push(("verified again", client.verify(&id, &code).await?));
    replies.push(("replayed late", client.create(&key, &order).await?));
    for name in ["second", "third", "refused"] {
        replies.push((name, client.create(&fresh_key(), &login(phone)).await?));
    }
    replies.push(("health", client.call(Method::GET, "/healthz", &[], &Value::Null).await?));
    replies
        .push(("a problem's page", client.call(Method::GET, "/problems/no_route", &[], &Value::Null).await?));
    Ok(replies)
}

#[tokio::test]
async fn both_fronts_tell_an_order_s_life_in_the_same_words() -> anyhow::Result<()> {
    let (edge, standalone) = both().await?;
    let phone = fresh_phone();
    let at_edge = life(&edge.client, &phone).await?;
    let at_core = life(&standalone.client, &phone).await?;
    let statuses: Vec<_> = at_edge.iter().map(|(_, reply)| reply.status).collect();
    assert_eq!(statuses, [202, 202, 422, 200, 200, 200, 200, 200, 202, 202, 202, 429, 200, 200]);
    for ((name, reply), (_, other)) in at_edge.iter().zip(&at_core) {
        let (mut said, mut other) = (Said::by(reply), Said::by(other));
        if *name == "refused" {
            // Seconds run between the two lives; their exact number is another test's.
            for said in [&mut said, &mut other] {
                assert!(said.headers.remove("retry-after").is_some(), "{said:?}");
            }
        }
        assert_eq!(said, other, "{name}");
        let is_order = (202..203).contains(&reply.status);
        assert_eq!(reply.header("location").is_some(), is_order, "{name}");
        assert_eq!(reply.header("idempotency-replayed").is_some(), name.starts_with("replayed"), "{name}");
        if is_order {
            assert_eq!(reply.header("location"), Some(format!("/v1/orders/{}", reply.id()?).as_str()));
        }
    }
    Ok(())
}
