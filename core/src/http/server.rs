//! A listener: HTTP/1.1, so many connections, and a deadline for what is half said.
//!
//! No cleartext HTTP/2: one connection would hold any number of requests, past every limit here. The proxy that adds
//! TLS speaks it to browsers, and HTTP/1.1 to us.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use axum::Extension;
use axum::Router;
use axum::extract::ConnectInfo;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use hyper_util::service::TowerToHyperService;
use tiffin_shared::http::STREAM_MS_MAX;
use tiffin_shared::visitor::Network;
use tiffin_shared::visitor::network;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio::time::timeout;

/// How long a request's head may take, and how long a connection may be idle between two requests.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// A head, and what is read ahead of a body. Ours are below two kilobytes; cookies of a site around may come along.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// After this a connection ends with the request under way: none is held for ever by one who does not read replies.
const CONNECTION_LIFE: Duration = Duration::from_secs(900);
/// What that last request may take: a stream has the longest life.
const LAST_REQUEST_TIMEOUT: Duration = Duration::from_millis(STREAM_MS_MAX + 60_000);
/// When to try again after the system had no more file descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(200);
/// One network has at most this part of a listener's connections, where its address is known.
const NETWORK_SHARE: usize = 8;

/// How much a listener takes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once. One more waits in the system's queue until one ends.
    pub connections_max: u16,
    /// Whether connections come from the clients themselves, so that each network may have its part only.
    pub faces_clients: bool,
    /// [`HEAD_TIMEOUT`].
    pub head_timeout: Duration,
}

/// Serves until `stopped` says so, then until every connection has ended.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stopped: watch::Receiver<bool>,
) -> io::Result<()> {
    let room = Arc::new(Semaphore::new(usize::from(limits.connections_max)));
    let networks = Arc::new(Networks::new(limits));
    let mut stop = stopped.clone();
    loop {
        let (stream, address, permit) = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            // An error means that the sender is gone, and with it the process.
            _ = stop.wait_for(|stopped| *stopped) => break,
        };
        // Closed at once: whoever floods is owed no answer, and nobody else of that network is refused one for long.
        let Some(guest) = networks.clone().enter(address) else { continue };
        let (router, stopped) = (router.clone(), stopped.clone());
        tokio::spawn(async move {
            converse(stream, router.layer(Extension(ConnectInfo(address))), limits, stopped).await;
            drop((guest, permit));
        });
    }
    drop(listener);
    // All places free: all connections over. The semaphore is never closed.
    room.acquire_many(u32::from(limits.connections_max)).await.map(drop).map_err(io::Error::other)
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else {
            std::future::pending::<()>().await;
            continue;
        };
        match listener.accept().await {
            Ok((stream, address)) => return (stream, address, permit),
            // The client's, and over with it.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionAborted
                        | io::ErrorKind::ConnectionRefused
                        | io::ErrorKind::ConnectionReset
                ) => {}
            Err(error) => {
                tracing::error!(%error, "a connection was not accepted");
                sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

/// Requests and replies of one connection, until it ends or has lived long enough.
async fn converse(stream: TcpStream, router: Router, limits: Limits, mut stopped: watch::Receiver<bool>) {
    // Small replies leave at once.
    stream.set_nodelay(true).ok();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head_timeout).max_buf_size(HEAD_BYTES_MAX);
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    // How a connection ends is the client's affair.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopped.wait_for(|stopped| *stopped) => {}
        () = sleep(CONNECTION_LIFE) => {}
    }
    connection.as_mut().graceful_shutdown();
    timeout(LAST_REQUEST_TIMEOUT, connection).await.ok();
}

/// Connections by client network.
struct Networks {
    max: Option<usize>,
    counts: Mutex<BTreeMap<Vec<u8>, usize>>,
}

/// A connection that counts, until dropped.
struct Guest(Option<(Arc<Networks>, Vec<u8>)>);

impl Networks {
    fn new(limits: Limits) -> Self {
        let share = usize::from(limits.connections_max).div_ceil(NETWORK_SHARE);
        Self { max: limits.faces_clients.then_some(share), counts: Mutex::default() }
    }

    fn enter(self: Arc<Self>, address: SocketAddr) -> Option<Guest> {
        let Some(max) = self.max else { return Some(Guest(None)) };
        let octets = octets(network(address.ip()));
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(octets.clone()).or_default();
        // At zero nobody is refused: the share is at least one.
        if *count >= max {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Guest(Some((self, octets))))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let Some((networks, octets)) = self.0.take() else { return };
        let mut counts = networks.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&octets) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&octets);
            }
        }
    }
}

/// What tells it from other networks. Personal data: never written down.
pub fn octets(network: Network) -> Vec<u8> {
    match network {
        Network::V4(octets) => octets.to_vec(),
        Network::V6(octets) => octets.to_vec(),
        Network::V6Site(octets) => octets.to_vec(),
    }
}

#[cfg(test)]
mod tests;
