//! Phone numbers as people write them, for the command line. The API takes E.164 alone, so that no number has two spellings.

use rlibphonenumber::PHONE_NUMBER_UTIL;
use rlibphonenumber::ParseError;
use rlibphonenumber::PhoneNumberFormat;
use rlibphonenumber::Region;
use tiffin_shared::country::Country;
use tiffin_shared::phone::Phone;

/// The longest text that is looked at: libphonenumber's own limit, in bytes.
const TEXT_BYTES_MAX: usize = 250;

/// A number that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// In E.164.
    pub phone: Phone,
    /// What stood behind it, as `5` in `ext. 5`: no message can be sent to an extension.
    pub extension: Option<String>,
}

/// Why a text is not a number that a message can go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Neither a plus nor a country to read it in.
    #[error("without a country code it takes a country: --country IN")]
    Country,
    /// Digits behind a plus that no country has, or a default country that has no numbers.
    #[error("there is no such country code")]
    CountryCode,
    /// Too many digits for any number of the country.
    #[error("too many digits for a number of its country")]
    Long,
    /// No number at all.
    #[error("not a phone number")]
    NotANumber,
    /// Too few digits for any number of the country.
    #[error("too few digits for a number of its country")]
    Short,
}

/// Reads national and international forms, `tel:` addresses (RFC 3966) and digits of any script. A number without country
/// code is one of `country`. Whether it has been given out is not checked: [`classify`](tiffin_shared::phone::classify)
/// tells.
pub fn read(text: &str, country: Option<Country>) -> Result<Read, Error> {
    // What is E.164 already stays as it is: a leading zero that the country would drop is the caller's business.
    if let Ok(phone) = Phone::parse(text) {
        return Ok(Read { phone, extension: None });
    }
    if text.len() > TEXT_BYTES_MAX {
        return Err(Error::NotANumber);
    }
    let text = text.trim();
    let unread =
        |error| if country.is_none() && error == Error::CountryCode { Error::Country } else { error };
    let region = country.map(|country| Region::from_code(country.as_str())).transpose();
    let region = region.map_err(|_| Error::CountryCode)?;
    // Most countries dial 00 before another country's code; without a country to say so, it is taken for that.
    let international = text.strip_prefix("00").filter(|_| country.is_none()).map(|rest| format!("+{rest}"));
    let text = international.as_deref().unwrap_or(text);
    let number = PHONE_NUMBER_UTIL.parse(text, region).map_err(|error| {
        let has_plus = text.trim_start_matches("tel:").starts_with(['+', '\u{ff0b}']);
        if has_plus { reason(&error) } else { unread(reason(&error)) }
    })?;
    let e164 = PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164);
    let phone = Phone::parse(&e164).map_err(|error| match error {
        tiffin_shared::phone::Error::Length if e164.len() < TEXT_BYTES_MAX => Error::Short,
        _ => Error::NotANumber,
    })?;
    Ok(Read { phone, extension: number.extension.filter(|extension| !extension.is_empty()) })
}

fn reason(error: &ParseError) -> Error {
    match error {
        ParseError::InvalidCountryCode => Error::CountryCode,
        ParseError::TooShortAfterIdd | ParseError::TooShortNsn => Error::Short,
        ParseError::TooLongNsn => Error::Long,
        _ => Error::NotANumber,
    }
}

#[cfg(test)]
mod tests;
