//! A site (IPv6 /48) has 65,536 networks, and is not as many clients.

use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Front;

use crate::caller;
use crate::caller::Caller;
use crate::caller::ip_header;

/// What a site may order without a challenge: ten times a network's.
const SITE_ORDERS: usize = 30;

async fn new_networks_of_one_site_share_its_limit(front: Front) -> anyhow::Result<()> {
    let stack = caller::start(front).await?;
    let mut accepted = 0;
    for n in 0..SITE_ORDERS + 6 {
        let app = Caller::app(&stack, front).with(ip_header(front), &format!("2001:db8:48:{n:x}::1"));
        match app.order(&fresh_phone()).await?.status {
            202 => accepted += 1,
            status => assert_eq!(status, 403, "a challenge, not a block"),
        }
    }
    // Ten a minute come back while the test runs.
    assert!((SITE_ORDERS..SITE_ORDERS + 4).contains(&accepted), "{accepted} were accepted");
    let elsewhere = Caller::app(&stack, front).with(ip_header(front), "2001:db8:49::1");
    assert_eq!(elsewhere.order(&fresh_phone()).await?.status, 202);
    Ok(())
}

#[tokio::test]
async fn new_networks_of_one_site_share_its_limit_at_the_wasm_edge() -> anyhow::Result<()> {
    new_networks_of_one_site_share_its_limit(Front::Edge).await
}

#[tokio::test]
async fn new_networks_of_one_site_share_its_limit_standalone() -> anyhow::Result<()> {
    new_networks_of_one_site_share_its_limit(Front::Standalone).await
}
