use mail_parser::MessageParser;
use mail_parser::MimeHeaders;
use proptest::prelude::any;
use proptest::prop_assert;
use proptest::prop_assert_eq;
use proptest::proptest;

use super::*;

const TAG: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn composed(name: &str, subject: &str, text: &str, html: Option<&str>) -> Vec<u8> {
    let from = "codes@shop.example".parse().unwrap();
    let to = "user@mail.example".parse().unwrap();
    let letter = Letter {
        from: &from,
        from_name: Some(name),
        to: &to,
        code: "482915",
        subject: Some(subject),
        text,
        html,
        language: "de",
        tag: TAG,
        domain: "bounces.shop.example",
        now: UnixMs(1_795_168_800_000),
    };
    compose(&letter).unwrap()
}

fn names(message: &mail_parser::Message<'_>) -> Vec<String> {
    message.headers().iter().map(|header| header.name().to_lowercase()).collect()
}

#[test]
fn a_message_reads_as_it_was_meant() {
    let (text, html) = ("482915 है आपका कोड।\n.\nfrom here", "<p>482915 है <b>आपका</b> कोड।</p>");
    let bytes = composed("Schöne Läden", "Ihr Code für Läden", text, Some(html));
    assert_eq!(bytes, composed("Schöne Läden", "Ihr Code für Läden", text, Some(html)), "the same twice");
    assert!(bytes.is_ascii());
    let message = MessageParser::default().parse(&bytes).unwrap();
    assert_eq!(message.subject(), Some("Ihr Code für Läden"));
    let from = message.from().and_then(|from| from.first()).unwrap();
    assert_eq!((from.name(), from.address()), (Some("Schöne Läden"), Some("codes@shop.example")));
    assert_eq!(message.message_id(), Some(message_id(TAG, "bounces.shop.example").as_str()));
    assert_eq!(message.header_raw("Auto-Submitted").map(str::trim), Some("auto-generated"));
    assert_eq!(message.date().map(|date| date.to_timestamp()), Some(1_795_168_800));
    assert!(message.is_content_type("multipart", "alternative"));
    assert_eq!(message.body_text(0).unwrap().replace("\r\n", "\n").trim_end(), text);
    assert_eq!(message.body_html(0).unwrap().trim_end(), html);
}

#[test]
fn the_code_is_never_in_the_subject() {
    for subject in ["482915 is your code", "", "   "] {
        let bytes = composed("Shop", subject, "482915", None);
        let message = MessageParser::default().parse(&bytes).unwrap();
        assert_eq!(message.subject(), Some(PLAIN_SUBJECT), "{subject:?}");
        assert!(message.is_content_type("text", "plain"));
    }
}

proptest! {
    /// Whatever a brand or a subject holds, the message has the headers that it should, and no more.
    #[test]
    fn no_header_can_be_slipped_in(
        name in ".{0,80}|(a|\r|\n|\r\nBcc: x@y.example|: |\u{85}|\u{2028}|=\\?utf-8\\?q\\?=0D=0ABcc:_x\\?=|<|>|,|\"){0,12}",
        subject in ".{0,300}|(a|\r|\n|\r\nBcc: x@y.example|\r\n\r\n|\u{0}|é){0,12}",
        text in any::<String>(),
        has_html in any::<bool>(),
    ) {
        let html = has_html.then_some(text.as_str());
        let bytes = composed(&name, &subject, &text, html);
        let message = MessageParser::default().parse(&bytes).unwrap();
        let mut found = names(&message);
        found.sort();
        let mut meant =
            vec!["auto-submitted", "content-language", "content-type", "date", "from", "message-id", "mime-version", "subject", "to"];
        if !has_html {
            meant.push("content-transfer-encoding");
            meant.sort_unstable();
        }
        prop_assert_eq!(found, meant);
        prop_assert_eq!(message.from().map(|from| from.iter().count()), Some(1));
        let from = message.from().and_then(|from| from.first()).and_then(|from| from.address());
        prop_assert_eq!(from, Some("codes@shop.example"));
        prop_assert!(bytes.split(|byte| *byte == b'\n').all(|line| line.len() <= 998 && line.is_ascii()));
    }
}
