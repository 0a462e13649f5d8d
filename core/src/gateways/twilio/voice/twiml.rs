//! What a call says, in Twilio's markup (<https://www.twilio.com/docs/voice/twiml/say>).

use super::voices::Voice;

/// Twilio's limit of what a request may carry.
pub const TWIML_CHARS_MAX: usize = 4_000;
/// Between digits: time to write one down.
const DIGIT_PAUSE: &str = "<break time=\"700ms\"/>";
/// Around them, and between the readings.
const PAUSE: &str = "<break time=\"1s\"/>";

/// The text with the code digit by digit, twice; nothing where it is too long. A text without the code has it at its end.
pub fn read_out(text: &str, code: &str, voice: &Voice) -> Option<String> {
    let (before, after) = text.split_once(code).unwrap_or((text, ""));
    let (before, after) = (escape(before), escape(after));
    let digits: Vec<_> = code.chars().map(|digit| escape(&digit.to_string())).collect();
    let digits = digits.join(DIGIT_PAUSE);
    let Voice { language, name, .. } = voice;
    // The pause gives time to bring the phone to the ear.
    let twiml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Pause length=\"1\"/>\
         <Say language=\"{language}\" voice=\"{name}\" loop=\"2\">{before}{PAUSE}{digits}{PAUSE}{after}{PAUSE}</Say></Response>"
    );
    (twiml.chars().count() <= TWIML_CHARS_MAX).then_some(twiml)
}

/// Text as content of an element (XML 1.0, sections 2.2 and 2.4); what XML cannot hold is left out.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => escaped.push(char),
            _ => {}
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use roxmltree::Document;
    use tiffin_shared::text::Locale;

    use super::super::voices;
    use super::*;

    fn english() -> &'static Voice {
        voices::of(&Locale::english())
    }

    #[test]
    fn the_digits_are_read_one_by_one_and_twice() {
        let twiml = read_out("Hello. Your Shop code is 0123. Never share it.", "0123", english()).unwrap();
        let said = "<Say language=\"en-US\" voice=\"Polly.Joanna\" loop=\"2\">Hello. Your Shop code is \
                    <break time=\"1s\"/>0<break time=\"700ms\"/>1<break time=\"700ms\"/>2<break time=\"700ms\"/>3\
                    <break time=\"1s\"/>. Never share it.<break time=\"1s\"/></Say>";
        assert!(twiml.contains(said), "{twiml}");
        assert!(read_out("No code here: ", "0123", english()).unwrap().contains("0<break"));
    }

    #[test]
    fn what_is_too_long_is_not_sent() {
        assert!(read_out(&"&".repeat(700), "0123", english()).is_some());
        assert_eq!(read_out(&"&".repeat(800), "0123", english()), None);
    }

    proptest! {
        /// Whatever a brand holds is spoken, and nothing of it is done.
        #[test]
        fn no_text_becomes_markup(
            brand in prop_oneof![
                any::<String>(),
                "(</Say>|<Hangup/>|<Dial>1</Dial>|&amp;|&#60;|]]>|<!--|-->|<\\?x \\?>|\"|'|[a-z<>&;]){0,12}",
            ],
            code in "[0-9]{4,10}",
        ) {
            let text = format!("Your {brand} code is {code}.");
            let Some(twiml) = read_out(&text, &code, english()) else { return Ok(()) };
            let document = Document::parse(&twiml).unwrap();
            let names = document.descendants().filter(|node| node.is_element());
            let names: Vec<_> = names.map(|node| node.tag_name().name()).collect();
            let (verbs, breaks) = names.split_at(3);
            prop_assert_eq!(verbs, ["Response", "Pause", "Say"]);
            prop_assert!(breaks.iter().all(|name| *name == "break"));
            let others = document.descendants().filter(|node| node.is_pi() || node.is_comment());
            prop_assert_eq!(others.count(), 0);
            let said: String = document.descendants().filter(|node| node.is_text()).filter_map(|node| node.text()).collect();
            let is_kept = |char: &char| !char.is_control() && !matches!(char, '\u{fffe}' | '\u{ffff}');
            let plain = |text: &str| text.chars().filter(is_kept).collect::<String>();
            prop_assert_eq!(plain(&said), plain(&text));
        }
    }
}
