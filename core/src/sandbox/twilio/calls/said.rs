//! What a call says, as text.

use roxmltree::Document;
use roxmltree::Node;

/// The texts of all `<Say>` once each, a space for a pause; nothing where it is no markup of Twilio's.
pub(super) fn read(twiml: &str) -> Option<String> {
    let document = Document::parse(twiml).ok()?;
    let root = document.root_element();
    if !root.has_tag_name("Response") {
        return None;
    }
    let says = root.descendants().filter(|node| node.has_tag_name("Say"));
    let said = says.flat_map(|say| say.descendants().map(spoken)).collect::<String>();
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = said.replace(" .", ".").replace(" ,", ",");
    (!said.is_empty()).then_some(said)
}

fn spoken<'a>(node: Node<'a, '_>) -> &'a str {
    if node.has_tag_name("break") { " " } else { node.text().filter(|_| node.is_text()).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_part_the_digits() {
        let twiml = "<Response><Pause/><Say loop=\"2\">Your &lt;b&gt; code is <break/>0<break/>1. Bye.</Say></Response>";
        assert_eq!(read(twiml).as_deref(), Some("Your <b> code is 0 1. Bye."));
        for bad in ["", "hello", "<Say>0 1</Say>", "<Response><Say>0</Response>", "<Response/>"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
