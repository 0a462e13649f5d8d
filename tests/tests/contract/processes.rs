//! Two processes of one installation, on one Redis: races between them end as races within one.

use tiffin_tests::client::Client;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

use crate::double_tap::taps_make_one_order_and_one_message;
use crate::guesses::REPETITIONS;
use crate::guesses::mixed_guesses_race;
use crate::guesses::right_guesses_race;
use crate::guesses::wrong_guesses_race;

/// A second process with the first one's keys, queues, store and sandbox.
async fn pair() -> anyhow::Result<([Stack; 2], [Client; 2])> {
    let prefix = format!("pair-{}", tiffin_tests::client::fresh_phone().trim_start_matches('+'));
    let names = [("TIFFIN_STORE_PREFIX", prefix.as_str()), ("TIFFIN_BUS_PREFIX", prefix.as_str())];
    let first = Stack::start_with(Front::Standalone, Backing::Shared, &names).await?;
    let servers = [("REDIS_URL", &first.redis), ("AMQP_URL", &first.rabbitmq)];
    let urls: Vec<_> =
        servers.into_iter().filter_map(|(name, own)| Some((name, own.as_ref()?.url()))).collect();
    let mut same: Vec<(&str, &str)> = names.to_vec();
    same.extend(urls.iter().map(|(name, url)| (*name, url.as_str())));
    same.extend(
        first.keys.core.iter().chain(&first.keys.edge).map(|(name, key)| (name.as_str(), key.as_str())),
    );
    same.push(("TIFFIN_GATEWAY_TWILIO_SMS_BASE_URL", &first.client.sandbox));
    same.push(("TIFFIN_GATEWAY_TWILIO_SMS_2_BASE_URL", &first.client.sandbox));
    let second = Stack::start_with(Front::Standalone, Backing::Shared, &same).await?;
    let (one, other) = (&first.client, &second.client);
    let beside = Client::new(other.edge.clone(), other.core.clone(), one.sandbox.clone(), one.key.clone())?;
    let clients = [first.client.clone(), beside];
    Ok(([first, second], clients))
}

#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn guesses_at_two_processes_count_five_and_succeed_once() -> anyhow::Result<()> {
    let (_stacks, clients) = pair().await?;
    for _ in 0..REPETITIONS {
        wrong_guesses_race(&clients).await?;
        right_guesses_race(&clients).await?;
        mixed_guesses_race(&clients).await?;
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn a_double_tap_on_two_processes_sends_once() -> anyhow::Result<()> {
    let (_stacks, clients) = pair().await?;
    for _ in 0..REPETITIONS {
        taps_make_one_order_and_one_message(&clients).await?;
    }
    Ok(())
}
