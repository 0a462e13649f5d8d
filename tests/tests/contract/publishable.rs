//! A publishable key learns nothing but whether its guess was right.

use reqwest::header::HeaderMap;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

use crate::guesses::wrong_codes;

/// The headers but for the request's own.
fn common(reply: &Reply) -> HeaderMap {
    let mut headers = reply.headers.clone();
    // The last counts the caller's own requests down.
    for own in ["x-request-id", "date", "ratelimit"] {
        headers.remove(own);
    }
    headers
}

async fn a_publishable_key_cannot_tell_one_refusal_from_another(front: Front) -> anyhow::Result<()> {
    let stack = Stack::start(front, Backing::Memory).await?;
    let (secret, app) = (&stack.client, stack.client.with_key(&stack.keys.publishable));
    let phone = fresh_phone();
    let id = app.order(&phone).await?;
    let code = secret.code(&phone).await?;
    let unknown = format!("ord_{}", "A".repeat(43));
    let neighbour = format!("ord_{}{}", "A".repeat(21), &id[25..]);
    let mut refused = vec![
        ("an order never made", app.verify(&unknown, &code).await?),
        ("an order never made, of a known phone", app.verify(&neighbour, &code).await?),
    ];
    for wrong in wrong_codes(&code, 5) {
        refused.push(("a wrong code", app.verify(&id, &wrong).await?));
    }
    assert_eq!(secret.fetch(&id).await?.body["guesses_left"], 0, "wrong codes were not counted");
    refused.push(("a wrong code, locked", app.verify(&id, &wrong_codes(&code, 6)[5]).await?));
    refused.push(("the right code, locked", app.verify(&id, &code).await?));

    let newer = secret.order(&phone).await?;
    secret.until_state(&newer, "delivered").await?;
    let new_code = secret.code(&phone).await?;
    refused.push(("a superseded order", app.verify(&id, &code).await?));
    let verified = app.verify(&newer, &new_code).await?;
    assert_eq!((verified.status, verified.text.as_str()), (200, r#"{"result":"verified"}"#));
    assert_eq!(secret.fetch(&newer).await?.body["state"], "verified");
    refused.push(("the right code again", app.verify(&newer, &new_code).await?));

    let (_, first) = &refused[0];
    for (name, reply) in &refused {
        assert_eq!((reply.status, reply.text.as_str()), (200, r#"{"result":"not_verified"}"#), "{name}");
        assert_eq!(common(reply), common(first), "{name}");
    }
    assert_eq!(common(&verified).keys().collect::<Vec<_>>(), common(first).keys().collect::<Vec<_>>());
    Ok(())
}

#[tokio::test]
async fn a_publishable_key_cannot_tell_refusals_apart_at_the_wasm_edge() -> anyhow::Result<()> {
    a_publishable_key_cannot_tell_one_refusal_from_another(Front::Edge).await
}

#[tokio::test]
async fn a_publishable_key_cannot_tell_refusals_apart_standalone() -> anyhow::Result<()> {
    a_publishable_key_cannot_tell_one_refusal_from_another(Front::Standalone).await
}
