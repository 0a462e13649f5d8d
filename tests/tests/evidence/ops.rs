//! `/ops/v1/orders/{id}/uploads`: what support adds, and what is not taken.

use reqwest::Method;
use tiffin_core::evidence::upload::IMAGE_BYTES_MAX;
use tiffin_shared::bytes;
use tiffin_shared::evidence::UPLOADS_MAX;
use tiffin_tests::client::Reply;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

use crate::PIXEL;
use crate::delivered;
use crate::ops;

const JSON: &str = "application/json";

async fn upload(stack: &Stack, id: &str, query: &str, body: Vec<u8>) -> anyhow::Result<Reply> {
    ops(stack, Method::POST, &format!("orders/{id}/uploads{query}"), JSON, body).await
}

#[tokio::test]
async fn support_adds_pictures_and_messages_and_nothing_else() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Standalone, Backing::Memory).await?;
    let id = delivered(&stack).await?;
    let added = upload(&stack, &id, "?note=The+user%27s+phone", PIXEL.to_vec()).await?;
    assert_eq!((added.status, &added.body["media"]), (200, &"image/png".into()), "{added:?}");
    assert_eq!(added.body["sha256"], bytes::encode(&bytes::sha256(&PIXEL)));
    // The same again is the same.
    assert_eq!(upload(&stack, &id, "", PIXEL.to_vec()).await?.status, 200);
    let text = "Nothing came to +919812345678, nor 482913. <script>alert(1)</script>";
    assert_eq!(upload(&stack, &id, "", text.into()).await?.status, 200);

    let path = format!("orders/{id}/evidence");
    let packet = ops(&stack, Method::GET, &path, JSON, Vec::new()).await?;
    let uploads = packet.body["evidence"]["uploads"].as_array().expect("a list").clone();
    assert_eq!(uploads.len(), 2, "{uploads:?}");
    assert_eq!(uploads[0]["note"], "The user's phone");
    assert!(uploads.iter().all(|upload| upload["by"].is_string()), "who added it: {uploads:?}");
    let kept = uploads[1]["text"].as_str().unwrap_or_default();
    assert_eq!(kept, "Nothing came to +919•••••5678, nor 000000. <script>alert(1)</script>");
    let page = ops(&stack, Method::GET, &path, "text/html", Vec::new()).await?;
    assert!(page.text.contains("data:image/png;base64,iVBORw0KGgo"), "no picture");
    assert!(page.text.contains("&lt;script&gt;alert(1)") && !page.text.contains("<script"), "not escaped");

    let cases = [
        ("a program", b"\x7fELF\x02\x01\x01\0\0\0".to_vec(), 415),
        ("nothing", Vec::new(), 415),
        ("a PDF", b"%PDF-1.7\n\xe2\xe3\xcf\xd3".to_vec(), 415),
        ("a large picture", [PIXEL.to_vec(), vec![0; IMAGE_BYTES_MAX + 1 - PIXEL.len()]].concat(), 413),
        ("a long message", vec![b'x'; 9_000], 413),
    ];
    for (name, body, status) in cases {
        let refused = upload(&stack, &id, "", body).await?;
        assert_eq!(refused.status, status, "{name}: {refused:?}");
        assert!(refused.code().is_some(), "{name}: {refused:?}");
    }
    let long = format!("?note={}", "x".repeat(301));
    assert_eq!(upload(&stack, &id, &long, PIXEL.to_vec()).await?.status, 400);
    let nobody = format!("ord_{}", bytes::encode(&[9; 32]));
    assert_eq!(upload(&stack, &nobody, "", PIXEL.to_vec()).await?.status, 404);
    for n in 2..UPLOADS_MAX {
        assert_eq!(upload(&stack, &id, "", format!("message {n}").into()).await?.status, 200);
    }
    let full = upload(&stack, &id, "", b"one more".to_vec()).await?;
    assert_eq!((full.status, full.code()), (413, Some("body_too_large")), "{full:?}");
    Ok(())
}

#[tokio::test]
async fn without_the_operators_token_nobody_gets_or_adds_anything() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Standalone, Backing::Memory).await?;
    let id = delivered(&stack).await?;
    for (method, path) in [(Method::GET, "evidence"), (Method::POST, "uploads")] {
        let url = format!("{}/ops/v1/orders/{id}/{path}", stack.client.core);
        let key = format!("Bearer {}", stack.client.key);
        let refused = stack.client.raw(method, url, &[("authorization", &key)], PIXEL.to_vec()).await?;
        assert_eq!(refused.status, 401, "{refused:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_upload_is_removed_and_who_did_it_stays() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Standalone, Backing::Memory).await?;
    let id = delivered(&stack).await?;
    for text in ["The wrong user's letter.", "The right one."] {
        assert_eq!(upload(&stack, &id, "?note=by+post", text.into()).await?.status, 200);
    }
    let environment = [("TIFFIN_OPS_URL", stack.client.core.as_str()), ("TIFFIN_OPERATOR", "asha")];
    let (went, said) = stack.run_with(&["order", "evidence", &id, "--remove-upload", "1"], &environment)?;
    assert!(went && said.contains("upload 1 of"), "{said}");
    let path = format!("orders/{id}/evidence");
    let packet = ops(&stack, Method::GET, &path, JSON, Vec::new()).await?;
    let uploads = &packet.body["evidence"]["uploads"];
    assert_eq!(
        (&uploads[0]["removed"]["by"], &uploads[1]["text"]),
        (&"asha".into(), &"The right one.".into())
    );
    for gone in ["text", "note", "sha256"] {
        assert!(uploads[0].get(gone).is_none() && uploads[1].get(gone).is_some(), "{gone}: {uploads}");
    }
    let page = ops(&stack, Method::GET, &path, "text/html", Vec::new()).await?;
    assert!(page.text.contains("Removed by asha") && !page.text.contains("wrong user"), "{page:?}");
    let none = ops(&stack, Method::DELETE, &format!("orders/{id}/uploads/7"), JSON, Vec::new()).await?;
    assert_eq!(none.status, 404, "{none:?}");
    let audit = ops(&stack, Method::GET, "audit", JSON, Vec::new()).await?;
    for what in [format!("evidence.add {id}"), format!("evidence.remove {id}/1")] {
        assert!(audit.text.contains(&what), "{what}: {audit:?}");
    }
    assert!(!audit.text.contains("letter"), "{audit:?}");
    Ok(())
}
