//! Calls about factors.

use super::Operation;
use super::body;
use super::linked;
use crate::http::openapi::replies;
use crate::problem::Code;

pub(super) fn all() -> [Operation; 3] {
    [enrol(), verify_factor(), remove_factor()]
}

fn enrol() -> Operation {
    let enrolled = replies::json_of(
        "EnrolledFactor",
        "Enrolled: show the picture to the user. A right code within 15 minutes confirms it.",
        &["Idempotency-Replayed"],
    );
    Operation {
        method: "post",
        path: "/v1/factors",
        id: "enrolFactor",
        tag: "factors",
        summary: "Enrol an authenticator app",
        description: "The secret is shown until the factor is confirmed, and never after.",
        parameters: &["FactorKey"],
        body: body("EnrolFactor", true),
        replies: vec![(201, linked(enrolled, "$response.body#/id", &["verifyFactor", "removeFactor"]))],
        refusals: &[
            Code::Forbidden,
            Code::IdempotencyMismatch,
            Code::InvalidRequest,
            Code::NotFound,
            Code::NothingChanged,
        ],
        is_open: false,
    }
}

fn verify_factor() -> Operation {
    Operation {
        method: "post",
        path: "/v1/factors/{id}/verify",
        id: "verifyFactor",
        tag: "factors",
        summary: "Check an app's code",
        description: "The first right code confirms the factor. None is accepted twice.",
        parameters: &["FactorId"],
        body: body("VerifyFactor", true),
        replies: vec![(200, replies::json_of("VerifiedFactor", "What the guess came to.", &[]))],
        refusals: &[Code::Forbidden, Code::InvalidRequest, Code::NotFound, Code::RateLimited],
        is_open: false,
    }
}

fn remove_factor() -> Operation {
    Operation {
        method: "delete",
        path: "/v1/factors/{id}",
        id: "removeFactor",
        tag: "factors",
        summary: "Remove an authenticator app",
        description: "Its secret is forgotten at once. Removing it again answers the same.",
        parameters: &["FactorId"],
        body: None,
        replies: vec![(204, replies::empty("It is gone.", &[]))],
        refusals: &[Code::Forbidden, Code::InvalidRequest, Code::NotFound],
        is_open: false,
    }
}
