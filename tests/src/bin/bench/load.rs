//! Requests over many connections, by a client that costs next to nothing: it shares two cores with what it measures.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Open at once.
pub const CONNECTIONS: usize = 32;
/// No reply here is longer.
const REPLY_BYTES_MAX: usize = 64 * 1024;

/// What came of a run.
pub struct Ran {
    /// From the first request to the last reply.
    pub took: Duration,
    /// Bodies, in the requests' order.
    pub bodies: Vec<String>,
}

/// The bytes of a request.
pub fn post(path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Sends each request once; all must be answered with `status`.
pub async fn run(port: u16, requests: Vec<Vec<u8>>, status: u16) -> anyhow::Result<Ran> {
    run_over(CONNECTIONS, port, requests, status).await
}

/// The same over so many connections.
pub async fn run_over(
    connections: usize,
    port: u16,
    requests: Vec<Vec<u8>>,
    status: u16,
) -> anyhow::Result<Ran> {
    let (requests, next) = (Arc::new(requests), Arc::new(AtomicUsize::new(0)));
    let connections = connect(connections, port).await?;
    let began = Instant::now();
    let mut clients = JoinSet::new();
    for mut stream in connections {
        let (requests, next) = (requests.clone(), next.clone());
        clients.spawn(async move {
            let mut replies = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(request) = requests.get(at) else { return anyhow::Ok(replies) };
                replies.push((at, exchange(&mut stream, request, status).await?));
            }
        });
    }
    let mut replies = Vec::new();
    while let Some(client) = clients.join_next().await {
        replies.extend(client??);
    }
    let took = began.elapsed();
    replies.sort();
    Ok(Ran { took, bodies: replies.into_iter().map(|(_, body)| body).collect() })
}

/// Open connections.
pub async fn connect(count: usize, port: u16) -> anyhow::Result<Vec<TcpStream>> {
    let mut connections = Vec::new();
    for _ in 0..count {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        connections.push(stream);
    }
    Ok(connections)
}

/// Sends one request. The body of its answer, which must have this status.
pub async fn exchange(stream: &mut TcpStream, request: &[u8], status: u16) -> anyhow::Result<String> {
    stream.write_all(request).await?;
    let mut reply = Vec::with_capacity(4 * 1024);
    loop {
        anyhow::ensure!(stream.read_buf(&mut reply).await? > 0, "the connection was closed");
        anyhow::ensure!(reply.len() <= REPLY_BYTES_MAX, "the reply has no end");
        let Some(head_bytes) = reply.windows(4).position(|end| end == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&reply);
        let (head, body) = text.split_at_checked(head_bytes + 4).context("the head is no text")?;
        let head = head.to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
        let length: usize = length.with_context(|| format!("no length: {head}"))?.parse()?;
        if body.len() >= length {
            anyhow::ensure!(head.starts_with(&format!("http/1.1 {status} ")), "not {status}: {text}");
            return Ok(body.to_owned());
        }
    }
}
