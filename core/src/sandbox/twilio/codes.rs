//! Twilio's error codes, as far as a script may want them (www.twilio.com/docs/api/errors).

use axum::http::StatusCode;

/// How the API answers with a code. One that is not known here is a plain 400, as most of them are.
pub(super) fn status(code: u32) -> StatusCode {
    match code {
        20_003 => StatusCode::UNAUTHORIZED,
        20_005 | 20_008 | 20_403 => StatusCode::FORBIDDEN,
        20_404 => StatusCode::NOT_FOUND,
        20_009 | 30_409 => StatusCode::CONFLICT,
        14_107 | 20_429 => StatusCode::TOO_MANY_REQUESTS,
        20_500 => StatusCode::INTERNAL_SERVER_ERROR,
        20_503 => StatusCode::SERVICE_UNAVAILABLE,
        _other => StatusCode::BAD_REQUEST,
    }
}

/// What the provider says with it.
pub(super) fn message(code: u32) -> &'static str {
    match code {
        14_107 => "Message rate limit exceeded",
        20_003 => "Authenticate",
        20_005 => "Account not active",
        20_404 => "The requested resource was not found",
        20_429 => "Too Many Requests",
        20_500 => "Internal Server Error",
        20_503 => "Service Unavailable",
        21_211 => "Invalid 'To' Phone Number",
        21_215 => "Geo Permission configuration is not permitting call",
        21_408 => {
            "Permission to send an SMS has not been enabled for the region indicated by the 'To' number"
        }
        21_606 => {
            "The 'From' phone number provided is not a valid message-capable phone number for this account"
        }
        21_610 => "Attempt to send to unsubscribed recipient",
        21_612 => "Message cannot be sent with the current combination of 'To' and/or 'From' parameters",
        21_614 => "'To' number is not a valid mobile number",
        30_001 => "Queue overflow",
        30_002 => "Account suspended",
        30_003 => "Unreachable destination handset",
        30_004 => "Message blocked",
        30_005 => "Unknown destination handset",
        30_006 => "Landline or unreachable carrier",
        30_007 => "Message filtered",
        30_008 => "Unknown error",
        20_009 => "Cannot modify a message that is not final",
        30_400 => "Parameters are not valid",
        30_409 => "This message cannot be canceled",
        30_034 => "Message from an Unregistered Number",
        21_656 => "The ContentVariables Parameter is invalid",
        63_007 => "Twilio could not find a Channel with the specified From address",
        63_024 => "Invalid message recipient",
        30_036 => "Validity Period Expired",
        _other => "The message was refused",
    }
}
