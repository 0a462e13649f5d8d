//! Runs a process: listeners, workers, sweep; and stops it in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use sd_notify::NotifyState;
use tokio::net::TcpListener;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::App;
use crate::app::Role;
use crate::config::Config;
use crate::deliver;
use crate::fleet;
use crate::gateways::account::Account;
use crate::gateways::codes;
use crate::gateways::smpp;
use crate::gateways::smtp;
use crate::guard;
use crate::http;
use crate::http::server::HEAD_TIMEOUT;
use crate::http::server::Limits;
use crate::metrics;
use crate::metrics::Limit;
use crate::publish;
use crate::reports;
use crate::routes;
use crate::sandbox;
use crate::series;
use crate::sessions;
use crate::standalone;
use crate::sweep;
use crate::tallies;
use crate::telemetry;
use crate::webhooks;

/// How long work under way may take after a request to stop. What is left stays in the queue.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(15);

/// How long the last counts and reports may take after that.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// Serves `roles` until SIGTERM or Ctrl-C.
pub async fn serve(config: Config, roles: &[Role], with_sandbox: bool) -> anyhow::Result<()> {
    let app = App::start(config, roles).await?;
    let server = &app.config.file.server;
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();

    let limited = |router, limit| {
        let requests = Arc::new(Semaphore::new(usize::from(server.requests_max)));
        app.metrics.watch(limit, &requests);
        let router = http::overload::limited(router, requests);
        metrics::measured(router, app.clone(), limit == Limit::PublicRequests)
    };
    // Every address is bound before any answers: who sees one of them up can use them all.
    let core = bind(server.listen).await?;
    let public = if roles.contains(&Role::Public) { Some(bind(server.public_listen).await?) } else { None };
    let inbox = if with_sandbox { Some(sandbox_listeners(&app.config).await?) } else { None };
    let limits = |faces_clients| Limits {
        connections_max: server.connections_max,
        faces_clients,
        head_timeout: HEAD_TIMEOUT,
    };
    // Core's own callers are the edge and the providers' proxies: few addresses, many connections each.
    listen(
        &mut tasks,
        core,
        limited(http::router(app.clone(), roles), Limit::CoreRequests),
        limits(false),
        stopped.clone(),
    );
    tracing::info!(listen = %server.listen, store = app.store.kind(), bus = app.bus.kind(), ?roles, "core is up");
    if app.store.kind() == "memory" || app.bus.kind() == "memory" {
        tracing::warn!("store or bus is in memory: what they hold ends with this process");
    }
    if let Some(listener) = public {
        let limits = limits(server.client_ip_header.is_none());
        listen(
            &mut tasks,
            listener,
            limited(standalone::router(app.clone()), Limit::PublicRequests),
            limits,
            stopped.clone(),
        );
        tracing::info!(listen = %server.public_listen, "the public API is up");
    }
    if let Some((listener, ports)) = inbox {
        tasks.spawn(sandbox::serve(listener, ports, sandbox_cast(&app.config), wait(stopped.clone())));
        tracing::info!(listen = %app.config.file.sandbox.listen, "the sandbox is up");
    }
    work(&app, roles, &mut tasks, &stopped).await;
    notify(NotifyState::Ready);

    // It tells of what ends while the others stop.
    let mut reporting = tokio::spawn(reports::run(app.clone()));

    let by_itself = || Err(anyhow::anyhow!("a part of the process ended by itself; see the log above"));
    let ended = tokio::select! {
        asked = asked_to_stop() => asked.map_err(anyhow::Error::from),
        // A process that lost a part of itself is better gone: whoever runs it starts a whole one.
        _ = tasks.join_next() => by_itself(),
        _ = &mut reporting => by_itself(),
    };
    notify(NotifyState::Stopping);
    tracing::info!("stopping: finishing what is under way");
    stop.send_replace(true);
    if timeout(DRAIN_TIMEOUT, drain(tasks)).await.is_err() {
        tracing::warn!("not everything finished in time; the queue still has it");
    }
    settle(&app).await;
    ended
}

/// Everything that a process does besides answering requests.
async fn work(
    app: &Arc<App>,
    roles: &[Role],
    tasks: &mut JoinSet<std::io::Result<()>>,
    stopped: &watch::Receiver<bool>,
) {
    if roles.contains(&Role::Deliver) {
        sessions::start(app);
        tasks.spawn(ok(deliver::run(app.clone(), stopped.clone())));
        tasks.spawn(ok(fleet::run(app.clone(), stopped.clone())));
    }
    tasks.spawn(ok(routes::run(app.clone(), stopped.clone())));
    tasks.spawn(ok(codes::run(app.clone(), stopped.clone())));
    webhooks::load(app).await;
    tasks.spawn(ok(webhooks::run(app.clone(), stopped.clone())));
    tasks.spawn(ok(sweep::run(app.clone(), stopped.clone())));
    tasks.spawn(ok(guard::run(app.clone(), stopped.clone())));
    tasks.spawn(ok(tallies::run(app.clone(), stopped.clone())));
    tasks.spawn(ok(series::run(app.clone(), stopped.clone())));
    tasks.spawn(ok(telemetry::run(app.clone(), stopped.clone())));
    if roles.contains(&Role::Ops) {
        tasks.spawn(ok(metrics::run(app.clone(), stopped.clone())));
    }
    // Where this process serves the public API, there is no edge to push to.
    let pushes = roles.contains(&Role::Ingest) && !roles.contains(&Role::Public);
    tasks.spawn(ok(publish::run(app.clone(), pushes, stopped.clone())));
}

/// What is left to do after the last message.
async fn settle(app: &Arc<App>) {
    // Its answer came by them.
    sessions::close(app).await;
    let counts = async {
        tokio::join!(guard::flush(app), routes::flush(app), series::flush(app), tallies::flush(app))
    };
    let (counted, told, exported) = tokio::join!(
        timeout(FLUSH_TIMEOUT, counts),
        timeout(FLUSH_TIMEOUT, reports::flush(app)),
        timeout(FLUSH_TIMEOUT, telemetry::flush(app)),
    );
    if exported.is_err() {
        tracing::warn!("the last spans were not exported");
    }
    if counted.is_err() {
        tracing::warn!("the last counts of orders are lost");
    }
    if told.is_err() {
        tracing::warn!("the edge was not told everything; another process will tell it");
    }
}

/// Serves the sandbox alone.
pub async fn sandbox(config: Config) -> anyhow::Result<()> {
    let listen_at = config.file.sandbox.listen;
    let (listener, ports) = sandbox_listeners(&config).await?;
    tracing::info!(listen = %listen_at, "the sandbox is up");
    let stop = async {
        asked_to_stop().await.ok();
    };
    Ok(sandbox::serve(listener, ports, sandbox_cast(&config), stop).await?)
}

/// The sandbox's port for HTTP, and each other one only where a gateway speaks its protocol.
async fn sandbox_listeners(config: &Config) -> anyhow::Result<(TcpListener, sandbox::Ports)> {
    let listener = bind(config.file.sandbox.listen).await?;
    let mut ports = sandbox::Ports::default();
    let has = |kind: &str| config.file.gateways.iter().any(|account| account.kind.name == kind);
    if has(smpp::KIND.name) {
        ports.smpp = Some(bind(config.file.sandbox.smpp_listen).await?);
        tracing::info!(listen = %config.file.sandbox.smpp_listen, "the sandbox's SMSC is up");
    }
    if has(smtp::KIND.name) {
        ports.smtp = Some(bind(config.file.sandbox.smtp_listen).await?);
        tracing::info!(listen = %config.file.sandbox.smtp_listen, "the sandbox's mail server is up");
    }
    Ok((listener, ports))
}

/// The sandbox plays the provider of every configured account whose secrets are known, and the SIM Swap service where it is to.
fn sandbox_cast(config: &Config) -> sandbox::Cast {
    let account = |account: &Account| {
        let variable = |name: &str| config.environment.get(name);
        sandbox::Account::new(account.clone(), &config.file.server.public_url, variable).ok()
    };
    let sim_swap = config.file.sim_swap.as_ref().filter(|settings| settings.is_sandboxed());
    let sim_swap = sim_swap.and_then(|settings| {
        let secret = settings.secret(&config.environment).ok()?;
        Some(sandbox::SimSwapClient { id: settings.client_id.clone(), secret })
    });
    sandbox::Cast { accounts: config.file.gateways.iter().filter_map(account).collect(), sim_swap }
}

fn listen(
    tasks: &mut JoinSet<std::io::Result<()>>,
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stopped: watch::Receiver<bool>,
) {
    tasks.spawn(http::server::serve(listener, router.layer(CatchPanicLayer::new()), limits, stopped));
}

async fn bind(at: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(at).await;
    listener.with_context(|| format!("cannot listen on {at}: is another process there?"))
}

/// Tells systemd, where it asked to be told: who starts the next process waits for this one.
fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "systemd was not told");
    }
}

async fn asked_to_stop() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

async fn wait(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone, and with it the process.
    stopped.wait_for(|stopped| *stopped).await.ok();
}

async fn ok(work: impl Future<Output = ()>) -> std::io::Result<()> {
    work.await;
    Ok(())
}

async fn drain(mut tasks: JoinSet<std::io::Result<()>>) {
    while tasks.join_next().await.is_some() {}
}
