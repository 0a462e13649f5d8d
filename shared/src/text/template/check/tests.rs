use super::*;
use crate::id::GatewayId;
use crate::text::locale::Locale;

fn template(channel: Channel, text: &str) -> Template {
    Template {
        channel,
        locale: Locale::english(),
        text: Some(text.to_owned()),
        subject: None,
        dlt_template_id: None,
        ids: Default::default(),
    }
}

fn refused(template: Template) -> String {
    check_all(&[template]).unwrap_err()
}

#[test]
fn sentences_with_their_variables_pass() {
    for text in [
        "{code}",
        "{code} is your {brand} code, for {minutes} minutes. Payment: {payment}.",
        "OTP:{code}.",
        "आपका OTP {code} है। {minutes} मिनट।",
        "您的验证码是{code}，请勿泄露。",
        "Ask St. Mary's, e.g. on the 1.2. {code}",
    ] {
        assert_eq!(check_all(&[template(Channel::Sms, text)]), Ok(()), "{text}");
    }
    let longest = format!("{{code}} {}", "a".repeat(TEXT_CHARS_MAX - CODE.len() - 1));
    assert_eq!(check_all(&[template(Channel::Sms, &longest)]), Ok(()));
    assert!(check_all(&[template(Channel::Sms, &format!("{longest}a"))]).is_err());
}

#[test]
fn what_could_mislead_is_refused_with_its_reason() {
    let cases = [
        ("", "must be 1 to 600 characters"),
        (" {code}", "without spaces around"),
        ("no code", "{code} exactly once"),
        ("{code} {code}", "{code} exactly once"),
        ("{code}\nis it", "one line"),
        ("{code}\u{202e}", "one line"),
        ("{code} {time}", "braces"),
        ("{code} {Brand}", "braces"),
        ("{code} {", "braces"),
        ("{code} }", "braces"),
        ("{{code}}", "braces"),
        ("} {code}", "braces"),
        ("{code}1", "stand apart"),
        ("x{code}", "stand apart"),
        ("{brand}{code}", "stand apart"),
        ("{code} https://a.b", "looks like an address"),
        ("{code} www.shop", "looks like an address"),
        ("{code} Shop.Example", "looks like an address"),
        ("{code} (shop.example/{brand})", "looks like an address"),
        ("{code} evil．example", "looks like an address"),
        ("{code} tel:1234", "looks like an address"),
        ("@shop #{code}", "looks like an address"),
    ];
    for (text, reason) in cases {
        let refused = refused(template(Channel::Sms, text));
        assert!(refused.starts_with("templates[0].text: ") && refused.contains(reason), "{text}: {refused}");
    }
    assert!(refused(template(Channel::Voice, "Call 1800. {code}")).contains("at most 3 digits"));
}

#[test]
fn keys_stand_where_they_have_a_meaning() {
    let id = |value: &str| [(GatewayId::parse("meta").unwrap(), value.to_owned())].into();
    let sms = || template(Channel::Sms, "{code}");
    let email =
        |subject: &str| Template { subject: Some(subject.into()), ..template(Channel::Email, "{code}") };
    let good = [
        Template { text: None, ids: id("login_code"), ..template(Channel::Whatsapp, "") },
        email("Your {brand} code"),
        Template { dlt_template_id: Some("1107160000000012345".into()), ..sms() },
    ];
    assert_eq!(check_all(&good), Ok(()));
    let cases = [
        ("templates[0].text:", Template { text: None, ..sms() }),
        ("templates[0].subject:", Template { subject: Some("x".into()), ..sms() }),
        ("templates[0].subject:", email("{code}")),
        ("templates[0].subject:", email("a\r\nBcc: b")),
        ("templates[0].dlt_template_id:", Template { dlt_template_id: Some("11x".into()), ..sms() }),
        ("templates[0].dlt_template_id:", Template { dlt_template_id: Some("1".into()), ..email("x") }),
        ("templates[0].ids.meta:", Template { ids: id("a b"), ..sms() }),
        ("templates[0].ids.meta:", Template { ids: id(""), ..sms() }),
    ];
    for (key, template) in cases {
        let refused = refused(template);
        assert!(refused.starts_with(key), "{refused}");
    }
}

#[test]
fn two_templates_for_one_message_are_refused() {
    let payment = template(Channel::Sms, "{code} {payment}");
    let plain = template(Channel::Sms, "{code}");
    assert_eq!(check_all(&[plain.clone(), payment.clone(), template(Channel::Voice, "{code}")]), Ok(()));
    assert!(check_all(&[plain.clone(), payment, plain.clone()]).unwrap_err().starts_with("templates[2]: "));
    assert!(check_all(&vec![plain; TEMPLATES_MAX + 1]).unwrap_err().starts_with("templates: at most"));
}
