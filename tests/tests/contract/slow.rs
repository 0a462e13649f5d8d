//! A body that is held back is refused in time, and decides nothing.

use std::time::Duration;

use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// Long after a front door gives up.
const REPLY_TIMEOUT: Duration = Duration::from_secs(30);

/// What comes back for a request of which the last byte never comes.
async fn held_back(stack: &Stack, path: &str, body: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(stack.client.edge.trim_start_matches("http://")).await?;
    let (key, secret, length) = (fresh_key(), &stack.keys.secret, body.len() + 1);
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {secret}\r\nidempotency-key: {key}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).await?;
    let mut reply = Vec::new();
    let read = async {
        while !String::from_utf8_lossy(&reply).contains("whole") {
            anyhow::ensure!(stream.read_buf(&mut reply).await? > 0, "closed after {reply:?}");
        }
        Ok(())
    };
    tokio::time::timeout(REPLY_TIMEOUT, read).await??;
    Ok(String::from_utf8(reply)?)
}

async fn a_body_that_is_held_back_is_refused(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let phone = fresh_phone();
    let order = stack.client.order(&phone).await?;
    let (path, code) = (format!("/v1/orders/{order}/verify"), stack.client.code(&phone).await?);
    let (guess, other) = (format!(r#"{{"code":"{code}"}}"#), login(&fresh_phone()).to_string());
    let replies =
        tokio::try_join!(held_back(&stack, &path, &guess), held_back(&stack, "/v1/orders", &other))?;
    for reply in [replies.0, replies.1] {
        assert!(reply.starts_with("HTTP/1.1 400"), "{reply}");
        let says = [r#""code":"invalid_request""#, r#""detail":"The body did not arrive whole.""#];
        assert!(says.iter().all(|words| reply.contains(words)), "{reply}");
        assert!(reply.to_lowercase().contains("content-type: application/problem+json"), "{reply}");
    }
    // The guess was complete but for a byte after it, and was not looked at.
    assert_eq!(stack.client.guess(&order, &code).await?, "verified");
    Ok(())
}

#[tokio::test]
async fn a_body_that_is_held_back_is_refused_at_the_wasm_edge() -> anyhow::Result<()> {
    a_body_that_is_held_back_is_refused(Front::Edge).await
}

#[tokio::test]
async fn a_body_that_is_held_back_is_refused_standalone() -> anyhow::Result<()> {
    a_body_that_is_held_back_is_refused(Front::Standalone).await
}
