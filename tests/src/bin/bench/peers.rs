//! Both sides of a comparison: the edge and the floor under workerd, and a core that takes everything.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use axum::Router;
use axum::http::StatusCode;
use tiffin_tests::client::Client;
use tiffin_tests::edge;
use tiffin_tests::keys::Variables;
use tiffin_tests::process::Process;
use tiffin_tests::wait;

/// The least that keeps something.
pub const FLOOR: &str = include_str!("floor.js");

/// workerd with one worker.
pub struct Worker {
    /// Where it listens.
    pub port: u16,
    /// Its process.
    pub process: Process,
}

impl Worker {
    /// The edge itself, or a module in its place; ready.
    pub async fn start(dir: &Path, variables: &Variables, module: Option<&str>) -> anyhow::Result<Self> {
        let port = wait::free_ports(1)?;
        let own = dir.join(format!("worker-{port}"));
        std::fs::create_dir_all(&own)?;
        let process = match module {
            None => edge::start(&own, port, variables)?,
            Some(module) => edge::start_behind(&own, port, variables, module)?,
        };
        first_answer(port).await?;
        Ok(Self { port, process })
    }
}

/// Looks until it answers.
pub async fn first_answer(port: u16) -> anyhow::Result<()> {
    let at = format!("http://127.0.0.1:{port}");
    let client = Client::new(at.clone(), at.clone(), at.clone(), String::new())?;
    let look = || client.raw(reqwest::Method::GET, format!("{at}/readyz"), &[], Vec::new());
    let pause = Duration::from_millis(1);
    let deadline = Instant::now() + wait::DEADLINE;
    loop {
        match look().await {
            Ok(reply) if reply.status == 200 => return Ok(()),
            seen if Instant::now() > deadline => anyhow::bail!("no answer: {seen:?}"),
            _ => tokio::time::sleep(pause).await,
        }
    }
}

/// Answers every hand-over with 202, and counts them.
pub struct Core {
    /// Where it listens.
    pub port: u16,
    taken: Arc<AtomicUsize>,
}

impl Core {
    /// In this process, until it ends.
    pub async fn start() -> anyhow::Result<Self> {
        let taken = Arc::new(AtomicUsize::new(0));
        let count = taken.clone();
        let take = move || {
            count.fetch_add(1, Ordering::Relaxed);
            std::future::ready(StatusCode::ACCEPTED)
        };
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(take)).await });
        Ok(Self { port, taken })
    }

    /// Waits until as many hand-overs were taken in all.
    pub async fn until_taken(&self, count: usize) -> anyhow::Result<()> {
        let look = async || Ok(self.taken.load(Ordering::Relaxed));
        wait::until("every hand-over", look, |taken| *taken >= count).await.map(drop)
    }
}
