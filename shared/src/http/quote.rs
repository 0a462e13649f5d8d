//! Quotes: what an order would cost at most, in a text that proves itself. Nothing of it is kept.
//!
//! `quo_` and base64url of: end of validity, currency, ceiling, the channels with their totals; and 16 bytes of HMAC over
//! these and what the quote is for. Who shows it for another tenant, service or country shows nothing.

use subtle::ConstantTimeEq;

use crate::bytes;
use crate::country::Country;
use crate::id::ServiceId;
use crate::id::TenantId;
use crate::keys::IndexKey;
use crate::price::Currency;
use crate::problem::Code;
use crate::problem::Problem;
use crate::time::MINUTE_MS;
use crate::time::UnixMs;
use crate::wire::api::Channel;

/// How long an order may come with a quote, in milliseconds.
pub const VALID_MS: u64 = MINUTE_MS;
/// The longest quote: every channel in it.
pub(crate) const QUOTE_CHARS_MAX: usize = 128;
/// What quotes look like.
#[cfg(feature = "openapi")]
pub(crate) const PATTERN: &str = "^quo_[A-Za-z0-9_-]{36,124}$";
const PREFIX: &str = "quo_";
const MAC_BYTES: usize = 16;
const CHANNELS: [Channel; 5] =
    [Channel::Email, Channel::Sms, Channel::Telegram, Channel::Voice, Channel::Whatsapp];

/// What a quote is for.
pub(super) struct Bound<'a> {
    pub(super) tenant: &'a TenantId,
    pub(super) service: &'a ServiceId,
    pub(super) country: Option<Country>,
}

/// What a quote says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) valid_until: UnixMs,
    pub(super) currency: Currency,
    pub(super) most_micros: u64,
    /// One message by each.
    pub(super) totals: Vec<(Channel, u64)>,
}

impl Ticket {
    pub(super) fn write(&self, index: &IndexKey, bound: &Bound<'_>) -> String {
        let mut bytes = self.valid_until.0.to_be_bytes().to_vec();
        bytes.extend(self.currency.as_str().as_bytes());
        bytes.extend(self.most_micros.to_be_bytes());
        for (channel, total_micros) in &self.totals {
            bytes.push(*channel as u8);
            bytes.extend(total_micros.to_be_bytes());
        }
        bytes.extend(bound.mac(index, &bytes));
        format!("{PREFIX}{}", bytes::encode(&bytes))
    }

    /// Refuses what was not made here for such an order, or is too old.
    pub(super) fn read(
        text: &str,
        index: &IndexKey,
        bound: &Bound<'_>,
        now: UnixMs,
    ) -> Result<Self, Problem> {
        let mismatch = || {
            let detail = "quote: it is not one of this service and country. Ask for a new one.";
            Problem::new(Code::QuoteMismatch, detail)
        };
        let decoded = text.strip_prefix(PREFIX).filter(|_| text.len() <= QUOTE_CHARS_MAX);
        let decoded = decoded.and_then(bytes::decode).ok_or_else(mismatch)?;
        let (said, mac) = decoded.split_last_chunk::<MAC_BYTES>().ok_or_else(mismatch)?;
        if !bool::from(bound.mac(index, said).ct_eq(mac)) {
            return Err(mismatch());
        }
        let ticket = Self::parse(said).ok_or_else(mismatch)?;
        if now >= ticket.valid_until {
            let detail = "quote: its minute is over. Ask for a new one with a preflight.";
            return Err(Problem::new(Code::QuoteExpired, detail));
        }
        Ok(ticket)
    }

    fn parse(said: &[u8]) -> Option<Self> {
        let (valid_until, rest) = said.split_first_chunk::<8>()?;
        let (currency, rest) = rest.split_first_chunk::<3>()?;
        let (most_micros, mut rest) = rest.split_first_chunk::<8>()?;
        let mut totals = Vec::new();
        while let Some((channel, after)) = rest.split_first() {
            let (total_micros, after) = after.split_first_chunk::<8>()?;
            let channel = CHANNELS.into_iter().find(|known| *known as u8 == *channel)?;
            totals.push((channel, u64::from_be_bytes(*total_micros)));
            rest = after;
        }
        Some(Self {
            valid_until: UnixMs(u64::from_be_bytes(*valid_until)),
            currency: Currency::parse(std::str::from_utf8(currency).ok()?).ok()?,
            most_micros: u64::from_be_bytes(*most_micros),
            totals,
        })
    }
}

impl Bound<'_> {
    fn mac(&self, index: &IndexKey, said: &[u8]) -> [u8; MAC_BYTES] {
        let country = self.country.as_ref().map_or("", Country::as_str);
        index.quote(&[
            self.tenant.as_str().as_bytes(),
            self.service.as_str().as_bytes(),
            country.as_bytes(),
            said,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_000_000);

    fn ticket() -> Ticket {
        let totals = vec![(Channel::Sms, 15_000), (Channel::Voice, 40_000), (Channel::Email, 0)];
        let currency = Currency::parse("EUR").unwrap();
        Ticket { valid_until: NOW.plus(VALID_MS), currency, most_micros: 55_000, totals }
    }

    #[test]
    fn a_quote_says_what_was_written_for_its_own_order_and_time_alone() {
        let (acme, bolt) = (TenantId::parse("acme").unwrap(), TenantId::parse("bolt").unwrap());
        let (login, pay) = (ServiceId::parse("login").unwrap(), ServiceId::parse("pay").unwrap());
        let bound = Bound { tenant: &acme, service: &login, country: Country::parse("IN").ok() };
        let key = IndexKey::new([1; 32]);
        let text = ticket().write(&key, &bound);
        let read = |text: &str, bound: &Bound<'_>, key: &IndexKey, now| {
            Ticket::read(text, key, bound, now).map_err(|problem| problem.code)
        };
        assert_eq!(read(&text, &bound, &key, NOW), Ok(ticket()));
        assert_eq!(read(&text, &bound, &key, NOW.plus(VALID_MS - 1)), Ok(ticket()));
        assert_eq!(read(&text, &bound, &key, NOW.plus(VALID_MS)), Err(Code::QuoteExpired));
        for other in [
            Bound { tenant: &bolt, ..bound },
            Bound { service: &pay, ..bound },
            Bound { country: Country::parse("DE").ok(), ..bound },
            Bound { country: None, ..bound },
        ] {
            assert_eq!(read(&text, &other, &key, NOW), Err(Code::QuoteMismatch));
        }
        assert_eq!(read(&text, &bound, &IndexKey::new([2; 32]), NOW), Err(Code::QuoteMismatch));
        for at in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(read(&forged, &bound, &key, NOW), Err(Code::QuoteMismatch), "{at}");
        }
        for none in ["", "quo_", "quo_AAAA", &text[4..], &text[..text.len() - 1]] {
            assert_eq!(read(none, &bound, &key, NOW), Err(Code::QuoteMismatch), "{none}");
        }
        assert!(
            Ticket { totals: CHANNELS.map(|channel| (channel, 1)).to_vec(), ..ticket() }
                .write(&key, &bound)
                .len()
                <= QUOTE_CHARS_MAX
        );
    }
}
