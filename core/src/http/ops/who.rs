//! Who acts: the name that an operator gives, and the token that proves he may.

use axum::extract::Request;
use tiffin_shared::admin::By;
use tiffin_shared::bytes;
use tiffin_shared::problem::Code;
use tiffin_shared::problem::Problem;

/// Says who it is, where several people share the token.
const OPERATOR: &str = "x-operator";
/// Who says nothing.
const NOBODY: &str = "operator";
/// Of a name.
const NAME_CHARS_MAX: usize = 64;

/// Of a request whose token was checked.
pub(super) fn read(request: &Request, token: &str) -> Result<By, Problem> {
    let name = match request.headers().get(OPERATOR) {
        None => NOBODY,
        Some(value) => value.to_str().unwrap_or_default(),
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b" @._-".contains(&byte);
    if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.bytes().all(is_plain) {
        let detail = format!(
            "X-Operator: must be 1 to {NAME_CHARS_MAX} of letters, digits, space, '@', '.', '_' and '-'."
        );
        return Err(Problem::new(Code::InvalidRequest, detail));
    }
    // The start of the digest: tells tokens apart, and opens nothing.
    let digest: [u8; 6] = bytes::truncate(bytes::sha256(token.as_bytes()));
    Ok(By { name: name.to_owned(), token: bytes::encode(&digest) })
}
