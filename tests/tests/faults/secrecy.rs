//! **no-plaintext**: after a day of everything that can happen, nothing on any disk tells a code, a number or a key.

use serde_json::Value;
use serde_json::json;
use tiffin_core::host;
use tiffin_shared::http::internal;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::collector::Collector;
use tiffin_tests::sim_swap::checked;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

use crate::common;
use crate::common::Ordered;
use crate::common::parcel;
use crate::forged_jobs;
use crate::scan;
use crate::scan::Secrets;

#[tokio::test]
#[ignore = "starts its own Redis and RabbitMQ: make test"]
async fn no_code_number_or_key_is_in_any_log_store_or_queue() -> anyhow::Result<()> {
    // As talkative as it can be: whoever looks for a fault must not find a code.
    let traces = tempfile::tempdir()?;
    let collector = Collector::start(&traces.path().join("otlp.json")).await?;
    let log = [("TIFFIN_LOG", "trace"), ("TIFFIN_TELEMETRY_OTLP_URL", &collector.url)];
    let mut stack = Stack::launch(Front::Edge, Backing::Own, &log, checked).await?;
    let mut secrets = Secrets { keys: [stack.keys.secret.clone()].into(), ..Secrets::default() };
    let orders = live_through_everything(&mut stack, &mut secrets).await?;

    let verified = verify_one(&stack, &collector, &mut secrets).await?;
    assert!(stack.core()?.log().contains("the SIM was checked"), "nobody was asked about SIMs");
    assert!(stack.core()?.log().contains("TRACE"), "the log is not as talkative as it was asked to be");
    stack.core = None;
    stack.edge = None;
    stack.sandbox = None;
    for server in [&mut stack.rabbitmq, &mut stack.redis].into_iter().flatten() {
        server.stop();
    }
    // What is searched has what it should have: each of these knows the orders.
    for part in ["core.log", "edge/ledgers", "rabbitmq/data", "redis"] {
        let path = stack.dir().join(part);
        let files = if path.is_dir() { scan::files(&path)? } else { vec![path] };
        let contents = files.iter().map(std::fs::read).collect::<Result<Vec<_>, _>>()?;
        let knows = |order: &Ordered| contents.iter().any(|content| scan::holds(content, &order.id));
        assert!(orders.iter().all(knows), "{part} does not know the orders");
    }
    let (codes, phones) = (secrets.codes.len(), secrets.phones.len());
    assert!(codes >= 20 && phones >= 24, "{codes} codes, {phones} numbers");
    let mut found = secrets.search(stack.dir())?;
    // What left the installation: of the refused orders too, once the life of their codes is over; of the verified at once.
    let exported = std::fs::read(traces.path().join("otlp.json"))?;
    assert!(scan::holds(&exported, &verified), "no trace was exported");
    found.extend(secrets.search(traces.path())?);
    assert!(found.is_empty(), "{found:#?}");
    println!(
        "{codes} codes, {phones} numbers, 1 key in {} files: none found",
        scan::files(stack.dir())?.len()
    );
    Ok(())
}

/// Orders that went well. Every code and number is noted.
async fn live_through_everything(stack: &mut Stack, secrets: &mut Secrets) -> anyhow::Result<Vec<Ordered>> {
    let client = stack.client.clone();
    let mut orders = common::order_many(&client, 10).await?;
    for order in &orders {
        client.code(&order.phone).await?;
        // Guesses go through the front door too.
        client.guess(&order.id, "000000").await?;
    }
    common::script_fault(&client, &json!({"mode": "http_500", "for_ms": 1_000})).await?;
    orders.extend(common::order_many(&client, 3).await?);
    for order in &orders {
        client.code(&order.phone).await?;
    }
    client.fault("reject").await?;
    let refused = common::order_many(&client, 3).await?;
    for order in &refused {
        client.until_state(&order.id, "failed").await?;
    }
    client.fault("ok").await?;
    secrets.phones.insert(dead_letter(stack).await?);
    secrets.codes.insert(forged_jobs::CODE.into());
    stack.core()?.stop();
    orders.extend(common::order_many(&client, 6).await?);
    bad_requests(stack, secrets).await?;
    stack.start_core("ingest,deliver,callbacks").await?;
    secrets.codes.extend(common::arrive_exactly_once(&client, &orders).await?);
    secrets.phones.extend(orders.iter().chain(&refused).map(|order| order.phone.clone()));
    Ok(orders)
}

/// An order that ends at once, and whose trace is exported therefore. Its id.
async fn verify_one(stack: &Stack, collector: &Collector, secrets: &mut Secrets) -> anyhow::Result<String> {
    let (client, phone) = (&stack.client, fresh_phone());
    let id = client.order(&phone).await?;
    let code = client.code(&phone).await?;
    anyhow::ensure!(client.guess(&id, &code).await? == "verified");
    let look = || std::future::ready(Ok(collector.requests()));
    let has = |requests: &Vec<String>| requests.iter().any(|request| request.contains(&id));
    tiffin_tests::wait::until("an exported trace", look, has).await?;
    secrets.codes.insert(code);
    secrets.phones.insert(phone);
    Ok(id)
}

/// A job that no worker can work on. Its number.
async fn dead_letter(stack: &mut Stack) -> anyhow::Result<String> {
    let phone = fresh_phone();
    let job = forged_jobs::job_for(stack, &phone, "gone")?;
    let key = forged_jobs::edge_key(stack)?;
    let request = internal::parcel(&parcel(&job)?, &key, &host::entropy()?, host::now())?;
    anyhow::ensure!(forged_jobs::post(stack, &stack.client.core, &request).await?.status == 202);
    let log = || std::future::ready(stack.core().map(|core| core.log()));
    tiffin_tests::wait::until("a dead job", log, |log| log.contains("it is kept as dead")).await?;
    Ok(phone)
}

/// Refusals must not repeat what they refuse into a log: malformed bodies, a replay, an order by the wrong key.
async fn bad_requests(stack: &Stack, secrets: &mut Secrets) -> anyhow::Result<()> {
    let (client, phone, key) = (&stack.client, fresh_phone(), fresh_key());
    secrets.phones.insert(phone.clone());
    // A code of the caller's own, in a field that this server does not know.
    secrets.codes.insert("161803".into());
    let mut unknown: Value = login(&phone);
    unknown["pin"] = json!("161803");
    for body in [&unknown, &login(&phone), &login(&phone), &json!({"to": {"phone": &phone}, "service": "x"})]
    {
        client.create(&key, body).await?;
    }
    let wrong = format!("sk_{}", "wrong".repeat(8));
    secrets.keys.insert(wrong.clone());
    anyhow::ensure!(client.with_key(&wrong).create(&key, &login(&phone)).await?.status == 401);
    Ok(())
}
