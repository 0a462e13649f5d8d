//! Which senders reach which country, as far as it can be known before a provider is asked.
//!
//! What is not listed passes: a provider that refuses it says so, and the order takes its next way.

use crate::country::Country;
use crate::phone;
use crate::phone::Kind;
use crate::phone::Phone;
use crate::route::Sender;
use crate::wire::api::Channel;

/// The longest name that handsets show as a sender (3GPP TS 23.040 section 9.1.2.5: ten octets hold eleven septets).
pub const NAME_CHARS_MAX: usize = 11;
/// Digits of a short code, at least.
const SHORT_CODE_DIGITS_MIN: usize = 3;
/// Digits of a short code, at most: numbers in use are longer.
const SHORT_CODE_DIGITS_MAX: usize = 8;
/// A SID of Twilio: two letters and 32 hexadecimal digits.
const SID_CHARS: usize = 34;

/// Where names do not arrive as senders, or are replaced by numbers: listed as without support by Twilio ("International
/// support for Alphanumeric Sender ID", help.twilio.com/articles/223133767) and by AWS ("Supported countries", AWS End User
/// Messaging guide), whose list has the territories of the United States too. Where it depends on the network, or on a
/// registration, a country is not among them.
const WITHOUT_NAMES: [&str; 29] = [
    "AR", "AS", "BE", "BR", "CA", "CL", "CN", "CO", "CR", "DO", "EC", "GU", "HU", "KR", "KY", "MX", "MY",
    "NI", "NZ", "PA", "PE", "PR", "SV", "TW", "US", "UY", "VE", "VI", "ZA",
];
/// Where the toll-free numbers of North America send: the United States with their territories, and Canada (AWS, "United
/// States Toll-free number registration process"; Twilio, "Canada: SMS guidelines").
const TOLL_FREE_TO: [&str; 7] = ["AS", "CA", "GU", "MP", "PR", "US", "VI"];

/// What a sender is, by how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SenderKind {
    /// A name of up to eleven characters, at least one of them a letter.
    Alphanumeric,
    /// A full telephone number.
    LongCode,
    /// Several senders that a provider chooses from: a Messaging Service of Twilio, or any other id.
    Pool,
    /// Three to eight digits.
    ShortCode,
    /// A full telephone number that the called party pays for.
    TollFree,
}

impl SenderKind {
    /// Reads it off the sender. A number may lack its plus, as some providers have it.
    pub fn of(sender: &Sender) -> Self {
        let text = sender.as_str();
        let digits = text.strip_prefix('+').unwrap_or(text);
        if digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let is_short = (SHORT_CODE_DIGITS_MIN..=SHORT_CODE_DIGITS_MAX).contains(&digits.len());
            return match number(text) {
                _ if is_short && digits.len() == text.len() => Self::ShortCode,
                Some(phone) if phone::classify(&phone).kind == Kind::TollFree => Self::TollFree,
                Some(_) => Self::LongCode,
                None => Self::Pool,
            };
        }
        let is_sid = text.len() == SID_CHARS && text.starts_with("MG");
        if !is_sid && text.len() <= NAME_CHARS_MAX && text.bytes().any(|byte| byte.is_ascii_alphabetic()) {
            Self::Alphanumeric
        } else {
            Self::Pool
        }
    }
}

/// Where a sender is at home: nothing for what has no country of its own, and for a short code, which does not tell.
pub fn home(sender: &Sender) -> Option<Country> {
    match SenderKind::of(sender) {
        SenderKind::LongCode | SenderKind::TollFree => {
            number(sender.as_str()).and_then(|phone| phone::classify(&phone).country)
        }
        SenderKind::Alphanumeric | SenderKind::Pool | SenderKind::ShortCode => None,
    }
}

/// Whether a text message of `sender` can reach `to`. `home` is the sender's country where it is known: the settings' for
/// a short code, [`home`]'s for a number.
pub fn allows(to: Country, sender: &Sender, home: Option<Country>) -> Result<(), &'static str> {
    let is_in = |countries: &[&str]| countries.contains(&to.as_str());
    match SenderKind::of(sender) {
        SenderKind::Alphanumeric if is_in(&WITHOUT_NAMES) => {
            Err("names do not arrive as senders there: it takes a number")
        }
        // Twilio, error 21659: the recipient must be in the short code's country.
        SenderKind::ShortCode if home.is_some_and(|home| home != to) => {
            Err("a short code reaches its own country only")
        }
        SenderKind::TollFree if home.is_none_or(is_of_north_america) && !is_in(&TOLL_FREE_TO) => {
            Err("a toll-free number of North America reaches no other place")
        }
        SenderKind::TollFree if home.is_some_and(|home| !is_of_north_america(home) && home != to) => {
            Err("a toll-free number reaches its own country only")
        }
        _ => Ok(()),
    }
}

/// Whether a message of `sender` by this channel can reach `to`. `country` is the sender's own where the settings name it.
pub fn reaches(
    channel: Channel,
    to: Country,
    sender: &Sender,
    country: Option<Country>,
) -> Result<(), &'static str> {
    match channel {
        Channel::Sms => allows(to, sender, country.or_else(|| home(sender))),
        // Calls and apps know no such rules.
        Channel::Email | Channel::Telegram | Channel::Voice | Channel::Whatsapp => Ok(()),
    }
}

/// What the networks of `to` want of such a sender before they carry its texts, where that can be told from the settings:
/// in the United States a campaign for a number of its own (The Campaign Registry, 10DLC), and a verification for one that
/// is toll-free (Twilio, errors 30034 and 30032).
pub fn wants_registration(to: Country, sender: &Sender) -> Option<&'static str> {
    if to.as_str() != "US" {
        return None;
    }
    match SenderKind::of(sender) {
        SenderKind::LongCode => Some("10DLC campaign"),
        SenderKind::TollFree => Some("toll-free verification"),
        SenderKind::Pool => Some("10DLC campaign or toll-free verification"),
        // Carriers approve a short code before it is leased; names do not arrive there at all.
        SenderKind::Alphanumeric | SenderKind::ShortCode => None,
    }
}

fn is_of_north_america(country: Country) -> bool {
    TOLL_FREE_TO.contains(&country.as_str())
}

fn number(text: &str) -> Option<Phone> {
    if text.starts_with('+') { Phone::parse(text).ok() } else { Phone::parse(&format!("+{text}")).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender(text: &str) -> Sender {
        Sender::parse(text).unwrap()
    }

    fn country(text: &str) -> Country {
        Country::parse(text).unwrap()
    }

    #[test]
    fn a_sender_is_what_it_is_written_as() {
        let cases = [
            ("12345", SenderKind::ShortCode),
            ("123", SenderKind::ShortCode),
            ("12345678", SenderKind::ShortCode),
            ("+14155552671", SenderKind::LongCode),
            ("14155552671", SenderKind::LongCode),
            ("+919876543210", SenderKind::LongCode),
            ("+18005550199", SenderKind::TollFree),
            ("18885550199", SenderKind::TollFree),
            ("Shop", SenderKind::Alphanumeric),
            ("Shop 24 Pay", SenderKind::Alphanumeric),
            ("4711Cologne", SenderKind::Alphanumeric),
            ("TwelveLetter", SenderKind::Pool),
            ("MG00000000000000000000000000000001", SenderKind::Pool),
            ("0d6a5d1c-9a3e-4a55-b0a2-000000000001", SenderKind::Pool),
            ("12", SenderKind::Pool),
            ("1234567890123456", SenderKind::Pool),
        ];
        for (text, kind) in cases {
            assert_eq!(SenderKind::of(&sender(text)), kind, "{text}");
        }
    }

    #[test]
    fn numbers_have_a_home() {
        assert_eq!(home(&sender("+14155552671")), Some(country("US")));
        assert_eq!(home(&sender("+447400123456")), Some(country("GB")));
        for other in ["Shop", "12345", "MG00000000000000000000000000000001"] {
            assert_eq!(home(&sender(other)), None, "{other}");
        }
    }

    #[test]
    fn each_kind_reaches_the_countries_it_is_for() {
        let cases = [
            ("Shop", "GB", None, true),
            ("Shop", "IN", None, true),
            ("Shop", "US", None, false),
            ("Shop", "CA", None, false),
            ("Shop", "PR", None, false),
            ("Shop", "BR", None, false),
            ("12345", "US", Some("US"), true),
            ("12345", "CA", Some("US"), false),
            ("12345", "CA", None, true),
            ("+18005550199", "US", None, true),
            ("+18005550199", "CA", None, true),
            ("+18005550199", "GB", None, false),
            ("+448001111111", "GB", Some("GB"), true),
            ("+448001111111", "FR", Some("GB"), false),
            ("+14155552671", "US", Some("US"), true),
            ("+447400123456", "FR", Some("GB"), true),
            ("MG00000000000000000000000000000001", "US", None, true),
        ];
        for (text, to, at, is_allowed) in cases {
            let allowed = allows(country(to), &sender(text), at.map(country));
            assert_eq!(allowed.is_ok(), is_allowed, "{text} to {to}: {allowed:?}");
        }
    }

    #[test]
    fn the_lists_hold_countries_once() {
        for list in [&WITHOUT_NAMES[..], &TOLL_FREE_TO[..]] {
            let mut sorted: Vec<_> = list.iter().map(|code| country(code)).collect();
            sorted.sort();
            sorted.dedup();
            assert_eq!(sorted.len(), list.len());
        }
    }
}
