//! Addresses of mailboxes.

/// RFC 5321, 4.5.3.1.3, without the angle brackets.
pub const EMAIL_BYTES_MAX: usize = 254;

/// RFC 1035, 2.3.4.
const LABEL_BYTES_MAX: usize = 63;

/// Whether it is one that anybody can have: no spaces, quotes, lists or comments before the one `@`, and a host's name behind it.
/// An address of a network there (`user@[10.0.0.1]`) would have the mail server call whom it is told to.
pub fn is_address(text: &str) -> bool {
    let (local, domain) = text.split_once('@').unwrap_or_default();
    let is_plain = local.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>,;\"\\()".contains(&byte));
    !local.is_empty() && is_plain && is_name(domain) && text.len() <= EMAIL_BYTES_MAX
}

/// Several labels of letters, digits and inner hyphens (RFC 1123, 2.1), of which the last is no number.
fn is_name(domain: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_label = |label: &str| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && label.bytes().all(is_inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_last = |label: &str| label.len() > 1 && label.starts_with(|char: char| char.is_ascii_alphabetic());
    domain.rsplit_once('.').is_some_and(|(_, last)| is_last(last)) && domain.split('.').all(is_label)
}

/// `u•••@example.com`.
pub fn masked(email: &str) -> String {
    let (local, domain) = email.rsplit_once('@').unwrap_or_default();
    format!("{}•••@{domain}", local.chars().take(1).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_of_a_host_stands_behind_the_one_at() {
        for good in ["u@shop.example", "u+1@xn--bcher-kva.example", "a'b%c|d@x-y.co.uk", "U@A1.EXAMPLE"] {
            assert!(is_address(good), "{good}");
        }
        let hosts =
            ["[10.0.0.1]", "10.0.0.1", "localhost", "x..example", "-x.example", "x-.example", ".example"];
        let more = ["x.example.", "x.example/", "x.e", "x_y.example", "victim.example@evil.example", ""];
        for host in hosts.into_iter().chain(more) {
            assert!(!is_address(&format!("u@{host}")), "{host}");
        }
        for bad in ["", "@x.example", "u", "a b@x.example", "a,b@x.example", "<u@x.example>"] {
            assert!(!is_address(bad), "{bad}");
        }
        let label = "l".repeat(LABEL_BYTES_MAX);
        assert!(is_address(&format!("u@{label}.example")) && !is_address(&format!("u@l{label}.example")));
    }
}
