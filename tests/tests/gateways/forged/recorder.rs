//! Takes the providers' callbacks in core's place, so that they can be posted to it later, as they came or changed.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::Uri;
use tiffin_tests::wait;
use tokio::net::TcpListener;

use super::post::Post;

/// What a provider does not send of itself.
const OF_THE_CONNECTION: [&str; 5] = ["accept", "content-length", "host", "user-agent", "transfer-encoding"];

type Posts = Arc<Mutex<Vec<Post>>>;

/// Listens, until the test ends.
pub struct Recorder {
    /// What core is told is its own address.
    pub url: String,
    posts: Posts,
}

impl Recorder {
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let posts = Posts::default();
        let router = Router::new().fallback(record).with_state(Arc::clone(&posts));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, posts })
    }

    /// Waits until so many callbacks of a gateway are there. All of them, as they came.
    pub async fn of(&self, gateway: &str, count: usize) -> anyhow::Result<Vec<Post>> {
        let of_gateway = |post: &&Post| post.gateway() == Some(gateway);
        let look = || async {
            let posts = self.posts.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(posts.iter().filter(of_gateway).cloned().collect::<Vec<_>>())
        };
        let posts = wait::until("callbacks", look, |posts: &Vec<Post>| posts.len() >= count).await;
        posts.with_context(|| format!("{gateway}: {count} callbacks"))
    }
}

async fn record(State(posts): State<Posts>, uri: Uri, headers: HeaderMap, body: Bytes) {
    let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value)));
    let headers = headers.filter(|(name, _)| !OF_THE_CONNECTION.contains(&name.as_str())).collect();
    let post = Post { path: uri.to_string(), headers, body: body.to_vec() };
    posts.lock().unwrap_or_else(PoisonError::into_inner).push(post);
}
