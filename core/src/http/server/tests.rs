use std::time::Instant;

use axum::routing::get;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;

use super::*;

const HEAD: Duration = Duration::from_millis(300);

struct Running {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<io::Result<()>>,
}

async fn running(connections_max: u16, faces_clients: bool) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", get(async || "hello"));
    let (stop, stopped) = watch::channel(false);
    let limits = Limits { connections_max, faces_clients, head_timeout: HEAD };
    Running { address, stop, task: tokio::spawn(serve(listener, router, limits, stopped)) }
}

/// What the server says until it closes, or nothing more for this long.
async fn said(stream: &mut TcpStream, patience: Duration) -> Option<String> {
    let mut text = Vec::new();
    match timeout(patience, stream.read_to_end(&mut text)).await {
        Ok(_) => Some(String::from_utf8_lossy(&text).into_owned()),
        Err(_) => None,
    }
}

async fn get_once(address: SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    said(&mut stream, 20 * HEAD).await
}

#[tokio::test]
async fn a_head_that_does_not_end_and_an_idle_connection_are_closed() {
    let running = running(100, true).await;
    let begun = Instant::now();
    let mut half = TcpStream::connect(running.address).await.unwrap();
    half.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
    let mut silent = TcpStream::connect(running.address).await.unwrap();
    let mut idle = TcpStream::connect(running.address).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    for stream in [&mut half, &mut silent] {
        assert!(said(stream, 20 * HEAD).await.is_some(), "still open");
    }
    assert!(said(&mut idle, 20 * HEAD).await.unwrap().ends_with("hello"));
    assert!(begun.elapsed() >= HEAD);
}

#[tokio::test]
async fn a_connection_too_many_waits_for_a_place_and_gets_it() {
    let running = running(2, false).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(TcpStream::connect(running.address).await.unwrap());
    }
    assert!(get_once(running.address).await.unwrap().ends_with("hello"));
}

#[tokio::test]
async fn a_network_has_its_part_of_the_connections_only() {
    let running = running(16, true).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(TcpStream::connect(running.address).await.unwrap());
    }
    sleep(HEAD / 3).await;
    assert_eq!(get_once(running.address).await.as_deref(), Some(""), "closed without a word");
    drop(held);
    sleep(HEAD / 3).await;
    assert!(get_once(running.address).await.unwrap().ends_with("hello"));
}

#[tokio::test]
async fn http_2_in_clear_is_not_spoken() {
    let running = running(16, true).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let said = said(&mut stream, 20 * HEAD).await.unwrap();
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 400"), "{said:?}");
}

#[tokio::test]
async fn stopping_ends_idle_connections_and_returns() {
    let running = running(16, true).await;
    let idle = TcpStream::connect(running.address).await.unwrap();
    sleep(HEAD / 3).await;
    running.stop.send_replace(true);
    timeout(20 * HEAD, running.task).await.unwrap().unwrap().unwrap();
    drop(idle);
}
