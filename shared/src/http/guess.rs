//! Reading `POST /v1/orders/{id}/verify`.

use super::Request;
use super::create;
use crate::bytes;
use crate::problem;
use crate::problem::Problem;
use crate::wire::api;
use crate::wire::object::Object;

pub(super) fn read(request: &Request) -> Result<api::Verify, Problem> {
    create::is_json(request)?;
    // The parser's own words could repeat the guess.
    let invalid = |_| {
        let detail = "The body must be {\"code\": \"…\"} with 4 to 10 digits as text, and `binding` where the order has one.";
        Problem::new(problem::Code::InvalidRequest, detail)
    };
    let Object(guess) = bytes::read_json::<Object<api::Verify>>(&request.body).map_err(invalid)?;
    Ok(guess)
}
