//! A door that answers every request and tells what came: costs next to nothing, and plays the edge or a provider.

use std::sync::Arc;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

/// No request here is longer.
const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// Opens a door. `answer` is given each request's head and body, and gives back the whole reply.
pub async fn open<F>(answer: F) -> anyhow::Result<u16>
where
    F: Fn(&str, &str) -> String + Send + Sync + 'static,
{
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let port = listener.local_addr()?.port();
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).ok();
            let answer = answer.clone();
            tokio::spawn(async move { serve(stream, &*answer).await });
        }
    });
    Ok(port)
}

/// A reply with this status line and body.
pub fn reply(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
}

async fn serve<F>(mut stream: TcpStream, answer: &F) -> anyhow::Result<()>
where
    F: Fn(&str, &str) -> String + Sync,
{
    let mut read = Vec::with_capacity(8 * 1024);
    loop {
        while let Some(length) = whole(&read) {
            let rest = read.split_off(length);
            let text = String::from_utf8_lossy(&read);
            let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
            stream.write_all(answer(head, body).as_bytes()).await?;
            read = rest;
        }
        anyhow::ensure!(read.len() <= REQUEST_BYTES_MAX, "a request without an end");
        if stream.read_buf(&mut read).await? == 0 {
            return Ok(());
        }
    }
}

/// The length of the first request, once all of it is there.
fn whole(read: &[u8]) -> Option<usize> {
    let head_bytes = read.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(read.get(..head_bytes)?).to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
    let body_bytes: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    (read.len() >= head_bytes + body_bytes).then_some(head_bytes + body_bytes)
}
