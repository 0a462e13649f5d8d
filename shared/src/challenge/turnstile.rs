//! Cloudflare Turnstile: the question to `siteverify`, and what its answer is worth.
//!
//! A token is Cloudflare's word that a browser solved something somewhere. It counts here when the site, the action and
//! the customer data are ours as well: the customer data is a keyed digest of the [`Bound`], so that a token cannot be
//! spent on another number.
//!
//! **When Cloudflare does not answer** ([`Verdict::Unavailable`]) the caller decides. The default is to refuse with
//! `challenge_required`, and to give the built-in proof of work instead, which depends on nobody. Letting the order
//! through unchallenged opens the door to whoever can make `siteverify` slow, and is left to the tenant's policy.

use serde::Deserialize;
use serde::Serialize;
use serde_json::json;

use super::ANSWER_CHARS_MAX;
use super::Bound;
use super::Nonce;
use crate::bytes;
use crate::bytes::Bytes;
use crate::id::KeyId;
use crate::keys::ChallengeKey;
use crate::keys::Ring;
use crate::secret::Secret;

/// Where tokens are checked; another URL is for tests.
pub const SITEVERIFY_URL: &str = "https://challenges.cloudflare.com/turnstile/v0/siteverify";
/// What the widget is told it guards, and the only action accepted.
pub const ACTION: &str = "order";
/// The longest answer read, in bytes. A real one has some 300.
pub const REPLY_BYTES_MAX: usize = 8_192;
/// Keeps the digest of the [`Bound`] apart from ALTCHA's.
const KIND: &str = "turnstile";
/// The digest in [`cdata`]: 16 bytes as base64url. Fixed, so that what follows is the key's name.
const DIGEST_CHARS: usize = 22;

/// What the widget is rendered with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "TurnstileChallenge"))]
pub struct Issued {
    /// Cloudflare's public name of the widget.
    pub site_key: String,
    /// [`ACTION`].
    pub action: String,
    /// [`cdata`].
    pub cdata: String,
}

/// A challenge for this order.
pub fn issue(keys: &Ring<ChallengeKey>, bound: &Bound<'_>, site_key: &str) -> Issued {
    Issued { site_key: site_key.to_owned(), action: ACTION.to_owned(), cdata: cdata(keys.current(), bound) }
}

/// Digest and key id, in the letters and within the 255 characters that Turnstile takes as `cData`.
pub fn cdata(key: &ChallengeKey, bound: &Bound<'_>) -> String {
    format!("{}-{}", bytes::encode(&bound.digest(key, KIND).0), key.id())
}

/// What a client gave as its answer: 1 to [`ANSWER_CHARS_MAX`] visible ASCII characters.
#[derive(Clone, Copy)]
pub struct Token<'a>(&'a str);

impl<'a> Token<'a> {
    /// `None` for what no widget makes, before it costs a request.
    pub fn parse(answer: &'a str) -> Option<Self> {
        let fits = (1..=ANSWER_CHARS_MAX).contains(&answer.len());
        (fits && answer.bytes().all(|byte| byte.is_ascii_graphic())).then_some(Self(answer))
    }

    fn nonce(self) -> Nonce {
        let hash = bytes::sha256(&bytes::prefixed(&[b"tiffin-turnstile-v1", self.0.as_bytes()]));
        Nonce(Bytes(bytes::truncate(hash)))
    }
}

/// A `POST` for the host to send. Has no `Debug`: the body holds the secret.
pub struct Outgoing {
    /// Where to.
    pub url: String,
    /// `content-type`.
    pub content_type: &'static str,
    /// JSON.
    pub body: Secret<String>,
}

/// Asks about a token. `url` is [`SITEVERIFY_URL`]. With the same `idempotency` the question may be repeated after a
/// silence: without it, a token whose answer was lost counts as spent.
pub fn request(
    url: &str,
    secret: &Secret<String>,
    token: Token<'_>,
    remote_ip: Option<&str>,
    idempotency: [u8; 16],
) -> Outgoing {
    let mut body = json!({
        "secret": secret.expose(),
        "response": token.0,
        "idempotency_key": uuid(idempotency),
    });
    if let (Some(ip), Some(body)) = (remote_ip, body.as_object_mut()) {
        body.insert("remoteip".to_owned(), ip.into());
    }
    Outgoing { url: url.to_owned(), content_type: "application/json", body: Secret::new(body.to_string()) }
}

/// Version 4 (RFC 9562 section 5.4): the only form that Cloudflare takes as an idempotency key.
fn uuid(random: [u8; 16]) -> String {
    let number = u128::from_be_bytes(random);
    let number = number & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let text = format!("{number:032x}");
    let part = |from, to| text.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// What a token must speak of.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    /// The tenant's sites, in lower case.
    pub hostnames: &'a [String],
    /// The keys that [`cdata`] was made with.
    pub keys: &'a Ring<ChallengeKey>,
    /// The order at hand.
    pub bound: Bound<'a>,
}

/// What `siteverify` said, or that it did not: `None` after a timeout or a failed connection.
#[derive(Clone, Copy)]
pub struct Reply<'a> {
    /// HTTP.
    pub status: u16,
    /// As received.
    pub body: &'a [u8],
}

/// What a token is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Good, once.
    Solved(Nonce),
    /// Not good; the client needs another challenge.
    Refused(Reason),
    /// Nobody knows. See the module for what to do.
    Unavailable(Outage),
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Cloudflare does not know it.
    Invalid,
    /// Older than five minutes, or used before.
    ExpiredOrSpent,
    /// Solved on a site that is not the tenant's.
    OtherSite,
    /// Solved for another purpose.
    OtherAction,
    /// Solved for another tenant, address or visitor, or under a key no longer in the ring.
    OtherOrder,
}

/// Why nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    /// No reply, a failure of Cloudflare's, or something that is no answer.
    Service,
    /// Our secret or our question is wrong: the operator must act.
    Configuration,
}

#[derive(Deserialize)]
struct Body {
    success: bool,
    #[serde(default)]
    hostname: Option<String>,
    #[serde(default)]
    action: Option<String>,
    #[serde(default)]
    cdata: Option<String>,
    #[serde(rename = "error-codes", default)]
    error_codes: Vec<String>,
}

/// Reads the reply about `token`.
pub fn classify(reply: Option<Reply<'_>>, token: Token<'_>, expected: &Expected<'_>) -> Verdict {
    let Some(body) = reply.and_then(read) else {
        return Verdict::Unavailable(Outage::Service);
    };
    if !body.success {
        return failed(&body.error_codes);
    }
    if reply.is_none_or(|reply| reply.status != 200) {
        return Verdict::Unavailable(Outage::Service);
    }
    let hostname = body.hostname.unwrap_or_default();
    if !expected.hostnames.iter().any(|ours| ours.eq_ignore_ascii_case(&hostname)) {
        return Verdict::Refused(Reason::OtherSite);
    }
    if body.action.as_deref() != Some(ACTION) {
        return Verdict::Refused(Reason::OtherAction);
    }
    if !is_ours(body.cdata.as_deref().unwrap_or_default(), expected) {
        return Verdict::Refused(Reason::OtherOrder);
    }
    Verdict::Solved(token.nonce())
}

fn read(reply: Reply<'_>) -> Option<Body> {
    if reply.body.len() > REPLY_BYTES_MAX {
        return None;
    }
    bytes::read_json(reply.body).ok()
}

/// A word against the token outweighs a word about an outage: of several, the refusal counts.
fn failed(codes: &[String]) -> Verdict {
    let has = |wanted: &[&str]| codes.iter().any(|code| wanted.contains(&code.as_str()));
    if has(&["invalid-input-response", "missing-input-response"]) {
        Verdict::Refused(Reason::Invalid)
    } else if has(&["timeout-or-duplicate"]) {
        Verdict::Refused(Reason::ExpiredOrSpent)
    } else if has(&["invalid-input-secret", "missing-input-secret", "bad-request"]) {
        Verdict::Unavailable(Outage::Configuration)
    } else {
        Verdict::Unavailable(Outage::Service)
    }
}

fn is_ours(cdata: &str, expected: &Expected<'_>) -> bool {
    let Some((digest, rest)) = cdata.split_at_checked(DIGEST_CHARS) else {
        return false;
    };
    let id = rest.strip_prefix('-').and_then(|id| KeyId::parse(id).ok());
    let key = id.and_then(|id| expected.keys.get(&id));
    let digest = bytes::decode_array(digest).map(Bytes);
    key.zip(digest).is_some_and(|(key, digest)| expected.bound.is(key, KIND, &digest))
}

#[cfg(test)]
mod tests;
