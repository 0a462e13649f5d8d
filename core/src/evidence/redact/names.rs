//! What a field holds, by its name.

/// Parts of names behind which keys and proofs stand.
const SECRETS: [&str; 12] = [
    "authkey",
    "authtoken",
    "authorization",
    "apikey",
    "apisecret",
    "codeentered",
    "credential",
    "passcode",
    "password",
    "passwd",
    "secret",
    "signature",
];
/// Names that are too short to be looked for within others.
const SECRET_WORDS: [&str; 7] = ["key", "otp", "pin", "pwd", "sig", "token", "verificationcode"];
/// Names of what the user reads, or somebody wrote.
const TEXTS: [&str; 11] = [
    "body",
    "content",
    "messagebody",
    "messagetext",
    "msg",
    "sms",
    "subject",
    "text",
    "textmessage",
    "twiml",
    "usertext",
];

/// A key, a password, a proof, or what somebody typed in as a code.
pub(super) fn is_secret(name: &str) -> bool {
    let name = plain(name);
    // A signature's version or method tells something, and no secret.
    let is_of_it = name.ends_with("version") || name.ends_with("method") || name.ends_with("url");
    let is_named = SECRETS.iter().any(|part| name.contains(part)) || name.ends_with("token");
    !is_of_it && (is_named || SECRET_WORDS.contains(&name.as_str()))
}

/// The words of a message.
pub(super) fn is_text(name: &str) -> bool {
    TEXTS.contains(&plain(name).as_str())
}

fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|char| char.to_ascii_lowercase()).collect()
}
