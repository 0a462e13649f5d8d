//! An address that a caller writes into its request moves no limit.

use tiffin_tests::client::fresh_phone;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

use crate::caller::Caller;
use crate::caller::PROXY;
use crate::caller::fresh_ip;
use crate::caller::ip_header;

/// Headers that one proxy or another writes; the host believes one at most.
const SPOOFED: [&str; 8] = [
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "forwarded",
    "true-client-ip",
    "x-client-ip",
    "x-forwarded-for",
    "x-real-ip",
    "x-cluster-client-ip",
];

/// Every order claims another address, in every header but the believed one. Still one network: three pass.
async fn claims_move_no_limit(app: &Caller, believed: Option<&str>) -> anyhow::Result<()> {
    let mut seen = Vec::new();
    for _ in 0..5 {
        let (ip, mut liar) = (fresh_ip(), app.clone());
        for name in SPOOFED.into_iter().filter(|name| Some(*name) != believed) {
            let value = if name == "forwarded" { format!("for={ip}") } else { ip.clone() };
            liar = liar.with(name, &value);
        }
        seen.push(liar.order(&fresh_phone()).await?.status);
    }
    assert_eq!(seen, [202, 202, 202, 403, 403], "believing {believed:?}");
    Ok(())
}

#[tokio::test]
async fn claims_of_an_address_move_no_limit_at_the_wasm_edge() -> anyhow::Result<()> {
    let front = Front::Edge;
    let stack = Stack::start(front, Backing::Memory).await?;
    claims_move_no_limit(&Caller::app(&stack, front), Some(ip_header(front))).await
}

#[tokio::test]
async fn claims_of_an_address_move_no_limit_standalone() -> anyhow::Result<()> {
    let front = Front::Standalone;
    // Nobody in front: the connection's address counts, whatever is claimed.
    let stack = Stack::start(front, Backing::Memory).await?;
    claims_move_no_limit(&Caller::new(&stack.client, &stack.keys.publishable), None).await?;
    // A proxy in front, which overwrites one header: only that one counts.
    let stack = Stack::start_with(front, Backing::Memory, &PROXY).await?;
    claims_move_no_limit(&Caller::app(&stack, front), Some(ip_header(front))).await?;
    // What is no address is no other address either: the connection's counts.
    let mut seen = Vec::new();
    for junk in ["", "unknown", "198.18.0.1, 198.18.0.2", "198.18.0.1:80", "fe80::1%eth0"] {
        let app = Caller::app(&stack, front).with(ip_header(front), junk);
        seen.push(app.order(&fresh_phone()).await?.status);
    }
    assert_eq!(seen, [202, 202, 202, 403, 403]);
    Ok(())
}
