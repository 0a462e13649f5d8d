//! Reading `RateLimit-Policy` and `RateLimit`: limits, written as a structured-field list (RFC 9651).

use anyhow::Context;
use tiffin_tests::client::Reply;

/// What a reply says of one limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub name: String,
    /// Requests at most, and within how many seconds.
    pub quota: u64,
    pub window_s: u64,
    /// Requests left, and seconds until there is one more.
    pub remaining: u64,
    pub reset_s: u64,
}

/// The one limit in a reply, which must be well formed.
pub fn read(reply: &Reply) -> anyhow::Result<Told> {
    let mut limits = read_all(reply)?;
    anyhow::ensure!(limits.len() == 1, "not one limit in {reply:?}");
    limits.pop().with_context(|| format!("no limit in {reply:?}"))
}

/// Every limit in a reply, of which both fields must tell, in the same order.
pub fn read_all(reply: &Reply) -> anyhow::Result<Vec<Told>> {
    let field = |name| reply.header(name).with_context(|| format!("no {name} in {reply:?}"));
    let policies: Vec<_> = field("ratelimit-policy")?.split(", ").collect();
    let limits: Vec<_> = field("ratelimit")?.split(", ").collect();
    anyhow::ensure!(policies.len() == limits.len(), "{reply:?}");
    let told = |(policy, limit)| {
        let (name, [quota, window_s]) = item(policy, ["q", "w"])?;
        let (same, [remaining, reset_s]) = item(limit, ["r", "t"])?;
        anyhow::ensure!(name == same && window_s > 0 && remaining <= quota, "{reply:?}");
        Ok(Told { name, quota, window_s, remaining, reset_s })
    };
    policies.into_iter().zip(limits).map(told).collect()
}

/// `"name";a=1;b=2` with exactly these parameters.
fn item(text: &str, names: [&str; 2]) -> anyhow::Result<(String, [u64; 2])> {
    let quoted = text.strip_prefix('"').and_then(|rest| rest.split_once('"'));
    let (name, rest) = quoted.with_context(|| format!("no string at the head of {text:?}"))?;
    let parts: Vec<_> = rest.split(';').collect();
    let ["", first, second] = parts[..] else { anyhow::bail!("not two parameters: {text:?}") };
    let number = |part: &str, name| -> anyhow::Result<u64> {
        let digits = part.strip_prefix(name).and_then(|rest| rest.strip_prefix('='));
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        Ok(digits.with_context(|| format!("no {name} in {text:?}"))?.parse()?)
    };
    Ok((name.to_owned(), [number(first, names[0])?, number(second, names[1])?]))
}

/// Seconds of `Retry-After`.
pub fn retry_after_s(reply: &Reply) -> anyhow::Result<u64> {
    Ok(reply.header("retry-after").with_context(|| format!("no Retry-After in {reply:?}"))?.parse()?)
}
