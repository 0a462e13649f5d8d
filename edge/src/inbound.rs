//! What comes in: who it comes from, its head, and as much of its body as is ever accepted.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::Either;
use futures_util::future::select;
use tiffin_shared::directory::snapshot::SNAPSHOT_BYTES_MAX;
use tiffin_shared::http;
use tiffin_shared::http::Peer;
use tiffin_shared::http::internal::DIRECTORY_PATH;
use tiffin_shared::problem::Problem;
use tiffin_shared::risk::Origin;
use worker::Delay;
use worker::Env;
use worker::Request;

use crate::settings::Settings;

/// How long a directory may take: it is up to a thousand times as long as what clients send, and comes from core alone.
const DIRECTORY_TIMEOUT: Duration = Duration::from_secs(30);
/// The binding of the platform's rate limiter.
const PREFILTER: &str = "PREFILTER";

/// Only what the platform writes, whatever a caller sends: it overwrites this header always, others only where it is
/// set up to.
pub fn peer(request: &Request, head: &http::Request) -> Peer {
    let country = request.cf().and_then(worker::Cf::country);
    Peer {
        ip: head.header("cf-connecting-ip").and_then(|ip| ip.parse().ok()),
        origin: country.map(|code| Origin::parse(&code)),
    }
}

/// A cheap shield in front of the Durable Objects, where the platform offers one. It counts per place and lets more
/// through than it says, so it is never the limit; without it, or when it fails, the limits behind it do the work.
pub async fn flooded(env: &Env, settings: &Settings, peer: Peer) -> bool {
    let (Some(ip), Ok(limiter)) = (peer.ip, env.rate_limiter(PREFILTER)) else { return false };
    let key = settings.edge.front.index.visitor(ip).to_string();
    limiter.limit(key).await.is_ok_and(|outcome| !outcome.success)
}

/// The request without its body.
pub fn head(request: &Request) -> http::Request {
    // By hand: the URL library brings a hundred kilobytes of tables for names in other scripts.
    let url = request.inner().url();
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let query = query.split('#').next().unwrap_or_default().to_owned();
    http::Request {
        // Not the crate's own word: to it every method that it does not know is a GET.
        method: request.inner().method(),
        path: http::resolved(&request.path()),
        query,
        headers: request.headers().entries().collect(),
        body: Vec::new(),
    }
}

/// The body: whole, or one byte more than is ever accepted. In time, or it is refused.
pub async fn body(request: Request, head: &http::Request) -> Result<Vec<u8>, Problem> {
    let is_directory = head.path == DIRECTORY_PATH;
    let timeout = if is_directory { DIRECTORY_TIMEOUT } else { Duration::from_millis(http::BODY_MS_MAX) };
    let read = std::pin::pin!(read(request, head, is_directory));
    match select(read, Delay::from(timeout)).await {
        Either::Left((Ok(body), _)) => Ok(body),
        // Who sent it is gone, or takes too long.
        Either::Left((Err(_), _)) | Either::Right(_) => Err(http::incomplete()),
    }
}

async fn read(mut request: Request, head: &http::Request, is_directory: bool) -> worker::Result<Vec<u8>> {
    let body_bytes_max = if is_directory { SNAPSHOT_BYTES_MAX } else { http::body_bytes_max(&head.path) };
    // Callers are held to the length they announce.
    let announced = head.header("content-length").and_then(|length| length.parse::<usize>().ok());
    if announced.is_some_and(|length| length <= body_bytes_max) {
        return request.bytes().await;
    }
    let mut body = Vec::new();
    if request.inner().body().is_some() {
        let mut stream = request.stream()?;
        while let Some(chunk) = stream.next().await {
            let room = (body_bytes_max + 1).saturating_sub(body.len());
            body.extend(chunk?.into_iter().take(room));
            if body.len() > body_bytes_max {
                break;
            }
        }
    }
    Ok(body)
}
