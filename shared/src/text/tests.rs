use super::*;

fn code() -> Code {
    Code::parse("012345").unwrap()
}

#[test]
fn the_code_comes_first_and_a_payment_is_named() {
    let mut words = Words { brand: "Shop", ttl_ms: 300_000, approves: None, autofill: None };
    let sms = |words: &Words<'_>| render(&code(), Channel::Sms, &Locale::english(), words, &[]).text;
    let text = sms(&words);
    assert_eq!(text, "012345 is your Shop code. It expires in 5 minutes. Never share it with anyone.");
    assert!(text.len() <= 160);
    words = Words { approves: Some("499.00 INR to Tailor"), ttl_ms: 60_000, ..words };
    assert!(sms(&words).starts_with("012345 approves 499.00 INR to Tailor at Shop. It expires in 1 minute."));
}
