//! An installation whose public API answers: standalone, core's own port may answer a moment earlier.

use reqwest::Method;
use tiffin_tests::client::Client;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

/// Starts everything, and returns when callers can be served.
pub async fn start(front: Front, backing: Backing) -> anyhow::Result<Stack> {
    start_with(front, backing, &[]).await
}

/// With more in core's environment.
pub async fn start_with(front: Front, backing: Backing, more: &[(&str, &str)]) -> anyhow::Result<Stack> {
    let stack = Stack::start_with(front, backing, more).await?;
    wait::until("the public API", || health(&stack.client), |status| *status == 200).await?;
    Ok(stack)
}

async fn health(client: &Client) -> anyhow::Result<u16> {
    Ok(client.raw(Method::GET, format!("{}/healthz", client.edge), &[], Vec::new()).await?.status)
}
