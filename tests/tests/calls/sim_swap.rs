//! A number whose SIM changed lately gets no code by text message, and by what else there is.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use tiffin_tests::client::Client;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::sim_swap::checked;
use tiffin_tests::sim_swap::checked_beside_whatsapp;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

/// `login` goes by text message and by WhatsApp, `text` by text message alone, `open` is not checked.
fn settings(toml: &str) -> String {
    let checked = checked_beside_whatsapp(toml);
    format!(
        "{checked}\n[tenants.dev.services.text]\nbrand = \"Tiffin\"\nchannels = [\"sms\"]\nsim_swap = true\n\
         [tenants.dev.services.open]\nbrand = \"Tiffin\"\nchannels = [\"sms\"]\n"
    )
}

async fn order(client: &Client, service: &str, phone: &str) -> anyhow::Result<String> {
    let body = json!({"to": {"phone": phone}, "service": service});
    let reply = client.create(&fresh_key(), &body).await?;
    anyhow::ensure!(reply.status == 202, "{reply:?}");
    reply.id()
}

/// By which channels it got messages.
async fn channels(client: &Client, phone: &str) -> anyhow::Result<Vec<Value>> {
    Ok(client.inbox(phone).await?.iter().map(|message| message["channel"].clone()).collect())
}

/// The channel of the first attempt: a message may be there before its order tells of it.
async fn first_channel(client: &Client, id: &str) -> anyhow::Result<Value> {
    let is_told = |reply: &Reply| reply.body["attempts"][0].is_object();
    let told = wait::until("an attempt", || client.fetch(id), is_told).await?;
    Ok(told.body["attempts"][0]["channel"].clone())
}

/// How often the service was asked about the number.
async fn checks(client: &Client, phone: &str) -> anyhow::Result<u64> {
    let url = format!("{}/calls/sim-swap?to={}", client.sandbox, phone.replace('+', "%2B"));
    let counted = client.raw(Method::GET, url, &[], Vec::new()).await?.body;
    Ok(counted["messages"][0]["received"].as_u64().unwrap_or_default())
}

/// An order that nothing is sent for, and why.
async fn fails(client: &Client, phone: &str, reason: &str) -> anyhow::Result<String> {
    let id = order(client, "text", phone).await?;
    let failed = client.until_state(&id, "failed").await?;
    assert_eq!((&failed["reason"], &failed["attempts"]), (&json!(reason), &json!([])), "{failed}");
    assert_eq!(channels(client, phone).await?, Vec::<Value>::new());
    Ok(id)
}

async fn a_swapped_sim_gets_no_text_message(front: Front) -> anyhow::Result<()> {
    // As talkative as it can be.
    let more = [("TIFFIN_LOG", "trace")];
    let mut stack = Stack::launch(front, Backing::Memory, &more, settings).await?;
    let client = stack.client.clone();
    let phones: Vec<String> = (0..6).map(|_| fresh_phone()).collect();

    let unchanged = order(&client, "login", &phones[0]).await?;
    let code = client.code(&phones[0]).await?;
    assert_eq!(client.guess(&unchanged, &code).await?, "verified");
    assert_eq!(channels(&client, &phones[0]).await?, ["sms"]);

    client.fault_of("sim-swap", "reject").await?;
    let swapped = order(&client, "login", &phones[1]).await?;
    let code = client.code(&phones[1]).await?;
    assert_eq!(channels(&client, &phones[1]).await?, ["whatsapp"]);
    assert_eq!(first_channel(&client, &swapped).await?, "whatsapp");
    assert_eq!(client.guess(&swapped, &code).await?, "verified");

    let failed = fails(&client, &phones[2], "sim_swapped").await?;
    let at = [("TIFFIN_OPS_URL", client.core.as_str())];
    let (is_well, told) = stack.run_with(&["order", "show", &failed], &at)?;
    assert!(is_well && told.contains("asked about its SIM: it changed lately"), "{told}");
    let (_, told) = stack.run_with(&["order", "evidence", &failed], &at)?;
    assert!(told.contains("sim_checked") && told.contains("sim_swapped"), "{told}");

    client.fault_of("sim-swap", "timeout").await?;
    let failed = fails(&client, &phones[3], "sim_unknown").await?;
    let (_, told) = stack.run_with(&["order", "show", &failed], &at)?;
    assert!(told.contains("asked about its SIM: unknown: no answer in time"), "{told}");
    let by_other = order(&client, "login", &phones[4]).await?;
    client.code(&phones[4]).await?;
    assert_eq!(first_channel(&client, &by_other).await?, "whatsapp");
    order(&client, "open", &phones[5]).await?;
    client.code(&phones[5]).await?;
    assert_eq!(channels(&client, &phones[5]).await?, ["sms"], "nobody was asked");

    for (phone, count) in phones.iter().zip([1, 1, 1, 1, 1, 0]) {
        assert_eq!(checks(&client, phone).await?, count, "{phone}");
    }
    let log = stack.core()?.log();
    assert!(
        log.contains("TRACE") && log.contains("the SIM was checked"),
        "it is not as talkative as it was asked"
    );
    for phone in &phones {
        assert!(!log.contains(phone.trim_start_matches('+')), "the log tells {phone}");
    }
    Ok(())
}

#[tokio::test]
async fn a_swapped_sim_gets_no_text_message_from_the_wasm_edge() -> anyhow::Result<()> {
    a_swapped_sim_gets_no_text_message(Front::Edge).await
}

#[tokio::test]
async fn a_swapped_sim_gets_no_text_message_standalone() -> anyhow::Result<()> {
    a_swapped_sim_gets_no_text_message(Front::Standalone).await
}

#[tokio::test]
async fn where_it_is_settled_so_a_service_that_hangs_holds_nothing_up() -> anyhow::Result<()> {
    let more = [("TIFFIN_SIM_SWAP_WHEN_UNKNOWN", "send")];
    let stack = Stack::launch(Front::Standalone, Backing::Memory, &more, settings).await?;
    let (client, phone) = (&stack.client, fresh_phone());
    client.fault_of("sim-swap", "timeout").await?;
    order(client, "text", &phone).await?;
    client.code(&phone).await?;
    assert_eq!(channels(client, &phone).await?, ["sms"]);
    // What is known counts all the same.
    client.fault_of("sim-swap", "reject").await?;
    fails(client, &fresh_phone(), "sim_swapped").await?;
    Ok(())
}

#[tokio::test]
async fn high_risk_is_checked_without_being_asked_to() -> anyhow::Result<()> {
    let voice = "\n[[gateways]]\nname = \"twilio-voice\"\nkind = \"twilio_voice\"\nsandbox = true\n\
                 account_sid = \"AC00000000000000000000000000000001\"\nfrom = \"+15005550006\"\n\
                 [tenants.dev.services.safe]\nbrand = \"Tiffin\"\nrisk = \"high\"\nchannels = [\"voice\"]\n";
    let edit = |toml: &str| format!("{}{voice}", checked(toml));
    let stack = Stack::start_with_settings(Front::Standalone, Backing::Memory, edit).await?;
    let (client, phone) = (&stack.client, fresh_phone());
    order(client, "safe", &phone).await?;
    wait::until("a call", || channels(client, &phone), |channels| *channels == ["voice"]).await?;
    assert_eq!(checks(client, &phone).await?, 1);
    client.fault_of("sim-swap", "reject").await?;
    let id = order(client, "safe", &fresh_phone()).await?;
    assert_eq!(client.until_state(&id, "failed").await?["reason"], "sim_swapped");
    Ok(())
}

#[tokio::test]
async fn the_credentials_are_tried_before_anybody_orders() -> anyhow::Result<()> {
    let stack = Stack::start_with_settings(Front::Standalone, Backing::Memory, settings).await?;
    let (is_well, said) = stack.run(&["check-config", "--live"])?;
    assert!(is_well && said.contains("sim_swap: a token is granted for sim-swap:check"), "{said}");
    let wrong = [("TIFFIN_SIM_SWAP_CLIENT_SECRET", "wrong-secret")];
    let (is_well, said) = stack.run_with(&["check-config", "--live"], &wrong)?;
    assert!(!is_well && said.contains("sim_swap cannot be used: no token is granted"), "{said}");
    assert!(!said.contains("wrong-secret"), "{said}");
    Ok(())
}
