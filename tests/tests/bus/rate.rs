//! How many publishes are confirmed a second. A figure, and a floor that only serial publishing misses.

use std::time::Instant;

use futures::StreamExt;
use futures::stream;
use tiffin_core::bus::Target;

use crate::common::Broker;
use crate::common::PARTITIONS;

const MESSAGES: u16 = 20_000;
const IN_FLIGHT: usize = 100;
/// One after the other, about 1,600 are confirmed on a quiet machine.
const FLOOR: f64 = 2_500.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs RabbitMQ: make test"]
async fn publishes_in_flight_do_not_wait_for_each_other() -> anyhow::Result<()> {
    let bus = Broker::shared().await?.bus().await?;
    let body = [b'x'; 700];
    let begun = Instant::now();
    let publishes = stream::iter(0..MESSAGES).map(|n| {
        let bus = &bus;
        async move { bus.publish(Target::Jobs { partition: n % PARTITIONS }, &n.to_string(), &body).await }
    });
    let refused = publishes.buffer_unordered(IN_FLIGHT).filter(|answer| std::future::ready(answer.is_err()));
    assert_eq!(refused.count().await, 0);
    let rate = f64::from(MESSAGES) / begun.elapsed().as_secs_f64();
    println!("{rate:.0} confirmed/s with {IN_FLIGHT} in flight");
    assert!(rate > FLOOR, "{rate:.0} a second");
    Ok(())
}
