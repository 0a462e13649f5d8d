use super::*;
use crate::code::Code;
use crate::text::Content;
use crate::text::Words;
use crate::text::render;
use crate::text::segment;
use crate::text::segment::Encoding;
use crate::time::MINUTE_MS;

const CHANNELS: [Channel; 5] =
    [Channel::Email, Channel::Sms, Channel::Telegram, Channel::Voice, Channel::Whatsapp];
const CODE: &str = "012345";
/// As a [`phrase`](crate::binding::Binding::phrase) has it.
const PAYMENT: &str = "499.00 INR to Tailor";

fn message(translation: &Translation, channel: Channel, minutes: u64, approves: Option<&str>) -> Content {
    let words = Words { brand: "Shop", ttl_ms: minutes * MINUTE_MS, approves, autofill: None };
    render(&Code::parse(CODE).unwrap(), channel, &translation.locale(), &words, &[])
}

/// Every text that goes out, with its language.
fn messages() -> impl Iterator<Item = (&'static str, Channel, bool, Content)> {
    let of = |translation: &'static Translation| {
        CHANNELS.into_iter().flat_map(move |channel| {
            [None, Some(PAYMENT)].into_iter().flat_map(move |approves| {
                (1..=10).map(move |minutes| {
                    let content = message(translation, channel, minutes, approves);
                    (translation.language, channel, approves.is_some(), content)
                })
            })
        })
    };
    ALL.into_iter().flat_map(of)
}

#[test]
fn every_message_holds_its_code_once_and_nothing_unfilled() {
    for (language, channel, is_payment, content) in messages() {
        let Content { locale, subject, text, html } = content;
        assert_eq!(locale.as_str(), language);
        assert_eq!(text.matches(CODE).count(), 1, "{text}");
        assert!(text.contains("Shop"), "{text}");
        assert!(!text.contains(['{', '}']), "{text}");
        assert_eq!(is_payment, text.contains("499.00 INR") && text.contains("Tailor"), "{text}");
        assert_eq!(
            (subject.is_some(), html.is_some()),
            (channel == Channel::Email, channel == Channel::Email)
        );
        assert!(
            subject.is_none_or(|subject| !subject.contains(CODE) && !subject.contains('{')),
            "{language}"
        );
    }
}

#[test]
fn a_text_message_is_one_segment_and_starts_with_the_code() {
    for (language, _, is_payment, content) in messages().filter(|(_, by, ..)| *by == Channel::Sms) {
        assert!(content.text.starts_with(CODE), "{}", content.text);
        let counted = segment::count(&content.text);
        let expected = if matches!(language, "ar" | "hi") { Encoding::Ucs2 } else { Encoding::Gsm7 };
        assert_eq!((counted.encoding, counted.count), (expected, 1), "{is_payment} {}", content.text);
    }
}

#[test]
fn in_letters_of_gsm_there_is_room_for_the_longest_brand_and_code() {
    for translation in ALL.into_iter().filter(|translation| !matches!(translation.language, "ar" | "hi")) {
        let brand = "B".repeat(crate::directory::BRAND_CHARS_MAX);
        let words = Words { brand: &brand, ttl_ms: 10 * MINUTE_MS, approves: None, autofill: None };
        let code = Code::parse("0123456789").unwrap();
        let content = render(&code, Channel::Sms, &translation.locale(), &words, &[]);
        assert_eq!(segment::count(&content.text).count, 1, "{}", content.text);
    }
}

#[test]
fn minutes_are_counted_as_the_language_does() {
    let cases = [
        ("ar", 1, "دقيقة"),
        ("ar", 2, "دقيقتين"),
        ("ar", 3, "3 دقائق"),
        ("ar", 10, "10 دقائق"),
        ("ar", 11, "11 دقيقة"),
        ("de", 1, "1 Minute"),
        ("de", 2, "2 Minuten"),
        ("en", 1, "1 minute"),
        ("en", 10, "10 minutes"),
        ("es", 1, "1 minuto"),
        ("es", 5, "5 minutos"),
        ("fr", 1, "1 minute"),
        ("fr", 2, "2 minutes"),
        ("hi", 1, "1 मिनट"),
        ("hi", 5, "5 मिनट"),
        ("id", 1, "1 menit"),
        ("id", 5, "5 menit"),
        ("pt", 1, "1 minuto"),
        ("pt", 5, "5 minutos"),
    ];
    for (language, minutes, expected) in cases {
        let translation = Translation::of(&Locale::parse(language).unwrap()).unwrap();
        assert_eq!(translation.time(minutes), expected, "{language}");
    }
}

#[test]
fn a_payment_is_named_in_the_languages_order_and_whatever_the_payee_is_called() {
    let payment = |language, phrase| Translation::of(&Locale::read(language)).unwrap().payment(phrase);
    assert_eq!(payment("en", PAYMENT), PAYMENT);
    assert_eq!(payment("de", PAYMENT), "499.00 INR an Tailor");
    assert_eq!(payment("hi", PAYMENT), "Tailor को 499.00 INR");
    assert_eq!(payment("de", "1 EUR to Back to Basics"), "1 EUR an Back to Basics");
    assert_eq!(payment("fr", "1 EUR to {amount}"), "1 EUR à {amount}");
    assert_eq!(payment("fr", "something else"), "something else");
}

#[test]
fn arabic_pages_run_from_right_to_left() {
    for translation in ALL {
        let html = message(translation, Channel::Email, 5, None).html.unwrap();
        let is_rtl = html.starts_with("<!doctype html>\n<html lang=\"ar\" dir=\"rtl\">");
        assert_eq!((is_rtl, translation.is_rtl), (translation.language == "ar", is_rtl), "{html}");
    }
}
