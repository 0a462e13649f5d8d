//! Twilio's errors: `{"code", "message", "more_info", "status"}`.

use axum::Json;
use axum::extract::rejection::FormRejection;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use serde_json::json;

use super::codes;
use crate::sandbox::taking::Refusal;

/// What the sandbox refuses with, in Twilio's words.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("Authenticate")]
    Authenticate,
    #[error("Message body is required.")]
    BodyMissing,
    #[error("The concatenated message body exceeds the 1600 character limit.")]
    BodyTooLong,
    #[error("The 'StatusCallback' URL is not a valid URL.")]
    CallbackInvalid,
    #[error("A 'From' phone number is required.")]
    FromMissing,
    #[error("Internal Server Error")]
    Internal,
    #[error("The requested resource was not found")]
    NotFound,
    #[error("Invalid parameter: {0}")]
    Parameter(String),
    /// Any other of the provider's refusals, by its code.
    #[error("{}", codes::message(*.0))]
    Scripted(u32),
    #[error("The request is too large")]
    TooLarge,
    /// With the seconds after which to come back.
    #[error("Too Many Requests")]
    TooManyRequests(u64),
    #[error("Invalid 'To' Phone Number")]
    ToInvalid,
    #[error("Document parse failure")]
    TwimlInvalid,
}

impl Error {
    fn code(&self) -> (StatusCode, u32) {
        match self {
            Self::Authenticate => (StatusCode::UNAUTHORIZED, 20003),
            Self::BodyMissing => (StatusCode::BAD_REQUEST, 21602),
            Self::BodyTooLong => (StatusCode::BAD_REQUEST, 21617),
            Self::CallbackInvalid => (StatusCode::BAD_REQUEST, 21609),
            Self::FromMissing => (StatusCode::BAD_REQUEST, 21603),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, 20500),
            Self::NotFound => (StatusCode::NOT_FOUND, 20404),
            Self::Parameter(_) => (StatusCode::BAD_REQUEST, 20001),
            Self::Scripted(code) => (codes::status(*code), *code),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, 20001),
            Self::TooManyRequests(_) => (StatusCode::TOO_MANY_REQUESTS, 20429),
            Self::ToInvalid => (StatusCode::BAD_REQUEST, 21211),
            Self::TwimlInvalid => (StatusCode::BAD_REQUEST, 12100),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, code) = self.code();
        let body = json!({
            "code": code,
            "message": self.to_string(),
            "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
            "status": status.as_u16(),
        });
        let mut response = (status, Json(body)).into_response();
        if let Self::TooManyRequests(retry_after_s) = self {
            response.headers_mut().insert(header::RETRY_AFTER, retry_after_s.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            let challenge = header::HeaderValue::from_static("Basic realm=\"Twilio API\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

impl From<Refusal<Self>> for Error {
    fn from(refusal: Refusal<Self>) -> Self {
        match refusal {
            Refusal::Code(code) => Self::Scripted(code.parse().unwrap_or_default()),
            Refusal::Internal => Self::Internal,
            Refusal::Invalid(error) => error,
            Refusal::TooMany(retry_after_s) => Self::TooManyRequests(retry_after_s),
        }
    }
}

impl From<FormRejection> for Error {
    fn from(rejection: FormRejection) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            _other => Self::Parameter(rejection.body_text()),
        }
    }
}

impl From<QueryRejection> for Error {
    fn from(rejection: QueryRejection) -> Self {
        Self::Parameter(rejection.body_text())
    }
}
