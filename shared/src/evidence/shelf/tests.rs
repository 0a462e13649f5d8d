use super::*;

#[test]
fn what_an_upload_is_follows_from_its_bytes() {
    let cases: [(&[u8], Option<Media>); 9] = [
        (b"\x89PNG\r\n\x1a\n....", Some(Media::Png)),
        (b"\xff\xd8\xff\xe0....", Some(Media::Jpeg)),
        (b"RIFF\x10\0\0\0WEBPVP8 ", Some(Media::Webp)),
        ("The user says: nothing came.\n\tनमस्ते".as_bytes(), Some(Media::Text)),
        (b"GIF89a", Some(Media::Text)),
        (b"%PDF-1.7\n\xe2\xe3\xcf\xd3", None),
        (b"MZ\x90\0\x03\0\0\0", None),
        (b"", None),
        (b"RIFF\x10\0\0\0WAVE", None),
    ];
    for (bytes, media) in cases {
        assert_eq!(Media::of(bytes), media, "{bytes:?}");
    }
}

#[test]
fn an_upload_that_was_removed_leaves_who_did_it_and_room_for_another() {
    let upload = |n: u8| Upload {
        at: UnixMs(1),
        media: Media::Text,
        by: Some("asha".into()),
        sha256: Some(Bytes([n; 32])),
        bytes: 6,
        note: Some("told by phone".into()),
        content: "secret".into(),
        removed: None,
    };
    let mut stored = None;
    let mut ask = |command: &Command| {
        let step = Shelf::step(stored.clone(), command, UnixMs(9));
        if let Write::Put { state, .. } = step.write {
            stored = Some(state);
        }
        (step.reply, serde_json::to_string(&stored).unwrap())
    };
    let keep =
        |n: u8| Command::Keep { id: Bytes([n; 16]), to: None, item: Box::new(Item::Upload(upload(n))) };
    assert!(!ask(&Command::Remove { n: 1, by: "ben".into() }).0.is_kept, "there is nothing yet");
    for n in 1..=UPLOADS_MAX {
        assert!(ask(&keep(u8::try_from(n).unwrap())).0.is_kept);
    }
    assert!(!ask(&keep(100)).0.is_kept);
    for by in ["ben", "someone else"] {
        let (kept, _) = ask(&Command::Remove { n: 2, by: by.into() });
        let Some(Item::Upload(second)) = kept.items.get(1) else { panic!("{kept:?}") };
        assert_eq!(second.removed, Some(Removed { at: UnixMs(9), by: "ben".into() }));
        assert!(kept.is_kept && second.content.is_empty() && second.note.is_none(), "{second:?}");
        assert_eq!((second.sha256, second.by.as_deref()), (None, Some("asha")));
    }
    assert!(!ask(&Command::Remove { n: 7, by: "ben".into() }).0.is_kept);
    let (kept, text) = ask(&keep(2));
    assert!(kept.is_kept && kept.items.len() == UPLOADS_MAX + 1, "it may be added again: {text}");
    assert!(!ask(&keep(101)).0.is_kept, "and no seventh one");
}

#[test]
fn a_shelf_that_is_full_keeps_what_it_has_and_says_so() {
    let receipt = |n: usize| Received {
        at: UnixMs(n as u64),
        fate: "delivered".into(),
        code: None,
        scheme: "x".into(),
        is_proven: true,
        headers: Vec::new(),
        body: None,
        provider_time: None,
    };
    let mut stored = None;
    for n in 0..RECEIPTS_MAX + 3 {
        let id = Bytes([u8::try_from(n).unwrap(); 16]);
        let keep = Command::Keep { id, to: None, item: Box::new(Item::Receipt(receipt(n))) };
        for _ in 0..2 {
            let step = Shelf::step(stored.clone(), &keep, UnixMs(1));
            assert_eq!(step.reply.is_kept, n < RECEIPTS_MAX);
            if let Write::Put { state, .. } = step.write {
                stored = Some(state);
            }
        }
    }
    let kept = Shelf::step(stored, &Command::Look, UnixMs(2)).reply;
    assert_eq!((kept.items.len(), kept.is_full), (RECEIPTS_MAX, true));
    assert_eq!(kept.items.first(), Some(&Item::Receipt(receipt(0))));
}
