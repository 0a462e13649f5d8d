use super::*;

fn code() -> Code {
    Code::parse("012345").unwrap()
}

fn words<'a>(approves: Option<&'a str>) -> Words<'a> {
    Words { brand: "Shop", ttl_ms: 300_000, approves, autofill: None }
}

fn template(channel: Channel, locale: &str, text: Option<&str>) -> Template {
    Template {
        channel,
        locale: Locale::parse(locale).unwrap(),
        text: text.map(str::to_owned),
        subject: None,
        dlt_template_id: None,
        ids: Default::default(),
    }
}

fn sms(locale: &str, words: &Words<'_>, templates: &[Template]) -> (String, String) {
    let content = render(&code(), Channel::Sms, &Locale::read(locale), words, templates);
    (content.locale.into(), content.text)
}

#[test]
fn the_code_comes_first_and_a_payment_is_named() {
    let (_, text) = sms("en", &words(None), &[]);
    assert_eq!(text, "012345 is your Shop code. It expires in 5 minutes. Never share it with anyone.");
    let payment = Words { ttl_ms: 60_000, ..words(Some("499.00 INR to Tailor")) };
    let (_, text) = sms("en", &payment, &[]);
    assert!(text.starts_with("012345 approves 499.00 INR to Tailor at Shop. It expires in 1 minute."));
}

#[test]
fn the_services_own_words_come_first_then_those_of_the_language_then_english() {
    let own = [
        template(Channel::Sms, "pt", Some("{code} pt {brand}")),
        template(Channel::Sms, "pt-BR", Some("{code} br {minutes}")),
        template(Channel::Voice, "fr", Some("{code} fr")),
        template(Channel::Sms, "ta", Some("{code} ta")),
        template(Channel::Sms, "de", None),
    ];
    let said = |locale| sms(locale, &words(None), &own);
    let pair = |locale: &str, text: &str| (locale.to_owned(), text.to_owned());
    assert_eq!(said("pt-BR"), pair("pt-BR", "012345 br 5"));
    assert_eq!(said("pt-PT"), pair("pt", "012345 pt Shop"));
    assert_eq!(said("ta-IN"), pair("ta", "012345 ta"));
    let (locale, text) = said("fr-CA");
    assert!(locale == "fr-CA" && text.starts_with("012345 est votre code Shop."), "{locale} {text}");
    // The provider keeps this one's text; where it takes text, the shipped one goes.
    let (locale, text) = said("de");
    assert!(locale == "de" && text.starts_with("012345 ist Ihr Code"), "{locale} {text}");
    let (locale, text) = said("ja-JP");
    assert!(locale == "en" && text.starts_with("012345 is your Shop code."), "{locale} {text}");
}

#[test]
fn a_template_without_the_payment_never_approves_one() {
    let own = [
        template(Channel::Sms, "en", Some("{code} signs in")),
        template(Channel::Sms, "de", Some("{code} zahlt {payment}")),
    ];
    let payment = Some("499.00 INR to Tailor");
    assert_eq!(sms("en", &words(None), &own).1, "012345 signs in");
    assert!(sms("en", &words(payment), &own).1.starts_with("012345 approves 499.00 INR to Tailor"));
    assert_eq!(sms("de", &words(payment), &own).1, "012345 zahlt 499.00 INR an Tailor");
    assert!(sms("de", &words(None), &own).1.starts_with("012345 ist Ihr Code"));
}

#[test]
fn a_value_that_looks_like_a_variable_stays_as_it_is_and_on_one_line() {
    let words = Words { brand: "{code}\n\u{202e}{x}", ..words(None) };
    let (_, text) = sms("en", &words, &[]);
    assert!(text.starts_with("012345 is your {code}  {x} code."), "{text}");
}

#[test]
fn a_voice_that_says_the_code_says_nothing_else_that_looks_like_it() {
    let code = Code::parse("4711").unwrap();
    let words = Words { brand: "4711 Cologne", ..words(Some("24711.00 EUR to House of 4711")) };
    let content = render(&code, Channel::Voice, &Locale::english(), &words, &[]);
    assert_eq!(content.text.matches("4711").count(), 1, "{}", content.text);
    assert!(content.text.contains("approve 2 4 7 1 1.0 0 EUR to House of 4 7 1 1 at 4 7 1 1 Cologne"));
    let sms = render(&code, Channel::Sms, &Locale::english(), &words, &[]);
    assert!(sms.text.starts_with("4711 approves 24711.00 EUR to House of 4711 at 4711 Cologne."));
}

#[test]
fn an_emails_page_is_escaped_and_loads_nothing() {
    let words = Words { brand: "<b>A & \"B\"'s</b>", ..words(Some("1 EUR to Müller & Söhne")) };
    let email = |templates: &[Template]| {
        let content = render(&code(), Channel::Email, &Locale::english(), &words, templates);
        (content.subject.unwrap(), content.html.unwrap(), content.text)
    };
    let (subject, html, text) = email(&[]);
    assert_eq!(subject, "Approve your payment at <b>A & \"B\"'s</b>");
    assert!(
        text.starts_with("This code approves 1 EUR to Müller & Söhne at <b>A & \"B\"'s</b>:\n\n012345\n\n")
    );
    assert!(html.contains("&lt;b&gt;A &amp; &quot;B&quot;&#39;s&lt;/b&gt;") && html.contains(">012345</p>"));
    assert!(!["<b>", "http", "src=", "url(", "@import"].iter().any(|part| html.contains(part)), "{html}");
    let own = template(Channel::Email, "en", Some("{brand}: {code}, for {payment}."));
    let (subject, html, _) = email(&[Template { subject: Some("Pay {payment}".into()), ..own }]);
    assert_eq!(subject, "Pay 1 EUR to Müller & Söhne");
    assert!(html.contains("</p>\n<p>for 1 EUR to Müller &amp; Söhne.</p>\n"), "{html}");
}
