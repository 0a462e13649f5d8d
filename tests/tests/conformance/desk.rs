//! What operators set, and escalations, in memory and in Redis.

use tiffin_core::store::Key;
use tiffin_shared::admin;
use tiffin_shared::admin::Admin;
use tiffin_shared::admin::By;
use tiffin_shared::admin::Change;
use tiffin_shared::admin::RouteSettings;
use tiffin_shared::admin::Wish;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::escalation;
use tiffin_shared::escalation::Act;
use tiffin_shared::escalation::Escalations;
use tiffin_shared::escalation::Kind;
use tiffin_shared::escalation::Opening;
use tiffin_shared::escalation::Rule;
use tiffin_shared::id::GatewayId;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::time::DAY_MS;

use crate::SEED;
use crate::hosts::Hosts;
use crate::script::Script;

const COMMANDS: u64 = 1_000;

#[tokio::test]
#[ignore = "needs Redis: make test"]
async fn memory_and_redis_keep_what_operators_set_alike() -> anyhow::Result<()> {
    let hosts = Hosts::without_object().await?;
    let mut script = Script::new(SEED);
    let (mut now, mut seen) = (script.tick(), 0);
    for step in 0..COMMANDS {
        now = now.plus(script.below(1_000));
        let gateway = GatewayId::parse(&format!("g{}", script.below(3)))?;
        let settings = RouteSettings { priority: Some(1), ..RouteSettings::default() };
        let change = Change::PutRoute(gateway, (script.below(3) > 0).then_some(settings));
        let by = By { name: "asha".into(), token: "t".into() };
        let expected = (script.below(2) == 0).then(|| script.below(seen + 2));
        let command = match script.below(4) {
            0 => admin::Command::Read,
            1 => admin::Command::Logged(seen),
            _ => {
                let seen = seen.saturating_sub(u64::from(script.below(9) == 0));
                admin::Command::Change { seen, wish: Box::new(Wish { by, change, expected }) }
            }
        };
        let memory = hosts.memory.apply::<Admin>(&Key::admin(), &command, now).await?;
        let redis = hosts.redis.apply::<Admin>(&Key::admin(), &command, now).await?;
        assert_eq!(memory, redis, "step {step}, seed {SEED}");
        if let admin::Reply::Settings(settings) = memory {
            seen = settings.version;
        }
    }
    assert!(seen > 20, "the script made only {seen} changes");
    Ok(())
}

#[tokio::test]
#[ignore = "needs Redis: make test"]
async fn memory_and_redis_keep_escalations_alike() -> anyhow::Result<()> {
    let hosts = Hosts::without_object().await?;
    let mut script = Script::new(SEED);
    let (mut now, mut most) = (script.tick(), 0);
    for step in 0..COMMANDS {
        now = now.plus(script.below(1_000));
        let by = "asha".to_owned();
        let rule = (script.below(2) == 0).then_some(Rule::Overdue);
        let order = u8::try_from(script.below(200))?;
        let opening = Opening {
            kind: Kind::Refund,
            rule,
            subject: format!("g{}", script.below(4)),
            tenant: None,
            gateway: None,
            orders: vec![OrderId::new([order; 16], LedgerId::new([7; 16]))],
            text: "nothing heard".into(),
            due_ms: DAY_MS,
            request: Bytes(u128::from(script.below(400)).to_be_bytes()),
        };
        let id = script.below(100);
        let command = match script.below(6) {
            0 => escalation::Command::List,
            1 => escalation::Command::Act { id, by, act: Act::Assign("ravi".into()) },
            2 => escalation::Command::Act { id, by, act: Act::Note("called".into()) },
            3 => escalation::Command::Act { id, by, act: Act::Resolve("done".into()) },
            _ => escalation::Command::Open { by, opening: Box::new(opening) },
        };
        let key = Key::escalations();
        let memory = hosts.memory.apply::<Escalations>(&key, &command, now).await?;
        let redis = hosts.redis.apply::<Escalations>(&key, &command, now).await?;
        assert_eq!(memory, redis, "step {step}, seed {SEED}");
        if let escalation::Reply::All(all) = memory {
            most = most.max(all.len());
        }
    }
    assert!(most > 20, "the script reached only {most}");
    Ok(())
}
