//! Whether a number may be sent to at all, before anything is spent on it.

use crate::country::Country;
use crate::directory::Caller;
use crate::phone::Phone;
use crate::problem::Code;
use crate::problem::Problem;

/// What is known of a number.
pub(super) struct Number {
    pub(super) country: Option<Country>,
}

impl Number {
    /// `a number of IN`.
    pub(super) fn text(&self) -> String {
        self.country.map_or_else(|| "a number".to_owned(), |country| format!("a number of {country}"))
    }
}

pub(super) fn number(_phone: &Phone, caller: &Caller<'_>) -> Result<Number, Problem> {
    let country = None;
    if !caller.tenant.countries.allow(country) {
        return Err(Problem::new(Code::DestinationNotAllowed, "This country is not open to you."));
    }
    Ok(Number { country })
}
