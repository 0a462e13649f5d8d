use proptest::prelude::Strategy;
use proptest::prop_assert;
use proptest::prop_assert_eq;
use proptest::prop_oneof;
use proptest::proptest;

use super::*;

fn segments(encoding: Encoding, units: usize, count: usize) -> Segments {
    Segments { encoding, units, count }
}

#[test]
fn a_message_holds_160_septets_or_70_units_and_a_part_7_or_3_less() {
    let cases = [
        (String::new(), segments(Encoding::Gsm7, 0, 1)),
        ("a".repeat(160), segments(Encoding::Gsm7, 160, 1)),
        ("a".repeat(161), segments(Encoding::Gsm7, 161, 2)),
        ("a".repeat(306), segments(Encoding::Gsm7, 306, 2)),
        ("a".repeat(307), segments(Encoding::Gsm7, 307, 3)),
        ("€".repeat(80), segments(Encoding::Gsm7, 160, 1)),
        ("é".repeat(160), segments(Encoding::Gsm7, 160, 1)),
        // 76 escaped characters to a part: the 153rd septet stays free.
        ("€".repeat(153), segments(Encoding::Gsm7, 306, 3)),
        ("ê".repeat(70), segments(Encoding::Ucs2, 70, 1)),
        ("ê".repeat(71), segments(Encoding::Ucs2, 71, 2)),
        ("😀".repeat(35), segments(Encoding::Ucs2, 70, 1)),
        // 33 to a part: the 67th unit stays free.
        ("😀".repeat(67), segments(Encoding::Ucs2, 134, 3)),
    ];
    for (text, expected) in cases {
        assert_eq!(count(&text), expected, "{text}");
    }
}

#[test]
fn an_escape_and_a_pair_stay_whole_at_the_end_of_a_part() {
    let (encoding, found) = parts(&format!("{}€b{}", "a".repeat(152), "c".repeat(10)));
    assert_eq!((encoding, found.len()), (Encoding::Gsm7, 2));
    assert_eq!((found[0].len(), &found[1][..3]), (152, &[0x1b, 0x65, b'b'][..]));
    let (encoding, found) = parts(&format!("{}😀{}", "ê".repeat(66), "c".repeat(10)));
    assert_eq!((encoding, found.len()), (Encoding::Ucs2, 2));
    assert_eq!((found[0].len(), &found[1][..4]), (132, &[0xd8, 0x3d, 0xde, 0x00][..]));
    assert_eq!(parts("@$").1, [[0x00, 0x02]]);
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{0,400}", "[a-z€{}\\[\\]~]{140,340}", "[a-zê😀]{60,220}", ".{0,300}"]
}

proptest! {
    #[test]
    fn parts_are_the_text_again_and_none_is_too_long(text in text()) {
        let (encoding, parts) = parts(&text);
        let counted = count(&text);
        prop_assert_eq!((counted.encoding, counted.count), (encoding, parts.len()));
        let (octets, unit) = (parts.concat(), if encoding == Encoding::Gsm7 { 1 } else { 2 });
        prop_assert_eq!(octets.len(), counted.units * unit);
        let (single, several) = encoding.room();
        let room = if parts.len() == 1 { single } else { several };
        prop_assert!(parts.iter().all(|part| part.len() <= room * unit));
        // Each part reads well by itself, and all but the last are as full as they can be.
        prop_assert!(parts.iter().rev().skip(1).all(|part| part.len() + unit >= room * unit));
        if encoding == Encoding::Ucs2 {
            let pairs = |octets: &[u8]| octets.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect::<Vec<_>>();
            let read: Result<Vec<_>, _> = parts.iter().map(|part| String::from_utf16(&pairs(part))).collect();
            prop_assert_eq!(read.unwrap().concat(), text);
        } else {
            prop_assert!(parts.iter().all(|part| part.last() != Some(&0x1b)));
        }
    }
}
