use super::*;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

fn read(text: &str) -> Option<(String, String, bool)> {
    let read = Traceparent::parse(text)?;
    Some((read.trace.to_string(), read.span.to_string(), read.is_sampled))
}

#[test]
fn the_examples_of_the_specification_are_read_and_written() {
    for (flags, is_sampled) in [("01", true), ("00", false)] {
        let text = format!("00-{TRACE}-{SPAN}-{flags}");
        assert_eq!(text.len(), TRACEPARENT_CHARS);
        assert_eq!(read(&text), Some((TRACE.into(), SPAN.into(), is_sampled)));
        assert_eq!(Traceparent::parse(&text).unwrap().to_string(), text);
    }
    // Flags that version 00 does not know are neither refused nor passed on.
    let known = Traceparent::parse(&format!("00-{TRACE}-{SPAN}-ff")).unwrap();
    assert_eq!(known.to_string(), format!("00-{TRACE}-{SPAN}-01"));
    assert!(!read(&format!("00-{TRACE}-{SPAN}-fe")).unwrap().2);
    assert!(read(&format!(" 00-{TRACE}-{SPAN}-01\t")).unwrap().2);
}

#[test]
fn a_later_version_is_read_as_far_as_it_is_known() {
    for more in ["", "-", "-what-the-future-will-be-like"] {
        assert_eq!(read(&format!("cc-{TRACE}-{SPAN}-01{more}")), Some((TRACE.into(), SPAN.into(), true)));
    }
    for text in [
        format!("cc-{TRACE}-{SPAN}-01.what"),
        format!("cc-{TRACE}-{SPAN}-011"),
        format!("cc-{TRACE}-{SPAN}-01-{}", "x".repeat(TRACEPARENT_CHARS_MAX)),
    ] {
        assert_eq!(read(&text), None, "{text}");
    }
}

#[test]
fn what_the_specification_forbids_is_ignored() {
    let zeros = |n| "0".repeat(n);
    for text in [
        String::new(),
        "00".into(),
        format!("00-{}-{SPAN}-01", zeros(32)),
        format!("00-{TRACE}-{}-01", zeros(16)),
        format!("ff-{TRACE}-{SPAN}-01"),
        format!("00-{TRACE}-{SPAN}-01-"),
        format!("00-{TRACE}-{SPAN}-01-more"),
        format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
        format!("00-{TRACE}-{SPAN}-0"),
        format!("00-{TRACE}-{SPAN}-0x"),
        format!("00_{TRACE}_{SPAN}_01"),
        format!("0-{TRACE}0-{SPAN}-01"),
        format!("00-{TRACE}-{SPAN}-01, 00-{TRACE}-{SPAN}-01"),
        format!("00-{TRACE}-{SPAN}-é"),
        format!("00-{}-{SPAN}-01", TRACE.replace('4', "g")),
    ] {
        assert_eq!(read(&text), None, "{text}");
    }
}

#[test]
fn a_trace_without_a_caller_is_drawn_and_sampled_by_its_id() {
    let drawn = |n: u16| {
        let mut bytes = [7; 32];
        bytes[..2].copy_from_slice(&n.to_be_bytes());
        Trace::of(None, &Entropy::new(bytes))
    };
    assert_eq!(drawn(1), drawn(1));
    assert_ne!(drawn(1), drawn(2));
    let sampled = |ratio| (0..2_000).filter(|n| drawn(*n).is_sampled(ratio)).count();
    assert_eq!(sampled(Ratio::of_million(0)), 0);
    assert_eq!(sampled(Ratio::ALL), 2_000);
    assert_eq!(Ratio::of_million(1_000_000), Ratio::ALL);
    let tenth = sampled(Ratio::of_million(100_000));
    assert!((140..=260).contains(&tenth), "{tenth} of 2,000");
}

#[test]
fn a_caller_decides_whether_its_trace_is_recorded() {
    for (flags, is_sampled) in [("01", true), ("00", false)] {
        let caller = Traceparent::parse(&format!("00-{TRACE}-{SPAN}-{flags}"));
        let trace = Trace::of(caller, &Entropy::new([1; 32]));
        assert_eq!(
            (trace.id.to_string(), trace.parent.unwrap().span.to_string()),
            (TRACE.into(), SPAN.into())
        );
        for ratio in [Ratio::of_million(0), Ratio::ALL] {
            assert_eq!(trace.is_sampled(ratio), is_sampled);
        }
        let text = serde_json::to_string(&trace).unwrap();
        assert_eq!(serde_json::from_str::<Trace>(&text).unwrap(), trace);
    }
}

#[test]
fn spans_of_one_name_are_one_and_others_are_others() {
    let trace = TraceId::parse(TRACE).unwrap();
    let named = |names: &[&str]| SpanId::named(trace, names);
    assert_eq!(named(&["ord_1", "call", "1"]), named(&["ord_1", "call", "1"]));
    assert_ne!(named(&["ord_1", "call", "1"]), named(&["ord_1", "call", "2"]));
    assert_ne!(named(&["ord_1", "call"]), named(&["ord_1c", "all"]));
    assert_eq!(SpanId::of([0; 8]).to_string(), "0000000000000001");
}
