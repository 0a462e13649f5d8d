//! Many tenants, one phone: the installation as a whole sends no more than its ceiling; and tenants do not mix.

use tiffin_shared::directory::KeyKind;
use tiffin_tests::client::fresh_key;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::client::login;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::wait;

use crate::caller::ACCEPTED;
use crate::caller::CHALLENGED;
use crate::caller::fresh_ip;
use crate::caller::ip_header;
use crate::caller::told;
use crate::fleet;
use crate::fleet::Key;
use crate::quotas::retry_after_s;
use crate::solver::solve;

/// Tenants, each of which may send three messages at once.
const TENANTS: usize = 6;
/// What each of them sends them for.
const SERVICES: [&str; 3] = ["login", "signup", "reset"];
/// Messages an hour to one phone, over all tenants.
const CEILING: usize = 14;
/// Of which one tenant has three quarters, rounded down.
const OF_ONE_TENANT: usize = 10;
/// Limits of a tenant that would use up the ceiling.
const GREEDY: &str =
    "limits = { bucket = { capacity = 20, refill_ms = 1000 }, hourly = { max = 20, window_ms = 3600000 } }";

async fn fourteen_messages_an_hour_over_all_tenants(stack: &Stack, keys: &[Key]) -> anyhow::Result<()> {
    let (phone, mut accepted, mut refused) = (fresh_phone(), 0, Vec::new());
    for service in SERVICES {
        for key in keys.iter().filter(|key| key.entry.kind == KeyKind::Secret) {
            // One order a service: a newer one of the same would end the older before it is sent.
            let mut body = login(&phone);
            body["service"] = service.into();
            let reply = key.caller(stack).create(&fresh_key(), &body).await?;
            if told(&reply) == ACCEPTED {
                accepted += 1;
            } else {
                refused.push(reply);
            }
        }
    }
    assert_eq!((accepted, refused.len()), (CEILING, 3 * TENANTS - CEILING));
    for reply in &refused {
        assert_eq!(told(reply), (429, Some("rate_limited")), "{reply:?}");
        let wait_s = retry_after_s(reply)?;
        assert!((3_500..=3_600).contains(&wait_s), "an hour after the first: {wait_s}");
        assert_eq!(reply.header("ratelimit"), None);
    }
    let look = || stack.client.inbox(&phone);
    let messages = wait::until("messages", look, |messages| messages.len() >= CEILING).await?;
    assert_eq!(messages.len(), CEILING);
    assert_eq!(told(&keys[0].caller(stack).order(&fresh_phone()).await?), ACCEPTED, "another phone");
    Ok(())
}

/// Whatever one tenant sends, its neighbours have a part of the ceiling.
async fn one_tenant_locks_no_phone_for_the_others(stack: &Stack, keys: &[Key]) -> anyhow::Result<()> {
    let [greedy, other] = [keys[0].caller(stack), keys[1].caller(stack)];
    let phone = fresh_phone();
    for _ in 0..OF_ONE_TENANT {
        assert_eq!(told(&greedy.order(&phone).await?), ACCEPTED);
    }
    let refused = greedy.order(&phone).await?;
    assert_eq!(told(&refused), (429, Some("rate_limited")), "{refused:?}");
    assert_eq!(told(&other.order(&phone).await?), ACCEPTED, "another tenant");
    Ok(())
}

/// A challenge of one tenant, solved, opens nothing at another, nor does an order or its code.
async fn nothing_of_one_tenant_opens_another(
    stack: &Stack,
    front: Front,
    keys: &[Key],
) -> anyhow::Result<()> {
    let apps: Vec<_> = keys.iter().filter(|key| key.entry.kind == KeyKind::Publishable).collect();
    let ip = fresh_ip();
    let [one, other] = [apps[0], apps[1]].map(|key| key.caller(stack).with(ip_header(front), &ip));
    for _ in 0..3 {
        assert_eq!(told(&one.order(&fresh_phone()).await?), ACCEPTED);
    }
    let phone = fresh_phone();
    let refused = one.order(&phone).await?;
    assert_eq!(told(&refused), CHALLENGED);
    let answer = solve(&refused).await?.answer;
    assert_eq!(told(&other.order_solved(&phone, &answer).await?), CHALLENGED);
    let order = one.order_solved(&phone, &answer).await?;
    assert_eq!(told(&order), ACCEPTED);
    let (id, code) = (order.id()?, stack.client.code(&phone).await?);
    assert_eq!(told(&other.fetch(&id).await?), (404, Some("not_found")));
    assert_eq!(other.verify(&id, &code).await?.body["result"], "not_verified");
    assert_eq!(one.verify(&id, &code).await?.body["result"], "verified");
    Ok(())
}

async fn tenants(front: Front) -> anyhow::Result<()> {
    let names: Vec<_> = (0..TENANTS).map(|at| format!("shop-{at}")).collect();
    let more = |name: &String| {
        let services = SERVICES[1..].iter();
        let services =
            services.map(|service| format!("[tenants.{name}.services.{service}]\nbrand = \"Shop\"\n"));
        let greedy = if *name == names[0] { GREEDY } else { "" };
        fleet::tenant(name, &format!("countries = \"all\"\n{greedy}")) + &services.collect::<String>()
    };
    let lines: String = names.iter().map(more).collect();
    let mut keys = Vec::new();
    for name in &names {
        keys.push(Key::of(name, KeyKind::Secret)?);
    }
    for name in &names[..2] {
        keys.push(Key::of(name, KeyKind::Publishable)?);
    }
    let stack = fleet::start(front, &lines, &keys).await?;
    fourteen_messages_an_hour_over_all_tenants(&stack, &keys).await?;
    one_tenant_locks_no_phone_for_the_others(&stack, &keys).await?;
    nothing_of_one_tenant_opens_another(&stack, front, &keys).await
}

#[tokio::test]
async fn one_phone_gets_fourteen_an_hour_over_all_tenants_at_the_wasm_edge() -> anyhow::Result<()> {
    tenants(Front::Edge).await
}

#[tokio::test]
async fn one_phone_gets_fourteen_an_hour_over_all_tenants_standalone() -> anyhow::Result<()> {
    tenants(Front::Standalone).await
}
