//! Jobs and events that edge and core did not sign, or signed for something else.

use anyhow::Context;
use lapin::BasicProperties;
use lapin::Connection;
use lapin::ConnectionProperties;
use lapin::options::BasicPublishOptions;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use reqwest::Method;
use tiffin_core::host;
use tiffin_shared::envelope::Envelope;
use tiffin_shared::http::internal;
use tiffin_shared::http::internal::Outgoing;
use tiffin_shared::id::KeyId;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::ServiceId;
use tiffin_shared::keys::Signing;
use tiffin_shared::seal::Sealer;
use tiffin_shared::sign::SKEW_MS_MAX;
use tiffin_shared::wire::api::OrderState;
use tiffin_shared::wire::event::OrderEvent;
use tiffin_shared::wire::job::Header;
use tiffin_shared::wire::job::Job;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::jobs;
use tiffin_tests::keys::Variables;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::common;
use crate::common::parcel;

/// The code in every job made here.
pub const CODE: &str = "271828";

/// Sealed for this stack's workers, as the edge would.
pub fn job(stack: &Stack, phone: &str) -> anyhow::Result<Job> {
    job_for(stack, phone, "login")
}

/// The same for any service.
pub fn job_for(stack: &Stack, phone: &str, service: &str) -> anyhow::Result<Job> {
    let header = Header { service: ServiceId::parse(service)?, ..jobs::header(host::now())? };
    let edge = stack.keys.config(&Variables::new())?.edge()?;
    let sealer = Sealer::new(edge.seal_to.current(), &host::entropy()?)?;
    jobs::seal(&sealer, &header, &jobs::private(phone, CODE)?)
}

/// The edge's own key.
pub fn edge_key(stack: &Stack) -> anyhow::Result<Signing> {
    Ok(stack.keys.config(&Variables::new())?.edge()?.signing.current().clone())
}

/// Has the genuine key's name, and is another.
fn strange_key() -> anyhow::Result<Signing> {
    Ok(Signing::new(&KeyId::parse("k1")?, host::random()?))
}

/// Posts a signed request to `host`.
pub async fn post(stack: &Stack, host: &str, request: &Outgoing) -> anyhow::Result<Reply> {
    let headers: Vec<_> = request.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let url = format!("{host}{}", request.path);
    stack.client.raw(Method::POST, url, &headers, request.body.clone().into_bytes()).await
}

fn unsigned(mut request: Outgoing) -> Outgoing {
    request.headers.retain(|(name, _)| *name == "content-type");
    request
}

/// Another body under the same signature, which still parses.
fn changed(mut request: Outgoing) -> Outgoing {
    request.body.push(' ');
    request
}

#[tokio::test]
async fn ingest_takes_a_job_of_the_edge_once_and_no_other() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Edge, Backing::Memory).await?;
    let (key, now) = (edge_key(&stack)?, host::now());
    let (old, early) = (now.minus(SKEW_MS_MAX + 5_000), now.plus(SKEW_MS_MAX + 5_000));
    let mut phones = Vec::new();
    let mut make = |key: &Signing, at| {
        phones.push(fresh_phone());
        let job = job(&stack, phones.last().map_or("", String::as_str))?;
        anyhow::Ok(internal::parcel(&parcel(&job)?, key, &host::entropy()?, at)?)
    };
    let mut inner = make(&strange_key()?, now)?;
    let outer = make(&key, now)?;
    // A stranger's envelope cannot borrow the signature of another request.
    inner.headers.clone_from(&outer.headers);
    let forged = [
        ("unsigned", unsigned(make(&key, now)?)),
        ("a stranger's key", make(&strange_key()?, now)?),
        ("a key of an unknown name", make(&Signing::new(&KeyId::parse("k9")?, host::random()?), now)?),
        ("stale", make(&key, old)?),
        ("from the future", make(&key, early)?),
        ("a changed body", changed(make(&key, now)?)),
        ("a borrowed signature", inner),
    ];
    let genuine = make(&key, now)?;
    for (what, request) in &forged {
        let reply = post(&stack, &stack.client.core, request).await?;
        assert_eq!((reply.status, reply.code()), (401, Some("unauthenticated")), "{what}");
    }
    assert_eq!(post(&stack, &stack.client.core, &genuine).await?.status, 202);
    let replayed = post(&stack, &stack.client.core, &genuine).await?;
    assert_eq!((replayed.status, replayed.code()), (401, Some("unauthenticated")));

    let phone = phones.pop().context("the genuine job's phone")?;
    assert_eq!(stack.client.code(&phone).await?, CODE);
    let order = common::order(&stack.client).await?;
    common::arrive_exactly_once(&stack.client, &[order]).await?;
    assert_eq!(stack.client.inbox(&phone).await?.len(), 1);
    for phone in &phones {
        assert!(stack.client.inbox(phone).await?.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn the_edge_takes_events_of_core_alone() -> anyhow::Result<()> {
    let mut stack = Stack::start(Front::Edge, Backing::Memory).await?;
    stack.core()?.stop();
    let order = common::order(&stack.client).await?;
    let cores = stack.keys.config(&Variables::new())?.core_keys(false)?.signing;
    let (key, now) = (cores.current(), host::now());
    let event = OrderEvent {
        order: OrderId::parse(&order.id)?,
        seq: 1,
        dispatch: 0,
        state: OrderState::Failed,
        reason: None,
        attempts: Vec::new(),
        next: None,
        cost: None,
    };
    let events = [event];
    let sign = |key: &Signing, at| anyhow::Ok(internal::events(&events, key, &host::entropy()?, at)?.0);
    // The edge's own job, sent back to it: signed by a key it knows, in the other direction.
    let own =
        internal::parcel(&parcel(&job(&stack, &order.phone)?)?, &edge_key(&stack)?, &host::entropy()?, now)?;
    let forged = [
        ("unsigned", unsigned(sign(key, now)?)),
        ("a stranger's key", sign(&strange_key()?, now)?),
        ("the edge's key", sign(&edge_key(&stack)?, now)?),
        ("stale", sign(key, now.minus(SKEW_MS_MAX + 5_000))?),
        ("a changed body", changed(sign(key, now)?)),
        ("reflected", Outgoing { path: internal::EVENTS_PATH, ..own }),
    ];
    for (what, request) in &forged {
        let reply = post(&stack, &stack.client.edge, request).await?;
        assert_eq!((reply.status, reply.code()), (401, Some("unauthenticated")), "{what}");
        assert_eq!(common::state(&stack.client, &order).await?, "accepted", "{what}");
    }
    assert_eq!(post(&stack, &stack.client.edge, &sign(key, now)?).await?.status, 200);
    assert_eq!(common::state(&stack.client, &order).await?, "failed");
    Ok(())
}

#[tokio::test]
#[ignore = "needs Redis and RabbitMQ: make test"]
async fn a_forged_job_in_the_queue_is_dead_once_and_holds_nothing_up() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Edge, Backing::Shared).await?;
    let prefix = stack.variable("TIFFIN_BUS_PREFIX")?;
    let connection =
        Connection::connect(stack.variable("AMQP_URL")?, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let (stranger, phone) = (Signing::new(&KeyId::parse("k9")?, host::random()?), fresh_phone());
    let bodies = [
        serde_json::to_vec(&Envelope::sign(&job(&stack, &phone)?, None, &stranger))?,
        serde_json::to_vec(&Envelope::sign(&job(&stack, &phone)?, None, &strange_key()?))?,
        b"not even JSON".to_vec(),
    ];
    for body in &bodies {
        let (exchange, options) = (format!("{prefix}.jobs"), BasicPublishOptions::default());
        let properties = BasicProperties::default();
        channel.basic_publish(exchange.into(), "0".into(), options, body, properties).await?;
    }
    let dead = format!("{prefix}.dead");
    let count = || async {
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue = channel.queue_declare(dead.clone().into(), options, FieldTable::default()).await?;
        anyhow::Ok(queue.message_count())
    };
    wait::until("dead jobs", count, |count| *count >= 3).await?;
    let orders = common::order_many(&stack.client, 4).await?;
    common::arrive_exactly_once(&stack.client, &orders).await?;
    assert_eq!(count().await?, 3);
    assert!(stack.client.inbox(&phone).await?.is_empty());
    Ok(())
}
