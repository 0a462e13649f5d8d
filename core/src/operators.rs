//! Who may use the operators' API and the console, and as what: people with tokens of their own, and who holds the shared one.

use tiffin_shared::admin::By;
use tiffin_shared::bytes;
use tiffin_shared::operator::Role;
use tiffin_shared::operator::SignedIn;
use tiffin_shared::operator::TokenDigest;
use tiffin_shared::problem::Problem;

use crate::app::App;
use crate::config::names::OPERATOR_TOKEN;
use crate::host;

/// Who holds the shared token and says no name.
const NOBODY: &str = "operator";
/// Of a name.
const NAME_CHARS_MAX: usize = 64;

/// Somebody who proved who he is.
#[derive(Clone, Debug)]
pub struct Who {
    /// As the audit names him.
    pub by: By,
    /// What he may do.
    pub role: Role,
    /// Of the token that he showed.
    pub digest: TokenDigest,
}

/// A name that cannot stand in the audit.
#[derive(Debug, thiserror::Error)]
#[error("must be 1 to {NAME_CHARS_MAX} of letters, digits, space, '@', '.', '_' and '-'")]
pub struct BadName;

/// A keyed hash of something that must not stand in the audit: with the shared token, the same again is recognised.
pub fn audit_hash(app: &App, of: &str) -> Result<String, Problem> {
    let Some(shared) = &app.shared_token else {
        let detail = format!(
            "The audit names this by a hash under {OPERATOR_TOKEN}, which this process does not have. Set it and start again."
        );
        return Err(Problem::unavailable(detail));
    };
    let hash = bytes::hmac_sha256(shared.as_bytes(), &[b"tiffin-audit-v1", of.as_bytes()]);
    Ok(bytes::encode(&bytes::truncate::<12>(hash)))
}

/// Hashes who tries to sign in: the same in all processes that have a shared token.
pub fn sign_in_key(shared: Option<&TokenDigest>) -> Result<[u8; 32], host::NoRandomness> {
    match shared {
        Some(shared) => Ok(bytes::hmac_sha256(shared.as_bytes(), &[b"tiffin-sign-in-v1"])),
        None => host::random(),
    }
}

/// Whether anybody can get in at all.
pub fn is_open(app: &App) -> bool {
    app.shared_token.is_some() || !app.settled.current().operators.is_empty()
}

/// Whose token this is. `name` is what the holder of the shared one calls himself.
pub fn by_token(app: &App, token: &str, name: Option<&str>) -> Result<Option<Who>, BadName> {
    let name = checked(name)?;
    Ok(by_digest(app, TokenDigest::of(token), &name))
}

/// Whose sign-in this is, if its token still opens.
pub fn by_session(app: &App, signed_in: &SignedIn) -> Option<Who> {
    by_digest(app, signed_in.digest, &signed_in.name)
}

fn by_digest(app: &App, digest: TokenDigest, name: &str) -> Option<Who> {
    let settled = app.settled.current();
    // All of them, whichever it is: how long it takes tells nothing.
    let named = settled.operators.iter().fold(None, |found, (id, kept)| {
        if kept.value.digest == digest { Some((id.to_string(), kept.value.role)) } else { found }
    });
    let is_shared = app.shared_token == Some(digest);
    let (name, role) = named.or_else(|| is_shared.then(|| (name.to_owned(), Role::Operator)))?;
    Some(Who { by: By { name, token: digest.id() }, role, digest })
}

fn checked(name: Option<&str>) -> Result<String, BadName> {
    let name = name.unwrap_or(NOBODY);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b" @._-".contains(&byte);
    let is_good = !name.is_empty() && name.len() <= NAME_CHARS_MAX && name.bytes().all(is_plain);
    if is_good { Ok(name.to_owned()) } else { Err(BadName) }
}
