//! Wake-ups in Redis, under writers that lose the race: early ones are set again, none is lost.

use tiffin_core::store::Key;
use tiffin_core::store::Space;
use tiffin_core::store::Store;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::ServiceId;
use tiffin_shared::id::TenantId;
use tiffin_shared::order::Ask;
use tiffin_shared::order::Command;
use tiffin_shared::order::Order;
use tiffin_shared::order::Receipt;
use tiffin_shared::order::Terms;
use tiffin_shared::risk::Factors;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;
use tiffin_shared::wire::job::Header;

use crate::hosts::Hosts;
use crate::script::START;

const ORDERS: u8 = 100;

fn order(n: u8) -> OrderId {
    OrderId::new([n; 16], LedgerId::new([n; 16]))
}

async fn apply(store: &Store, n: u8, ask: Ask, entropy: u8, now: UnixMs) -> anyhow::Result<()> {
    let command = Command { entropy: Entropy::new([entropy; 32]), ask };
    store.apply::<Order>(&Key::order(&order(n)), &command, now).await?;
    Ok(())
}

fn claim(n: u8) -> anyhow::Result<Ask> {
    let header = Header {
        v: 1,
        order: order(n),
        tenant: TenantId::parse("dev")?,
        service: ServiceId::parse("login")?,
        channel: Channel::Sms,
        then: Vec::new(),
        created_at: START,
        expires_at: START.plus(300 * SECOND_MS),
        country: None,
        prefix: None,
        supersedes: Vec::new(),
        request: None,
        factors: Factors::default(),
        tier: None,
        is_deliver_only: false,
        max_price_micros: None,
        sms_segments: None,
        trace: None,
        to_masked: None,
        client_ref: None,
    };
    let offers = vec![crate::script::offer("twilio-sms", 0)];
    Ok(Ask::Claim {
        taken_at: None,
        token: Bytes([n; 16]),
        header: Box::new(header),
        dispatch: None,
        offers,
        terms: Terms::default(),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs Redis: make test"]
async fn a_wake_up_survives_writers_that_lose_and_rings_too_early() -> anyhow::Result<()> {
    let hosts = Hosts::without_object().await?;
    for n in 0..ORDERS {
        apply(&hosts.redis, n, claim(n)?, 1, START).await?;
        // The same receipt to two processes at once, with randomness and clocks of their own.
        let gateway = crate::script::offer("twilio-sms", 0).way.gateway;
        let receipt = || {
            let (gateway, provider_id) = (gateway.clone(), "SM1".into());
            Ask::Receipt { gateway, n: 1, provider_id, receipt: Receipt::Sent, cost: None }
        };
        let (one, two) = tokio::join!(
            apply(&hosts.redis, n, receipt(), 2, START.plus(1)),
            apply(&hosts.redis_too, n, receipt(), 3, START.plus(900)),
        );
        one.and(two)?;
    }
    // Sweeps through the time in which leases end, and in which what the losers left behind rings too early.
    let mut rang = 0;
    for step in 0..20 {
        let now = START.plus(5_000 + 200 * step);
        for due in hosts.redis.due(Space::Order, now, 1_000).await? {
            let command = Command { entropy: Entropy::new([4; 32]), ask: Ask::Tick };
            hosts.redis.apply::<Order>(&due.key, &command, now).await?;
            hosts.redis.rest(&due).await?;
            rang += 1;
        }
    }
    assert!(rang > 0, "no sweep rang for anybody");
    let left = hosts.redis.due(Space::Order, START.plus(HOUR_MS), 1_000).await?;
    assert_eq!(left.len(), usize::from(ORDERS), "orders that nobody would wake any more");
    Ok(())
}
