//! Whether a number may be sent to at all, before anything is spent on it.

use super::Visit;
use crate::bytes::Bytes;
use crate::country::Country;
use crate::directory::Caller;
use crate::guard::Cause;
use crate::guard::Level;
use crate::guard::Mode;
use crate::phone::Kind;
use crate::phone::Phone;
use crate::phone::classify;
use crate::problem::Code;
use crate::problem::Problem;
use crate::risk::Factor;
use crate::risk::Factors;

/// What is known of a number.
pub(super) struct Number {
    pub(super) country: Option<Country>,
    pub(super) kind: Kind,
}

impl Number {
    /// `mobile, IN`.
    pub(super) fn text(&self) -> String {
        let country = self.country.map_or_else(|| "no country".to_owned(), |country| country.to_string());
        format!("{}, {country}", self.kind.as_str())
    }
}

/// What kind of number it is, and whether this tenant sends to such numbers.
pub(super) fn number(phone: &Phone, caller: &Caller<'_>) -> Result<Number, Problem> {
    let class = classify(phone);
    let number = Number { country: class.country, kind: class.kind };
    let tenant = caller.tenant;
    if number.kind == Kind::Invalid && !tenant.kinds.contains(&Kind::Invalid) {
        let detail = "to.phone: no such number can exist in its country. Check the digits.";
        return Err(Problem::new(Code::InvalidPhone, detail));
    }
    let refused = |detail: String| Err(Problem::new(Code::DestinationNotAllowed, detail));
    if !tenant.countries.allow(number.country) {
        let country = number.country.map_or("numbers of no country", |_| "this country");
        return refused(format!("to.phone: {country} ({}) is not open to you.", number.text()));
    }
    if number.kind.is_denied_by_default() && !tenant.kinds.contains(&number.kind) {
        return refused(format!(
            "to.phone: numbers of this kind ({}) are not open to you.",
            number.kind.as_str()
        ));
    }
    if tenant.blocks(phone) {
        return Err(Problem::new(Code::Blocked, "to.phone: this number is blocked."));
    }
    Ok(number)
}

/// What the guard against pumping has to say of such numbers. True when a challenge is due.
pub(super) fn guard(
    visit: &Visit<'_>,
    caller: &Caller<'_>,
    number: Option<(Bytes<8>, Country)>,
    factors: &mut Factors,
) -> Result<bool, Problem> {
    let Some((prefix, country)) = number else { return Ok(false) };
    let found = visit.directory.blocklist.lookup(caller.id, prefix, country, visit.now);
    match found.because {
        None => return Ok(false),
        Some(Cause::CountryDrop) => factors.insert(Factor::CountrySuspicious),
        Some(_) => factors.insert(Factor::PrefixSuspicious),
    }
    match (found.mode, found.level) {
        (Mode::RecordOnly, _) | (_, Level::Open) => Ok(false),
        (Mode::Enforce, Level::Challenge) => Ok(true),
        (Mode::Enforce, Level::Block) => {
            let detail =
                "to.phone: numbers like this one are blocked for now: none of their codes was ever used.";
            Err(Problem::new(Code::Blocked, detail))
        }
    }
}
