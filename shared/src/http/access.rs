//! Who calls, and what that key is for.

use super::Request;
use crate::directory::Caller;
use crate::directory::Directory;
use crate::directory::KeyKind;
use crate::problem::Code;
use crate::problem::Problem;

/// What is remembered of a caller while somebody is asked.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) kind: KeyKind,
    /// The page that called with a publishable key, which may read the reply.
    pub(super) origin: Option<String>,
}

impl Kept {
    pub(super) fn of(caller: &Caller<'_>, request: &Request) -> Self {
        let origin = request.header("origin").filter(|_| caller.key.kind == KeyKind::Publishable);
        Self { kind: caller.key.kind, origin: origin.map(str::to_owned) }
    }
}

/// The holder of the key that the request shows.
pub(super) fn caller<'a>(directory: &'a Directory, request: &Request) -> Result<Caller<'a>, Problem> {
    let refused = |detail: &str| Problem::new(Code::Unauthenticated, detail);
    // The scheme is case-insensitive (RFC 9110 section 11.1).
    let credentials = request.header("authorization").and_then(|value| value.split_once(' '));
    let key = credentials.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let key = key.map(|(_, key)| key.trim());
    let key = key.ok_or_else(|| refused("Send your API key as `Authorization: Bearer sk_…`."))?;
    let caller = directory.caller(key);
    let caller = caller.ok_or_else(|| refused("This API key is not known. It may have been revoked."))?;
    if !is_from(&caller, request) {
        return Err(refused("This publishable key is not for this page's origin."));
    }
    // No browser sends one, and it would come back in a header of ours.
    if request.header("origin").is_some_and(|origin| !origin.bytes().all(|byte| byte.is_ascii_graphic())) {
        return Err(Problem::new(
            Code::InvalidRequest,
            "Origin: must be visible ASCII, as browsers send it.",
        ));
    }
    Ok(caller)
}

/// A browser tells the page's origin, and a page cannot lie about it. An app sends none: where a key names origins,
/// it is for pages alone.
fn is_from(caller: &Caller<'_>, request: &Request) -> bool {
    let origins = &caller.key.origins;
    if caller.key.kind == KeyKind::Secret || origins.is_empty() {
        return true;
    }
    request.header("origin").is_some_and(|origin| origins.iter().any(|known| known == origin))
}
