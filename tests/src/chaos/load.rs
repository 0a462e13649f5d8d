//! A steady load of orders, each handed over by itself.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio::time::interval;

use super::feeder::Feeder;
use super::feeder::Wish;
use crate::wait;

/// Every so manieth order is soon superseded by one of the same phone.
const SUPERSEDED_EVERY: u64 = 20;
/// Every so manieth lives for so long only: an outage may outlast it, and then it must not be sent.
const SHORT_EVERY: u64 = 10;
const SHORT_MS: u64 = 8_000;

/// Under way, until stopped.
pub struct Load {
    stop: watch::Sender<bool>,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Load {
    /// So many orders a second: most of them ordinary, some short-lived, some superseded.
    pub fn start(feeder: &Feeder, per_second: u32) -> Self {
        Self::run(feeder, per_second, true)
    }

    /// Ordinary ones only.
    pub fn ordinary(feeder: &Feeder, per_second: u32) -> Self {
        Self::run(feeder, per_second, false)
    }

    fn run(feeder: &Feeder, per_second: u32, is_mixed: bool) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let feeder = feeder.clone();
        let task = tokio::spawn(async move {
            let mut pace = interval(Duration::from_secs(1) / per_second);
            pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
            let mut under_way = JoinSet::new();
            for number in 0.. {
                tokio::select! {
                    _ = stopped.wait_for(|stop| *stop) => break,
                    _ = pace.tick() => {}
                }
                let feeder = feeder.clone();
                let number = if is_mixed { number } else { 0 };
                under_way.spawn(async move { order(&feeder, number).await });
                while under_way.try_join_next().is_some() {}
            }
            while let Some(handed_over) = under_way.join_next().await {
                handed_over??;
            }
            Ok(())
        });
        Self { stop, task }
    }

    /// Orders nothing more, and returns when everything ordered was handed over, or is over.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.stop.send_replace(true);
        tokio::time::timeout(wait::DEADLINE, self.task).await??
    }
}

async fn order(feeder: &Feeder, number: u64) -> anyhow::Result<()> {
    let ttl_ms = if number % SHORT_EVERY == 5 { SHORT_MS } else { Wish::default().ttl_ms };
    let ordered = feeder.order(&Wish { ttl_ms, ..Wish::default() }).await?;
    if number % SUPERSEDED_EVERY == 3 {
        let newer = Wish { phone: Some(ordered.phone), supersedes: Some(ordered.id), ..Wish::default() };
        feeder.order(&newer).await?;
    }
    Ok(())
}
