//! Posts of a topic: those that the sandbox signs, by AWS's validator; those that another hand signs, by our adapter.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use serde_json::Value;
use serde_json::json;
use tiffin_core::gateways::adapter::HttpAdapter;
use tiffin_core::gateways::aws_sms::AwsSms;
use tiffin_core::gateways::call;
use tiffin_core::gateways::callback::Callback;
use tiffin_core::gateways::callback::CallbackError;
use tiffin_core::gateways::callback::Fate;
use tiffin_core::gateways::callback::Heard;
use tiffin_core::gateways::callback::Told;
use tiffin_core::host;
use tiffin_core::sandbox;
use tiffin_shared::http::Request;
use tiffin_shared::time::UnixMs;
use tiffin_tests::message::reference;
use tiffin_tests::wait;
use tokio::net::TcpListener;

use crate::common::ATTEMPT;
use crate::common::KEY;
use crate::common::TOPIC;
use crate::common::account;
use crate::common::judge;
use crate::common::node;
use crate::common::python;
use crate::common::secrets;
use crate::common::with_message;

/// 2026-11-19T10:00:00Z, as the other hand has it.
const NOW: UnixMs = UnixMs(1_795_082_400_000);

type Posts = Arc<Mutex<Vec<String>>>;

async fn keep(State(posts): State<Posts>, body: Bytes) {
    posts
        .lock()
        .unwrap_or_else(|poison| poison.into_inner())
        .push(String::from_utf8_lossy(&body).into_owned());
}

fn hear(adapter: &AwsSms, body: &[u8], pem: &str) -> Result<Heard, CallbackError> {
    let request = Request {
        method: "POST".into(),
        path: "/callbacks/aws".into(),
        query: String::new(),
        headers: BTreeMap::new().into_iter().collect(),
        body: body.to_vec(),
    };
    let url = "https://core.example/callbacks/aws";
    let mut callback = Callback { url, request: &request, attempt: None, certificate: None, now: NOW };
    assert!(adapter.certificate(&callback)?.is_some());
    callback.certificate = Some(pem.as_bytes());
    adapter.hear(&callback)
}

#[tokio::test]
async fn awss_validator_takes_what_the_sandbox_signs() -> anyhow::Result<()> {
    call::install_tls();
    let (listener, receiver) =
        (TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?);
    let base = format!("http://{}/aws", listener.local_addr()?);
    let public = format!("http://{}", receiver.local_addr()?);
    let keys = format!("topic_arn = '{TOPIC}'\nbase_url = '{base}'");
    let secret = |name: &str| Some(KEY.to_owned()).filter(|_| name.ends_with("SECRET_ACCESS_KEY"));
    let played =
        sandbox::Account::new(account("aws_sms", &keys)?, &public, secret).map_err(anyhow::Error::msg)?;
    tokio::spawn(sandbox::serve(listener, sandbox::Ports::default(), vec![played], std::future::pending()));
    let posts = Posts::default();
    let router = Router::new().fallback(keep).with_state(Arc::clone(&posts));
    tokio::spawn(async move { axum::serve(receiver, router).await });

    let account = account("aws_sms", &keys)?;
    let adapter = AwsSms::new(&account, &secrets(&account, false)?).map_err(anyhow::Error::msg)?;
    let encode =
        |text: &str| with_message(text, "TIFFIN", false, host::now(), |message| adapter.encode(message));
    let request = encode("482915 is your \"code\": ü")?.map_err(|reason| anyhow::anyhow!("{reason:?}"))?;
    let client = call::Client::new()?;
    let answer = client.call(request).await.map_err(|outcome| anyhow::anyhow!("{outcome:?}"))?;
    assert_eq!(answer.status, 200);
    let plain = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build()?;
    assert_eq!(plain.post(format!("{base}/subscribe/aws")).send().await?.status(), 204);
    let count = || async { Ok(posts.lock().map(|posts| posts.len()).unwrap_or_default()) };
    wait::until("three posts", count, |count| *count == 3).await?;

    let posts = posts.lock().map(|posts| posts.clone()).unwrap_or_default();
    let first: Value = serde_json::from_str(posts.first().context("no post")?)?;
    let url = first["SigningCertURL"].as_str().context("no certificate")?;
    let pem = plain.get(url).send().await?.text().await?;
    let verdict = judge(node("posts.mjs")?, &json!({"posts": posts, "pem": pem}))?;
    assert_eq!(verdict, json!({"valid": 3, "altered": 3, "refused": 3}));
    Ok(())
}

#[test]
fn our_adapter_takes_what_another_hand_signs() -> anyhow::Result<()> {
    let account = account("aws_sms", &format!("topic_arn = '{TOPIC}'"))?;
    let adapter = AwsSms::new(&account, &secrets(&account, false)?).map_err(anyhow::Error::msg)?;
    let given = json!({"topic": TOPIC, "attempt": reference(ATTEMPT).text()});
    let made = judge(python("posts.py")?, &given)?;
    let pem = made["pem"].as_str().context("no certificate")?;
    let posts = made["posts"].as_array().context("no posts")?;
    assert_eq!(posts.len(), 6);
    for post in posts {
        let body = post.to_string();
        let heard = hear(&adapter, body.as_bytes(), pem);
        let told = Told {
            attempt: Some(reference(ATTEMPT)),
            provider_id: "m1".into(),
            fate: Fate::Delivered,
            cost: None,
        };
        let expected = match post["Type"].as_str() {
            Some("Notification") => Heard::from(told),
            Some("SubscriptionConfirmation") => {
                Heard { visit: post["SubscribeURL"].as_str().map(str::to_owned), ..Heard::default() }
            }
            _ => Heard::default(),
        };
        assert_eq!(heard, Ok(expected), "{post}");
        let signed = ["Message", "MessageId", "Timestamp", "Token", "SubscribeURL", "Subject"];
        for name in signed.into_iter().filter(|name| post.get(name).is_some()) {
            let mut altered = post.clone();
            let text = post[name].as_str().unwrap_or_default();
            altered[name] = if name == "Timestamp" {
                "2026-11-19T10:00:00.001Z".into()
            } else {
                format!("{text} ").into()
            };
            let refused = hear(&adapter, altered.to_string().as_bytes(), pem);
            assert_eq!(refused, Err(CallbackError::Signature), "{name} of {post}");
        }
        let other = made["other_pem"].as_str().context("no other certificate")?;
        assert_eq!(hear(&adapter, body.as_bytes(), other), Err(CallbackError::Signature));
    }
    Ok(())
}
