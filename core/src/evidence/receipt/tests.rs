use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;

use super::*;

fn whose(byte: u8) -> Reference {
    Reference { order: OrderId::new([byte; 16], LedgerId::new([byte; 16])), n: 1 }
}

fn told(id: &str) -> Told {
    Told { attempt: None, provider_id: id.to_owned(), fate: Fate::Delivered, cost: None }
}

fn post(body: &str) -> Request {
    Request { method: "POST".into(), body: body.as_bytes().to_vec(), ..Request::default() }
}

/// What is kept of it, and the provider's time.
fn kept(body: &str, id: &str, told_in_all: usize) -> (String, Option<String>) {
    let (request, whose) = (post(body), whose(7));
    let Some(said) = said(&request, &told(id), &whose, told_in_all) else { return (String::new(), None) };
    let time = said.time();
    let text = match said {
        Said::Json(json) => json.to_string(),
        Said::Form(text) | Said::Lines(text) => text,
    };
    (text, time)
}

#[test]
fn a_receipt_in_a_batch_keeps_nothing_of_the_others() {
    let batch = r#"{"entry":[{"changes":[{"value":{"statuses":[
        {"id":"wamid.A","recipient_id":"447700900001","status":"delivered"},
        {"id":"wamid.B","recipient_id":"447700900002","status":"read"}],
        "messages":[{"id":"wamid.C","text":{"body":"what is this code?"}}]}}]},
        {"changes":[{"value":{"statuses":[{"id":"wamid.D","recipient_id":"447700900003"}]}}]}]}"#;
    let (text, _) = kept(batch, "wamid.B", 3);
    assert!(text.contains("wamid.B") && text.contains("447700900002"), "{text}");
    for other in ["wamid.A", "wamid.D", "447700900001", "447700900003"] {
        assert!(!text.contains(other), "{text}");
    }
    // One that names nobody, and one that cannot be taken apart, may be about anybody.
    assert_eq!(kept(r#"[{"to":"1"},{"to":"2"}]"#, "wamid.B", 2).0, "");
    assert_eq!(kept("id=1&to=2", "wamid.B", 2).0, "");
    assert_eq!(kept("id=1&to=2", "wamid.B", 1).0, "id=1&to=2");
}

#[test]
fn of_a_bounce_only_its_report_is_kept() {
    let mail = "From: MAILER-DAEMON@mx.example\r\nDate: Sun, 22 Nov 2026 00:35:22 +0000\r\n\
        Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\nContent-Type: message/delivery-status\r\n\r\n\
        Reporting-MTA: dns; mx.example\r\nFinal-Recipient: rfc822; asha@example.com\r\nAction: failed\r\n\
        Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user asha@example.com\r\n\r\n--x\r\n\
        Content-Type: message/rfc822\r\n\r\nSubject: 314159 is your code\r\n\r\n314159 is your code\r\n--x--\r\n";
    let (text, _) = kept(mail, "<tag@bounces.example>", 1);
    assert!(text.contains("Action: failed") && text.contains("Status: 5.1.1"), "{text}");
    for gone in ["314159", "Subject", "Final-Recipient"] {
        assert!(!text.contains(gone), "{text}");
    }
}

#[test]
fn the_provider_s_time_is_the_one_of_what_it_tells() {
    let now = host::now();
    let ms = now.0.to_string();
    let json =
        format!(r#"{{"sentAt":"2026-11-22T00:00:00Z","doneAt":"2026-11-22T00:00:09.123+0000","n":{ms}}}"#);
    assert_eq!(kept(&json, "x", 1).1.as_deref(), Some("2026-11-22T00:00:09.123+0000"));
    let form = format!("message-timestamp=2026-11-22+00%3A00%3A09&scts=x&to={ms}");
    assert_eq!(kept(&form, "x", 1).1.as_deref(), Some("2026-11-22 00:00:09"));
    // Words are no time, whatever their name.
    assert_eq!(kept(r#"{"timestamp":"call +447700900001"}"#, "x", 1).1, None);
}
