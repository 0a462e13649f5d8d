//! Graph API's errors: `{"error": {"message", "type", "code", "error_data", "fbtrace_id"}}`.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use serde_json::json;

/// What the sandbox refuses with, in Meta's words.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("(#2) Service temporarily unavailable")]
    Internal,
    #[error("(#131009) Parameter value is not valid: {0}")]
    Parameter(&'static str),
    /// Any of Meta's refusals, by its code.
    #[error("(#{0}) The message was refused")]
    Scripted(u32),
    /// With the seconds after which to come back.
    #[error("(#130429) Rate limit hit")]
    TooManyRequests(u64),
}

impl Error {
    fn code(&self) -> (StatusCode, u32) {
        match self {
            Self::Internal => (StatusCode::SERVICE_UNAVAILABLE, 2),
            Self::Parameter(_) => (StatusCode::BAD_REQUEST, 131_009),
            Self::Scripted(code) => (status(*code), *code),
            Self::TooManyRequests(_) => (StatusCode::TOO_MANY_REQUESTS, 130_429),
        }
    }
}

/// As Meta's list of errors has them.
fn status(code: u32) -> StatusCode {
    match code {
        0 | 190 => StatusCode::UNAUTHORIZED,
        3 | 10 | 200..=299 | 368 | 131_005 | 131_031 => StatusCode::FORBIDDEN,
        132_001 => StatusCode::NOT_FOUND,
        131_000 => StatusCode::INTERNAL_SERVER_ERROR,
        1 | 2 | 131_016 | 133_004 => StatusCode::SERVICE_UNAVAILABLE,
        _other => StatusCode::BAD_REQUEST,
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, code) = self.code();
        let message = self.to_string();
        let details = json!({ "messaging_product": "whatsapp", "details": message });
        let error = json!({
            "message": message,
            "type": "OAuthException",
            "code": code,
            "error_data": details,
            "fbtrace_id": "Asandbox",
        });
        let mut response = (status, Json(json!({ "error": error }))).into_response();
        if let Self::TooManyRequests(retry_after_s) = self {
            response.headers_mut().insert(header::RETRY_AFTER, retry_after_s.into());
        }
        response
    }
}
