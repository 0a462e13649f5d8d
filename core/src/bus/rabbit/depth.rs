//! Counts what waits, by declaring every queue passively.

use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;

use super::Error;
use super::Rabbit;
use crate::bus::depth::Depth;

impl Rabbit {
    pub(in super::super) async fn depth(&self) -> Result<Depth, Error> {
        let channel = self.consuming.channel().await?;
        let mut depth = Depth::default();
        let own = (0..self.partitions).flat_map(|partition| self.names.partition(partition));
        for queue in own.chain(self.names.common()) {
            let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
            let declare = channel.queue_declare(queue.name.as_str().into(), options, FieldTable::default());
            let messages = u64::from(declare.await?.message_count());
            let is_dead = queue.name == self.names.dead();
            let sum = if is_dead { &mut depth.dead } else { &mut depth.messages };
            *sum = sum.saturating_add(messages);
        }
        // It is gone with its connection otherwise.
        channel.close(200, "counted".into()).await.ok();
        Ok(depth)
    }
}
