use super::*;

fn service(more: &str) -> Service {
    serde_json::from_str(&format!(r#"{{"brand":"Shop","channels":["sms"]{more}}}"#)).unwrap()
}

fn india() -> Option<Country> {
    Country::parse("IN").ok()
}

#[test]
fn a_language_outside_the_gsm_alphabet_takes_more_and_what_varies_is_at_its_longest() {
    let counted = Counted::of(&service(""));
    let of = |locale: &str, wanted| counted.segments(&Locale::read(locale), None, wanted);
    assert_eq!((of("en", Wanted::Code), of("de-AT", Wanted::Code), of("xx", Wanted::OwnCode)), (1, 1, 1));
    assert!(of("hi", Wanted::Payment) > of("en", Wanted::Payment));
    assert_eq!(of("hi-IN", Wanted::Payment), of("hi", Wanted::Payment));
    assert!(of("en", Wanted::Payment) >= 2 && of("en", Wanted::WidePayment) > of("en", Wanted::Payment));
    // What the others stand for is not told to every front door.
    let told = serde_json::to_string(&counted).unwrap();
    assert!(told.len() < 200 && !told.contains("\"en\""), "{told}");
    assert_eq!(serde_json::from_str::<Counted>(&told).unwrap(), counted);
}

#[test]
fn no_message_takes_more_than_was_counted() {
    let long = "w".repeat(140);
    let templates = format!(
        r#","templates":[{{"channel":"sms","locale":"en","text":"{{code}} {long}"}},
        {{"channel":"sms","locale":"pt-BR","text":"{{code}} {{brand}} ção {long}"}},
        {{"channel":"sms","locale":"pt","text":"{{code}} {{payment}} {long}"}}]"#
    );
    let service = service(&templates);
    let counted = Counted::of(&service);
    let phrases = [None, Some("1.00 INR to Shop"), Some("1.00 INR to Café ж")];
    for locale in ["en", "en-GB", "pt", "pt-BR", "pt-PT", "hi", "ar", "xx", "zh-Hant-TW", "fr-CA"] {
        let locale = Locale::read(locale);
        for (digits, approves) in ["123456", "1234567890"].into_iter().flat_map(|d| phrases.map(|p| (d, p))) {
            let words = Words { brand: &service.brand, ttl_ms: service.ttl_ms, approves, autofill: None };
            let code = Code::parse(digits).unwrap();
            let text = render(&code, Channel::Sms, &locale, &words, &service.templates).text;
            let wanted = match approves {
                None if digits.len() == 6 => Wanted::Code,
                None => Wanted::OwnCode,
                Some(phrase) if phrase.is_ascii() => Wanted::Payment,
                Some(_) => Wanted::WidePayment,
            };
            let quoted = usize::from(counted.segments(&locale, None, wanted));
            assert!(segment::count(&text).count <= quoted, "{locale} {approves:?}: {quoted}");
        }
    }
}

#[test]
fn india_takes_what_is_registered_and_says_what_is_missing() {
    assert_eq!(Counted::of(&service("")).missing(false), Some(Missing::Dlt));
    let dlt = r#","dlt":{"entity_id":"1101000000000000001","header":"TIFFIN","category":"service_implicit"}"#;
    let bare = Counted::of(&service(dlt));
    assert_eq!((bare.missing(false), bare.missing(true)), (Some(Missing::Template), Some(Missing::Template)));
    let text = "w".repeat(170);
    let template = format!(
        r#"{dlt},"templates":[{{"channel":"sms","locale":"en","text":"{{code}} {text}","dlt_template_id":"1107000000000000001"}}]"#
    );
    let counted = Counted::of(&service(&template));
    assert_eq!((counted.missing(false), counted.missing(true)), (None, Some(Missing::Template)));
    let segments = |country| counted.segments(&Locale::read("hi"), country, Wanted::Code);
    // The registered text goes, in whatever language it was asked for.
    assert_eq!(segments(india()), 2);
    assert_eq!(segments(None), Counted::of(&service("")).segments(&Locale::read("hi"), None, Wanted::Code));
}
