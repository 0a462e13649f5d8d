//! What is kept for evidence, in memory and in Redis.

use std::collections::BTreeMap;

use tiffin_core::store::Key;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::evidence::Command;
use tiffin_shared::evidence::Exchange;
use tiffin_shared::evidence::Item;
use tiffin_shared::evidence::Media;
use tiffin_shared::evidence::Received;
use tiffin_shared::evidence::Request;
use tiffin_shared::evidence::Shelf;
use tiffin_shared::evidence::Upload;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::time::UnixMs;

use crate::SEED;
use crate::hosts::Hosts;
use crate::script::Script;

const COMMANDS: u64 = 3_000;
const SHELVES: u64 = 12;

fn item(which: u64, now: UnixMs) -> Item {
    match which {
        0 => Item::Exchange(Exchange {
            purpose: "send".into(),
            began_at: now,
            ended_at: now.plus(90),
            request: Request { line: "POST https://x/y".into(), auth: None, headers: Vec::new(), body: None },
            reply: None,
            failure: Some("no answer".into()),
        }),
        1 => Item::Receipt(Received {
            at: now,
            fate: "delivered".into(),
            code: None,
            scheme: "signed".into(),
            is_proven: true,
            headers: Vec::new(),
            body: None,
            provider_time: None,
        }),
        _ => Item::Upload(Upload {
            at: now,
            media: Media::Text,
            by: Some("asha".into()),
            sha256: Some(Bytes([1; 32])),
            bytes: 2,
            note: None,
            content: "no".into(),
            removed: None,
        }),
    }
}

#[tokio::test]
#[ignore = "needs Redis: make test"]
async fn memory_and_redis_keep_exhibits_alike() -> anyhow::Result<()> {
    let hosts = Hosts::without_object().await?;
    let mut script = Script::new(SEED);
    let mut now = script.tick();
    let mut seen = BTreeMap::<&str, usize>::new();
    for step in 0..COMMANDS {
        now = now.plus(script.below(1_000));
        let shelf = script.below(SHELVES);
        let order = OrderId::new([u8::try_from(shelf / 2)?; 16], LedgerId::new([7; 16]));
        let key = Key::exhibits(&order, u32::try_from(shelf % 2)?);
        let (id, which, to) = (script.below(60), script.below(3), script.below(3) == 0);
        let command = match script.below(200) {
            0 => Command::Forget,
            1..30 => Command::Look,
            _ => Command::Keep {
                id: Bytes(u128::from(id).to_be_bytes()),
                to: to.then(|| "+91••••••3210".into()),
                item: Box::new(item(which, now)),
            },
        };
        let memory = hosts.memory.apply::<Shelf>(&key, &command, now).await?;
        let redis = hosts.redis.apply::<Shelf>(&key, &command, now).await?;
        assert_eq!(memory, redis, "step {step}, seed {SEED}");
        let is_keep = matches!(command, Command::Keep { .. });
        let came_to = match (is_keep, memory.is_kept, memory.items.is_empty()) {
            (true, true, _) => "kept",
            (true, false, false) => "full",
            (true, false, true) => "refused after an erasure",
            (false, _, true) => "empty",
            (false, _, false) => "shown",
        };
        *seen.entry(came_to).or_default() += 1;
    }
    println!("{COMMANDS} commands on two hosts, 0 differences: {seen:?}");
    assert_eq!(seen.len(), 5, "the script reached only {seen:?}");
    Ok(())
}
