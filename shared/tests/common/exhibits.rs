//! Things to keep for an order's evidence.

use tiffin_shared::bytes::Bytes;
use tiffin_shared::evidence::Command;
use tiffin_shared::evidence::Exchange;
use tiffin_shared::evidence::Item;
use tiffin_shared::evidence::Media;
use tiffin_shared::evidence::Received;
use tiffin_shared::evidence::Request;
use tiffin_shared::evidence::Told;
use tiffin_shared::evidence::Upload;
use tiffin_shared::time::UnixMs;

/// 0 looks, 255 forgets; the others keep something of each kind, some of them under one id.
pub fn command(which: u8, now: UnixMs) -> Command {
    let item = match which {
        0 => return Command::Look,
        255 => return Command::Forget,
        1..=8 => Item::Exchange(Exchange {
            purpose: "send".into(),
            began_at: now,
            ended_at: now.plus(90),
            request: Request { line: "POST https://x/y".into(), auth: None, headers: Vec::new(), body: None },
            reply: Some(Told { status: "201".into(), headers: Vec::new(), body: None, date: None }),
            failure: None,
        }),
        9..=16 => Item::Receipt(Received {
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
    };
    Command::Keep {
        id: Bytes([which; 16]), to: Some("+91••••••3210".into()), item: Box::new(item)
    }
}
