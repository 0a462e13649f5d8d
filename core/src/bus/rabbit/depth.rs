//! How full the queues are: each declared once more, passively, which takes nothing and waits for nobody.

use std::time::Duration;

use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use tokio::time::timeout;

use super::super::Depth;
use super::super::topology::DEAD_MESSAGES_MAX;
use super::super::topology::LADDER_S;
use super::super::topology::QUEUE_MESSAGES_MAX;
use super::Error;
use super::Rabbit;

/// For all of them: a millisecond each.
const LOOK_TIMEOUT: Duration = Duration::from_secs(4);

impl Rabbit {
    pub(in super::super) async fn depths(&self) -> Result<Vec<Depth>, Error> {
        timeout(LOOK_TIMEOUT, self.look_at_all()).await.map_err(|_| Error::Timeout)?
    }

    async fn look_at_all(&self) -> Result<Vec<Depth>, Error> {
        let partitions = || (0..self.partitions).map(|partition| self.names.partition(partition));
        let fresh = partitions().map(|[fresh, _]| fresh.name);
        let retry = partitions().map(|[_, retry]| retry.name);
        let later = LADDER_S.iter().map(|delay_s| self.names.later(*delay_s));
        let kinds: [(&str, Vec<String>, i64); 4] = [
            ("fresh", fresh.collect(), QUEUE_MESSAGES_MAX),
            ("retry", retry.collect(), QUEUE_MESSAGES_MAX),
            ("later", later.collect(), QUEUE_MESSAGES_MAX),
            ("dead", vec![self.names.dead()], DEAD_MESSAGES_MAX),
        ];
        let channel = self.consuming.channel().await?;
        let mut depths = Vec::new();
        for (queue, names, each_max) in kinds {
            let each_max = usize::try_from(each_max).unwrap_or(usize::MAX);
            let mut depth = Depth {
                queue,
                messages: 0,
                messages_max: each_max * names.len(),
                oldest_at: None,
                consumers_min: None,
            };
            for name in names {
                let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
                let state = channel.queue_declare(name.into(), options, FieldTable::default()).await?;
                // Those that are ready; what is at workers, the limits of the workers show.
                depth.messages += usize::try_from(state.message_count()).unwrap_or(usize::MAX);
                let consumers = usize::try_from(state.consumer_count()).unwrap_or(usize::MAX);
                if queue == "fresh" {
                    depth.consumers_min = Some(depth.consumers_min.unwrap_or(usize::MAX).min(consumers));
                }
            }
            depths.push(depth);
        }
        channel.close(200, "looked".into()).await.ok();
        Ok(depths)
    }
}
