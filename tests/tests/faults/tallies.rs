//! What tenants with a quota have ordered: counted once by all processes together, and while the store is away.

use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use tiffin_core::app::App;
use tiffin_core::app::Role;
use tiffin_core::host;
use tiffin_core::http::ingest;
use tiffin_core::tallies;
use tiffin_core::tallies::Totals;
use tiffin_shared::envelope::Envelope;
use tiffin_shared::id::TenantId;
use tiffin_shared::keys::Signing;
use tiffin_shared::seal::Sealer;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;
use tiffin_shared::wire::job::Dispatch;
use tiffin_shared::wire::job::Job;
use tiffin_tests::jobs;
use tiffin_tests::keys;
use tiffin_tests::keys::Keys;
use tiffin_tests::keys::Variables;
use tiffin_tests::servers::Server;
use tiffin_tests::wait;

/// Core's processes and the edge that hands over to them.
struct Fleet {
    apps: Vec<Arc<App>>,
    edge: Signing,
    sealer: Sealer,
}

impl Fleet {
    async fn start(dir: &Path, redis: &Server) -> anyhow::Result<Self> {
        let settings = dir.join("settings.toml");
        let text = std::fs::read_to_string(keys::settings())?;
        let quota = "[tenants.dev]\norders_per_day = 1000";
        std::fs::write(&settings, text.replacen("[tenants.dev]", quota, 1))?;
        let keys = Keys::make_for(&settings, &dir.join("keys"))?;
        let config = || keys.config(&Variables::from([("REDIS_URL".to_owned(), redis.url())]));
        let apps = vec![
            App::start(config()?, &[Role::Ingest]).await?,
            App::start(config()?, &[Role::Ingest]).await?,
        ];
        let edge = config()?.edge()?;
        let sealer = Sealer::new(edge.seal_to.current(), &host::entropy()?)?;
        Ok(Self { apps, edge: edge.signing.current().clone(), sealer })
    }

    /// A job of an order of that time. Nobody opens it here.
    fn job(&self, created_at: UnixMs) -> anyhow::Result<Job> {
        jobs::seal(&self.sealer, &jobs::header(created_at)?, &jobs::private("+919876543210", "271828")?)
    }

    /// Hands over to each process in turn, and each of these twice.
    async fn hand_over(&self, job: &Job, dispatch: Option<&Dispatch>) -> anyhow::Result<()> {
        let envelope = Envelope::sign(job, dispatch, &self.edge);
        for app in self.apps.iter().chain(&self.apps) {
            ingest::accept(app, &envelope).await?;
        }
        Ok(())
    }

    async fn flush(&self) {
        for app in &self.apps {
            tallies::flush(app).await;
        }
    }

    /// What the last process would tell the edge.
    async fn told(&self) -> anyhow::Result<Option<u64>> {
        let app = self.apps.last().ok_or_else(|| anyhow::anyhow!("no process"))?;
        let mut totals = Totals::default();
        let ordered = totals.read(app, &app.directory.current().tenants).await;
        anyhow::ensure!(totals.is_whole(), "the tally was not read");
        Ok(ordered.get(&TenantId::parse("dev")?).map(|ordered| ordered.orders))
    }
}

#[tokio::test]
#[ignore = "needs Redis: make test"]
async fn an_order_counts_once_whoever_takes_its_job_and_however_often() -> anyhow::Result<()> {
    let dir = TempDir::with_prefix("tiffin-tallies-")?;
    let mut redis = Server::redis(&dir.path().join("redis")).await?;
    let fleet = Fleet::start(dir.path(), &redis).await?;
    assert_eq!(fleet.told().await?, None);
    for _ in 0..25 {
        let job = fleet.job(host::now())?;
        fleet.hand_over(&job, None).await?;
        fleet.hand_over(&job, Some(&Dispatch { n: 1, channel: Channel::Sms })).await?;
    }
    fleet.hand_over(&fleet.job(host::now().minus(DAY_MS))?, None).await?;
    fleet.flush().await;
    assert_eq!(fleet.told().await?, Some(20), "25 of 1,000, in steps of a hundredth");

    // What was counted waits for the store, and a job is not taken while nobody knows whether it was counted.
    for _ in 0..5 {
        fleet.hand_over(&fleet.job(host::now())?, None).await?;
    }
    redis.stop();
    let late = fleet.job(host::now())?;
    assert!(fleet.hand_over(&late, None).await.is_err());
    fleet.flush().await;
    assert!(fleet.told().await.is_err(), "the store is not away");
    redis.start().await?;
    let look = || async {
        fleet.flush().await;
        fleet.told().await
    };
    wait::until("the sums", look, |told| *told == Some(30)).await?;
    for _ in 0..9 {
        fleet.hand_over(&fleet.job(host::now())?, None).await?;
    }
    fleet.flush().await;
    assert_eq!(fleet.told().await?, Some(30), "39");
    fleet.hand_over(&late, None).await?;
    fleet.flush().await;
    assert_eq!(fleet.told().await?, Some(40));
    Ok(())
}
