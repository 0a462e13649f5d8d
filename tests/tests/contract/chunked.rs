//! A POST in chunks, by hand: HTTP clients tell the length when they know it.

use anyhow::Context;
use reqwest::header::HeaderMap;
use reqwest::header::HeaderName;
use serde_json::Value;
use tiffin_tests::client::Reply;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const CHUNK_BYTES: usize = 4_000;

/// Sends it all, then reads the reply.
pub async fn post(base: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> anyhow::Result<Reply> {
    let address = base.strip_prefix("http://").context("plain HTTP")?;
    let mut request = format!("POST {path} HTTP/1.1\r\nhost: {address}\r\ntransfer-encoding: chunked\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut request = format!("{request}connection: close\r\n\r\n").into_bytes();
    for chunk in body.chunks(CHUNK_BYTES) {
        request.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        request.extend(chunk);
        request.extend(b"\r\n");
    }
    request.extend(b"0\r\n\r\n");
    send(base, &request).await
}

/// Sends these bytes, which ask for the connection to be closed, then reads the reply.
pub async fn send(base: &str, request: &[u8]) -> anyhow::Result<Reply> {
    let mut stream = TcpStream::connect(base.strip_prefix("http://").context("plain HTTP")?).await?;
    stream.write_all(request).await?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await?;
    read(&String::from_utf8(reply)?)
}

fn read(reply: &str) -> anyhow::Result<Reply> {
    let (head, body) = reply.split_once("\r\n\r\n").with_context(|| format!("no reply: {reply:?}"))?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("no status")?.parse()?;
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        headers.append(HeaderName::try_from(name)?, value.parse()?);
    }
    let is_chunked = headers.contains_key("transfer-encoding");
    let text = if is_chunked { joined(body)? } else { body.to_owned() };
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Ok(Reply { status, headers, text, body })
}

fn joined(mut chunks: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    loop {
        let (size, rest) = chunks.split_once("\r\n").context("no chunk size")?;
        let size = usize::from_str_radix(size, 16)?;
        if size == 0 {
            return Ok(text);
        }
        text.push_str(rest.get(..size).context("a chunk is cut off")?);
        chunks = rest.get(size + 2..).context("a chunk has no end")?;
    }
}
