//! Bodies of the calls about factors, as JSON has them.

use serde::Deserialize;
use serde::Serialize;

use crate::code::Code;
use crate::factor::totp::Algorithm;

/// `POST /v1/factors`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EnrolFactor {
    /// Whom the app shows: 1–64 printable characters without `:`.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = crate::factor::otpauth::ACCOUNT_CHARS_MAX), regex(pattern = crate::http::openapi::patterns::LABEL)))]
    pub account: String,
    /// Who asks for the codes, in the user's eyes: 1–30 printable characters without `:`.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = crate::factor::otpauth::ISSUER_CHARS_MAX), regex(pattern = crate::http::openapi::patterns::LABEL)))]
    pub issuer: String,
    /// Default `sha1`, the only one that every app follows.
    #[serde(default)]
    pub algorithm: Option<Algorithm>,
    /// Digits of a code: 6 or 8; default 6.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = [6, 8, null])))]
    pub digits: Option<u8>,
}

/// Reply of `POST /v1/factors`. Holds the secret: no `Debug`.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct EnrolledFactor {
    /// `fac_…`.
    #[cfg_attr(feature = "openapi", schemars(regex(pattern = r"^fac_[A-Za-z0-9_-]{32}$")))]
    pub id: String,
    /// For the app; `secret` in it can be typed by hand.
    #[cfg_attr(feature = "openapi", schemars(regex(pattern = "^otpauth://totp/"), length(max = crate::factor::otpauth::URI_BYTES_MAX)))]
    pub otpauth_uri: String,
    /// The same as a picture.
    pub qr_svg: String,
}

/// `POST /v1/factors/{id}/verify`.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct VerifyFactor {
    /// 4–10 digits.
    #[cfg_attr(feature = "openapi", schemars(with = "String", regex(pattern = r"^[0-9]{4,10}$")))]
    pub code: Code,
}

/// Reply of `POST /v1/factors/{id}/verify`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct VerifiedFactor {
    /// What the guess came to.
    pub result: FactorResult,
}

/// What a guess at a factor's code came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FactorResult {
    /// It was right, but that code or a later one was accepted before. Wait for the next one.
    AlreadyUsed,
    /// A hundred in a row were wrong: none is looked at any more. Remove the factor and enrol a new one.
    Locked,
    /// It is right. The first time, it confirms the factor.
    Verified,
    /// It is none of the codes around now.
    WrongCode,
}
