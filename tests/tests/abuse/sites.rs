//! A site (IPv6 /48) has 65,536 networks, and is not as many clients.

use std::collections::BTreeSet;
use std::time::Instant;

use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Front;

use crate::caller;
use crate::caller::ACCEPTED;
use crate::caller::CHALLENGED;
use crate::caller::Caller;
use crate::caller::ip_header;
use crate::caller::told;

/// What a site may order without a challenge: ten times a network's.
const SITE_ORDERS: usize = 30;
/// How often a token of it comes back.
const SITE_REFILL_S: u64 = 6;
/// How often a refused network tries again.
const REPEATS: usize = 3;

async fn new_networks_of_one_site_share_its_limit(front: Front) -> anyhow::Result<()> {
    let stack = caller::start(front).await?;
    let mut refused = Vec::new();
    let (key, phone, begun) = (fresh_key(), fresh_phone(), Instant::now());
    let networks = SITE_ORDERS + 10;
    for n in 0..networks {
        let app = Caller::app(&stack, front).with(ip_header(front), &format!("2001:db8:48:{n:x}::1"));
        // What it asks first is of another kind, and counts apart.
        let preflight = app.post("/v1/preflight", Some(&fresh_key()), &login(&fresh_phone())).await?;
        assert_eq!(preflight.status, 200, "{preflight:?}");
        // One key for all of them: a request that moves from network to network is a new one to the site.
        let body = if n % 2 == 0 { login(&fresh_phone()) } else { login(&phone) };
        let key = if n % 2 == 0 { fresh_key() } else { key.clone() };
        if told(&app.create(&key, &body).await?) == CHALLENGED {
            refused.push((n, app, key, body));
        }
    }
    // Ten a minute come back while the test runs, and go to whoever comes next.
    let returned = |begun: Instant| usize::try_from(begun.elapsed().as_secs() / SITE_REFILL_S);
    let accepted = networks - refused.len();
    let most = SITE_ORDERS + returned(begun)?;
    assert!((SITE_ORDERS..=most).contains(&accepted), "{accepted} were accepted, and {most} are the most");
    let mut since = BTreeSet::new();
    for (n, app, key, body) in &refused {
        for _ in 0..REPEATS {
            for reply in [app.create(key, body).await?, app.order(&fresh_phone()).await?] {
                assert!([ACCEPTED, CHALLENGED].contains(&told(&reply)), "{n}: {reply:?}");
                if told(&reply) == ACCEPTED {
                    since.insert(n);
                }
            }
        }
    }
    let most = returned(begun)? + 1;
    assert!(since.len() <= most, "{since:?} of {} were let in later, and {most} are the most", refused.len());
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
