//! The modes that do not answer: the message was taken or it was not, which only the list can tell.

use std::io;
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::common::ACCOUNT;
use crate::common::Receiver;
use crate::common::Sandbox;
use crate::common::eventually;

#[tokio::test]
async fn a_timeout_keeps_the_caller_waiting_and_takes_nothing() {
    let sandbox = Sandbox::start().await;
    sandbox.fault(&json!({"mode": "timeout"})).await;
    let waiting = sandbox.request(&[]).timeout(Duration::from_millis(300)).send().await;
    assert!(waiting.unwrap_err().is_timeout());
    assert!(sandbox.listed().await.is_empty());
    assert!(sandbox.inbox("").await.is_empty());
}

#[tokio::test]
async fn a_taken_timeout_never_answers_and_delivers() {
    let sandbox = Sandbox::start().await;
    let receiver = Receiver::start(0).await;
    sandbox.fault(&json!({"mode": "timeout_taken"})).await;
    let waiting = sandbox.request(&[("StatusCallback", &receiver.url)]);
    let waiting = waiting.timeout(Duration::from_millis(300)).send().await;
    assert!(waiting.unwrap_err().is_timeout());
    arrived(&sandbox, &receiver).await;
}

#[tokio::test]
async fn a_reset_cuts_the_connection_and_takes_nothing() {
    let sandbox = Sandbox::start().await;
    sandbox.fault(&json!({"mode": "reset"})).await;
    assert_eq!(raw(&sandbox, "").await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    let error = sandbox.request(&[]).send().await.unwrap_err();
    assert!(error.is_request() && !error.is_timeout());
    assert!(sandbox.listed().await.is_empty());
    sandbox.fault(&json!({"mode": "ok"})).await;
    assert_eq!(sandbox.send(&[]).await.0, 201);
}

#[tokio::test]
async fn a_taken_reset_cuts_the_connection_and_delivers() {
    let sandbox = Sandbox::start().await;
    let receiver = Receiver::start(0).await;
    sandbox.fault(&json!({"mode": "reset_taken"})).await;
    assert_eq!(raw(&sandbox, &receiver.url).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    arrived(&sandbox, &receiver).await;
}

#[tokio::test]
async fn what_the_provider_would_refuse_is_refused_at_once_and_not_taken() {
    let sandbox = Sandbox::start().await;
    for mode in ["timeout_taken", "reset_taken", "accept_no_receipt", "null"] {
        sandbox.fault(&json!({ "mode": mode })).await;
        let (status, body) = sandbox.send(&[("To", "nobody")]).await;
        assert_eq!((status, &body["code"]), (400, &json!(21_211)), "{mode}");
    }
    assert!(sandbox.listed().await.is_empty());
}

async fn arrived(sandbox: &Sandbox, receiver: &Receiver) {
    eventually("both callbacks", async || receiver.statuses() == ["sent", "delivered"]).await;
    assert_eq!(sandbox.inbox("").await.len(), 1);
    let listed = sandbox.listed().await;
    assert_eq!((listed.len(), &listed[0]["status"]), (1, &json!("delivered")));
}

/// A creation by hand, whose connection can be watched to its end.
async fn raw(sandbox: &Sandbox, callback_url: &str) -> io::Result<String> {
    let form = sandbox.request(&[("StatusCallback", callback_url)]).build().unwrap();
    let body = String::from_utf8(form.body().unwrap().as_bytes().unwrap().to_vec()).unwrap();
    let head = format!(
        "POST /2010-04-01/Accounts/{ACCOUNT}/Messages.json HTTP/1.1\r\nHost: sandbox\r\nAuthorization: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        form.headers()["authorization"].to_str().unwrap(),
        body.len()
    );
    let mut stream = TcpStream::connect(sandbox.base.trim_start_matches("http://")).await?;
    stream.write_all((head + &body).as_bytes()).await?;
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await?;
    Ok(heard)
}
