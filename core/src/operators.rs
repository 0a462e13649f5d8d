//! Who may use the operators' API and the console, and as what: people with tokens of their own, and who holds the shared one.

use subtle::ConstantTimeEq;
use tiffin_shared::admin::By;
use tiffin_shared::admin::token_of;
use tiffin_shared::bytes;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::operator;
use tiffin_shared::operator::Role;
use tiffin_shared::operator::SignedIn;

use crate::app::App;
use crate::config;
use crate::config::Environment;
use crate::config::names::OPERATOR_TOKEN;
use crate::host;

/// Shorter ones can be guessed. `tiffin keys make` makes 43 characters.
pub const TOKEN_CHARS_MIN: usize = 32;
/// Who holds the shared token and says no name.
const NOBODY: &str = "operator";
/// Of a name.
const NAME_CHARS_MAX: usize = 64;

/// The installation's own token, with which the first operators are made. Its digest: the token itself is not kept.
pub struct SharedToken(Bytes<32>);

/// Somebody who proved who he is.
#[derive(Clone, Debug)]
pub struct Who {
    /// As the audit names him.
    pub by: By,
    /// What he may do.
    pub role: Role,
    /// Of the token that he showed.
    pub digest: Bytes<32>,
}

/// A name that cannot stand in the audit.
#[derive(Debug, thiserror::Error)]
#[error("must be 1 to {NAME_CHARS_MAX} of letters, digits, space, '@', '.', '_' and '-'")]
pub struct BadName;

impl SharedToken {
    /// From the environment, where there is one.
    pub fn read(environment: &Environment) -> Result<Option<Self>, config::Error> {
        let Some(token) = environment.get(OPERATOR_TOKEN) else { return Ok(None) };
        if token.chars().count() < TOKEN_CHARS_MIN {
            let reason = format!(
                "shorter than {TOKEN_CHARS_MIN} characters. `tiffin keys make --missing` makes one where there is none"
            );
            return Err(config::Error::Invalid { place: OPERATOR_TOKEN.to_owned(), reason });
        }
        Ok(Some(Self(operator::digest(&token))))
    }

    /// A keyed hash of something that must not stand in the audit: with the token, the same again is recognised.
    pub fn hash(&self, of: &str) -> String {
        let hash: [u8; 12] =
            bytes::truncate(bytes::hmac_sha256(&self.0.0, &[b"tiffin-audit-v1", of.as_bytes()]));
        bytes::encode(&hash)
    }
}

/// Hashes who tries to sign in: the same in all processes that have a shared token.
pub fn sign_in_key(shared: Option<&SharedToken>) -> Result<[u8; 32], host::NoRandomness> {
    match shared {
        Some(shared) => Ok(bytes::hmac_sha256(&shared.0.0, &[b"tiffin-sign-in-v1"])),
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
    Ok(by_digest(app, &operator::digest(token), &name))
}

/// Whose sign-in this is, if its token still opens.
pub fn by_session(app: &App, signed_in: &SignedIn) -> Option<Who> {
    by_digest(app, &signed_in.digest, &signed_in.name)
}

fn by_digest(app: &App, digest: &Bytes<32>, name: &str) -> Option<Who> {
    let is = |known: &Bytes<32>| bool::from(known.0.ct_eq(&digest.0));
    let settled = app.settled.current();
    // All of them, whichever it is: how long it takes tells nothing.
    let named = settled.operators.iter().fold(None, |found, (id, kept)| {
        if is(&kept.value.digest) { Some((id.to_string(), kept.value.role)) } else { found }
    });
    let shared = app.shared_token.as_ref().filter(|shared| is(&shared.0));
    let (name, role) = named.or_else(|| shared.map(|_| (name.to_owned(), Role::Operator)))?;
    Some(Who { by: By { name, token: token_of(digest) }, role, digest: *digest })
}

fn checked(name: Option<&str>) -> Result<String, BadName> {
    let name = name.unwrap_or(NOBODY);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b" @._-".contains(&byte);
    let is_good = !name.is_empty() && name.len() <= NAME_CHARS_MAX && name.bytes().all(is_plain);
    if is_good { Ok(name.to_owned()) } else { Err(BadName) }
}
