//! Addresses of mailboxes.

/// RFC 5321, 4.5.3.1.3, without the angle brackets.
pub const EMAIL_BYTES_MAX: usize = 254;

/// Whether it looks like one: no spaces, quotes, lists or comments, and a domain of several labels.
pub fn is_address(text: &str) -> bool {
    let (local, domain) = text.rsplit_once('@').unwrap_or_default();
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>,;\"\\()".contains(&byte));
    let is_domain = domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.');
    !local.is_empty() && is_domain && is_plain && text.len() <= EMAIL_BYTES_MAX
}

/// `u•••@example.com`.
pub fn masked(email: &str) -> String {
    let (local, domain) = email.rsplit_once('@').unwrap_or_default();
    format!("{}•••@{domain}", local.chars().take(1).collect::<String>())
}
