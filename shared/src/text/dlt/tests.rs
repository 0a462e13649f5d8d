use super::*;

const ENTITY: &str = "1101234560000012345";

fn dlt() -> Dlt {
    Dlt { entity_id: ENTITY.into(), header: "TIFFIN".into(), category: Category::ServiceImplicit }
}

/// A service as in the settings.
fn service(dlt: bool, templates: &str) -> Service {
    let dlt = if dlt {
        format!(r#","dlt":{}"#, serde_json::to_string(&self::dlt()).unwrap())
    } else {
        String::new()
    };
    serde_json::from_str(&format!(r#"{{"brand":"Shop","templates":[{templates}]{dlt}}}"#)).unwrap()
}

fn template(locale: &str, text: &str, id: Option<&str>) -> String {
    let id = id.map(|id| format!(r#","dlt_template_id":"{id}""#)).unwrap_or_default();
    format!(r#"{{"channel":"sms","locale":"{locale}","text":"{text}"{id}}}"#)
}

#[test]
fn a_registration_has_entity_header_and_the_number_of_the_template_that_is_sent() {
    let all = [
        template("de", "{code} de", None),
        template("hi", "{code} hi", Some("11")),
        template("en", "{code} en", Some("12")),
        template("en", "{code} {payment}", Some("13")),
    ];
    let service = service(true, &all.join(","));
    let id =
        |locale, is_payment| registration(&service, &Locale::read(locale), is_payment).unwrap().template_id;
    assert_eq!(id("en-IN", false), "12");
    assert_eq!(id("hi", false), "11");
    // Not registered in German or Tamil: the first that is.
    assert_eq!((id("de", false), id("ta", false)), ("11", "11"));
    assert_eq!(id("hi", true), "13");
    assert_eq!(registration(&service, &Locale::english(), false).unwrap().dlt, &dlt());
}

#[test]
fn what_is_missing_is_named() {
    let registered = template("en", "{code}", Some("12"));
    let missing =
        |service: Service, is_payment| registration(&service, &Locale::english(), is_payment).unwrap_err();
    assert_eq!(missing(service(false, &registered), false), Missing::Dlt);
    assert_eq!(missing(service(true, ""), false), Missing::Template);
    assert_eq!(missing(service(true, &template("en", "{code}", None)), false), Missing::Template);
    assert_eq!(missing(service(true, &registered), true), Missing::Template);
}

#[test]
fn only_text_messages_to_india_need_one() {
    let country = |text| Some(Country::parse(text).unwrap());
    assert!(is_needed(Channel::Sms, country("IN")));
    assert!(!is_needed(Channel::Whatsapp, country("IN")));
    assert!(!is_needed(Channel::Sms, country("LK")) && !is_needed(Channel::Sms, None));
}

#[test]
fn what_the_register_would_not_know_is_refused() {
    assert_eq!(dlt().check(), Ok(()));
    let cases = [
        ("dlt.entity_id:", Dlt { entity_id: "11012345600000x".into(), ..dlt() }),
        ("dlt.entity_id:", Dlt { entity_id: String::new(), ..dlt() }),
        ("dlt.header:", Dlt { header: "TF".into(), ..dlt() }),
        ("dlt.header:", Dlt { header: "TIFFINS".into(), ..dlt() }),
        ("dlt.header:", Dlt { header: "565690".into(), ..dlt() }),
        ("dlt.category:", Dlt { category: Category::Promotional, ..dlt() }),
        ("dlt.category:", Dlt { category: Category::ServiceExplicit, ..dlt() }),
    ];
    for (key, dlt) in cases {
        let refused = dlt.check().unwrap_err();
        assert!(refused.starts_with(key), "{refused}");
    }
}
