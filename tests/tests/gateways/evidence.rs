//! Every kind of gateway, with everything that is said to its provider and by it: the packet has it, and nothing in it tells a
//! code, a number, a mailbox or a key.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::Context;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;
use tiffin_core::evidence::time::is_time;
use tiffin_core::gateways::kinds;
use tiffin_core::host;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::forged::providers;
use crate::scan;
use crate::scan::Secrets;

/// One order by one gateway.
struct Way {
    gateway: String,
    channel: &'static str,
    to: Value,
    /// Whether word comes of it.
    hears: bool,
}

/// Kinds that the forged callbacks have no use for: one posts none, one has sessions.
const MORE: &str = "[[gateways]]\nname = 'topic'\nkind = 'aws_sns'\nsandbox = true\ncountries = ['CH']\n\
    region = 'eu-central-1'\naccess_key_id = 'AKIA111111111111'\nfrom = 'TIFFIN'\n\n\
    [[gateways]]\nname = 'smsc'\nkind = 'smpp'\nsandbox = true\ncountries = ['EE']\nsystem_id = 'tiffin'\nfrom = 'TIFFIN'\n\n";

fn settings(text: &str) -> String {
    let mut settings = providers::settings(text, 200_000);
    let at = settings.find("[tenants.dev.services.email]").unwrap_or(settings.len());
    settings.insert_str(at, MORE);
    for channel in ["email", "sms", "telegram", "voice", "whatsapp"] {
        let service =
            format!("[tenants.dev.services.{channel}4]\nbrand = 'Tiffin'\nchannels = ['{channel}']\n");
        write!(settings, "{service}digits = 4\nwaiting_ms = 200000\n\n").ok();
    }
    settings
}

fn ways() -> Vec<Way> {
    let known = providers::ALL.iter().map(|provider| Way {
        gateway: provider.name.to_owned(),
        channel: provider.channel,
        to: provider.address(4_817),
        hears: true,
    });
    let more =
        [("topic", "+4178123", false), ("smsc", "+3725012", true)].map(|(gateway, number, hears)| Way {
            gateway: gateway.to_owned(),
            channel: "sms",
            to: json!({ "phone": format!("{number}4817") }),
            hears,
        });
    known.chain(more).collect()
}

async fn start() -> anyhow::Result<Stack> {
    let ports = wait::free_ports(2)?;
    let (smtp, smpp) = (format!("127.0.0.1:{ports}"), format!("127.0.0.1:{}", ports + 1));
    let more = [
        ("TIFFIN_SANDBOX_SMTP_LISTEN", smtp.as_str()),
        ("TIFFIN_SANDBOX_SMPP_LISTEN", smpp.as_str()),
        ("TIFFIN_GATEWAY_SEALED_SIGNATURE_SECRET", "a secret of the first account"),
        ("TIFFIN_GATEWAY_SEALED_B_SIGNATURE_SECRET", "a secret of the second account"),
        ("TIFFIN_GATEWAY_VONAGE_OPEN_SIGNATURE_SECRET", ""),
        ("TIFFIN_GATEWAY_VONAGE_OPEN_B_SIGNATURE_SECRET", ""),
    ];
    Stack::launch(Front::Standalone, Backing::Memory, &more, settings).await
}

/// The packet, once it has what the provider said.
async fn packet(stack: &Stack, id: &str, hears: bool) -> anyhow::Result<Value> {
    let path = format!("/v1/orders/{id}/evidence");
    let fetch = || stack.client.call(Method::GET, &path, &[], &Value::Null);
    let is_whole = |reply: &Reply| {
        let attempt = &reply.body["evidence"]["attempts"][0];
        let has = |list: &str| attempt[list].as_array().is_some_and(|list| !list.is_empty());
        has("exchanges") && (has("receipts") || !hears)
    };
    Ok(wait::until("the evidence", fetch, is_whole).await?.body)
}

async fn order(stack: &Stack, way: &Way, service: &str) -> anyhow::Result<String> {
    let body = json!({ "to": way.to, "service": service, "channel": way.channel });
    let reply = stack.client.create(&fresh_key(), &body).await?;
    anyhow::ensure!(reply.status == 202, "{}: {reply:?}", way.gateway);
    reply.id()
}

/// The code that the phone or mailbox got: spelled out, where it is told by voice.
async fn code(stack: &Stack, way: &Way, digits: usize) -> anyhow::Result<String> {
    let to = way.to["phone"].as_str().or(way.to["email"].as_str()).unwrap_or_default();
    let look = || stack.client.inbox(to);
    let messages = wait::until("a message", look, |messages| !messages.is_empty()).await?;
    let text = messages[0]["text"].as_str().unwrap_or_default().replace([',', ' '], "");
    let code = text.split(|char: char| !char.is_ascii_digit()).find(|run| run.len() >= digits);
    Ok(code.and_then(|run| run.get(..digits)).with_context(|| format!("no code in {text:?}"))?.to_owned())
}

#[tokio::test]
async fn a_packet_of_any_gateway_has_what_was_said_and_no_code_number_mailbox_or_key() -> anyhow::Result<()> {
    let stack = start().await?;
    let dir = TempDir::new()?;
    let mut secrets = Secrets::default();
    let own = stack
        .keys
        .core
        .iter()
        .filter(|(name, value)| name.starts_with("TIFFIN_GATEWAY_") && value.len() >= 6);
    secrets.keys.extend(own.map(|(_, value)| value.clone()));
    secrets.keys.insert("a secret of the first account".into());
    let (mut kinds_seen, mut exchanges, mut receipts) = (BTreeSet::new(), 0, 0);
    for way in &ways() {
        let id = order(&stack, way, way.channel).await?;
        let code = code(&stack, way, 6).await?;
        let packet = packet(&stack, &id, way.hears).await?;
        let attempt = &packet["evidence"]["attempts"][0];
        assert_eq!(attempt["gateway"], way.gateway.as_str(), "{packet}");
        kinds_seen.insert(attempt["kind"].as_str().unwrap_or_default().to_owned());
        exchanges += attempt["exchanges"].as_array().map_or(0, Vec::len);
        receipts += attempt["receipts"].as_array().map_or(0, Vec::len);
        check(&way.gateway, attempt);
        let masked = packet["evidence"]["to"].as_str().unwrap_or_default();
        assert!(masked.contains('•'), "{}: {masked}", way.gateway);
        let path = format!("/v1/orders/{id}/evidence");
        let page = stack.client.call(Method::GET, &path, &[("accept", "text/html")], &Value::Null).await?;
        std::fs::write(dir.path().join(format!("{}.html", way.gateway)), page.text)?;
        std::fs::write(dir.path().join(format!("{}.json", way.gateway)), packet.to_string())?;
        secrets.codes.insert(code);
        match way.to["phone"].as_str() {
            Some(phone) => secrets.phones.insert(phone.to_owned()),
            None => secrets.keys.insert(way.to["email"].as_str().unwrap_or_default().to_owned()),
        };
    }
    let found = secrets.search(dir.path())?;
    assert!(found.is_empty(), "{found:#?}");
    let all: BTreeSet<_> = kinds::ALL.iter().map(|kind| kind.name.to_owned()).collect();
    assert_eq!(kinds_seen, all);
    println!(
        "{} kinds, {exchanges} exchanges, {receipts} receipts; {} codes, {} numbers, {} keys and mailboxes: none found",
        all.len(),
        secrets.codes.len(),
        secrets.phones.len(),
        secrets.keys.len()
    );
    Ok(())
}

/// What makes it worth something: times, what was said, and whether receipts were proven.
fn check(gateway: &str, attempt: &Value) {
    let exchange = &attempt["exchanges"][0];
    assert!(exchange["began_at"].as_u64() <= exchange["ended_at"].as_u64(), "{gateway}: {exchange}");
    assert!(
        exchange["request"]["line"].as_str().is_some_and(|line| line.len() > 10),
        "{gateway}: {exchange}"
    );
    assert!(exchange["reply"]["status"].is_string(), "{gateway}: {exchange}");
    for receipt in attempt["receipts"].as_array().into_iter().flatten() {
        let is_hint = receipt["scheme"].as_str().is_some_and(|scheme| scheme.starts_with("unsigned"));
        assert_eq!(receipt["is_proven"], json!(!is_hint), "{gateway}: {receipt}");
    }
}

/// Four digits are found in years, statuses and ids, too: there they say nothing, and where the code stands they are gone.
#[tokio::test]
async fn a_code_of_four_digits_is_nowhere_that_a_code_could_stand() -> anyhow::Result<()> {
    let stack = start().await?;
    for way in ways() {
        let id = order(&stack, &way, &format!("{}4", way.channel)).await?;
        let code = code(&stack, &way, 4).await?;
        let packet = packet(&stack, &id, way.hears).await?;
        let mut texts = Vec::new();
        said(&packet["evidence"]["attempts"], &mut texts);
        for text in texts {
            let is_alone = |at: usize| {
                let joins =
                    |char: Option<char>| char.is_some_and(|char| char.is_ascii_alphanumeric() || char == '_');
                !joins(text[..at].chars().next_back()) && !joins(text[at + 4..].chars().next())
            };
            let found = text.match_indices(&code).find(|(at, _)| is_alone(*at));
            // A time may have the same digits, and says so as a whole.
            let is_time = is_time(&text, host::now());
            assert!(found.is_none() || is_time, "{}: {code} in {text}", way.gateway);
            let spelled = |gap: &str| code.chars().map(String::from).collect::<Vec<_>>().join(gap);
            assert!(
                !text.contains(&spelled(" ")) && !text.contains(&spelled(", ")),
                "{}: {text}",
                way.gateway
            );
        }
    }
    Ok(())
}

fn said(json: &Value, texts: &mut Vec<String>) {
    match json {
        Value::Array(list) => list.iter().for_each(|one| said(one, texts)),
        Value::Object(fields) => fields.values().for_each(|one| said(one, texts)),
        Value::String(text) => texts.push(text.clone()),
        _ => {}
    }
}

/// What the scan is made of finds what it should: see its own test beside the stores.
#[test]
fn the_scan_would_find_a_code_in_a_packet() -> anyhow::Result<()> {
    let dir = TempDir::new()?;
    std::fs::write(dir.path().join("x.json"), r#"{"request":{"body":{"text":"Your code is 314159."}}}"#)?;
    let secrets = Secrets { codes: ["314159".to_owned()].into(), ..Secrets::default() };
    assert_eq!(secrets.search(dir.path())?.len(), 1);
    assert!(scan::holds(b"abc", "b"));
    Ok(())
}
