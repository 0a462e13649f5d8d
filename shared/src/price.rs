//! What messages cost: price lists, and the ceiling that a caller puts on an order.
//!
//! Amounts are whole millionths of a currency's unit ("micro-units"): no rounding happens anywhere. Nothing is converted: an
//! order is priced in its tenant's currency, by the lists that are in it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use crate::country::Country;
use crate::wire::api::Channel;

/// The highest amount: a thousand million units, and exact in every JSON reader (2⁵³ is nine times as much).
pub const AMOUNT_MICROS_MAX: u64 = 1_000_000_000_000_000;
/// The highest price of one message: a million units, which is above every currency's and below a slip of six digits.
pub const PRICE_MICROS_MAX: u64 = 1_000_000_000_000;
/// Currencies of one gateway: its directory entry goes to every front door.
pub const CURRENCIES_MAX: usize = 8;
/// Countries of one price list: there are fewer.
pub const COUNTRIES_MAX: usize = 300;
/// The key of a price list that stands for every other country.
/// Millionths of one unit.
const UNIT_MICROS: u64 = 1_000_000;
const DEFAULT: &str = "default";

/// Three capital letters, as ISO 4217 has them; `USD` by default.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

/// The text is not three capital letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a currency is three capital letters (ISO 4217), such as \"USD\"")]
pub struct InvalidCurrency;

impl Currency {
    /// No currency (ISO 4217): of a tenant that pays no more.
    pub const NONE: Self = Self(*b"XXX");

    /// Reads three capital letters. Whether there is such a currency is not checked.
    pub fn parse(text: &str) -> Result<Self, InvalidCurrency> {
        match text.as_bytes() {
            [one @ b'A'..=b'Z', two @ b'A'..=b'Z', three @ b'A'..=b'Z'] => Ok(Self([*one, *two, *three])),
            _ => Err(InvalidCurrency),
        }
    }

    /// The three letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Whether it is the one that stands where none is named.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Currency {
    fn default() -> Self {
        Self(*b"USD")
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for Currency {
    type Error = InvalidCurrency;
    fn try_from(text: String) -> Result<Self, InvalidCurrency> {
        Self::parse(&text)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}

/// An amount of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Millionths of the currency's unit.
    #[cfg_attr(feature = "openapi", schemars(range(max = AMOUNT_MICROS_MAX)))]
    pub amount_micros: u64,
    /// ISO 4217.
    #[cfg_attr(feature = "openapi", schemars(with = "String", regex(pattern = "^[A-Z]{3}$")))]
    pub currency: Currency,
}

impl fmt::Display for Money {
    /// `0.0079 USD`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", amount(self.amount_micros), self.currency)
    }
}

/// An amount without its currency: `0.0125` for 12,500 millionths: cents at least, as people write amounts, and no more digits than say something.
pub fn amount(amount_micros: u64) -> String {
    let (whole, micros) = (amount_micros / UNIT_MICROS, amount_micros % UNIT_MICROS);
    let fraction = format!("{micros:06}");
    let kept = fraction.trim_end_matches('0').len().max(2);
    format!("{whole}.{}", fraction.get(..kept).unwrap_or(&fraction))
}

/// Prices of one message, or one segment of a text message, in one currency. Written `{ default = 7500, IN = 2300 }`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, u64>", into = "BTreeMap<String, u64>")]
pub struct PriceList {
    /// Where the country is not listed, and for mailboxes. Without it such messages have no price.
    default_micros: Option<u64>,
    countries: BTreeMap<Country, u64>,
}

/// A price list is malformed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A key is neither `default` nor a country.
    #[error("prices: {0:?} is neither \"default\" nor a country, such as \"IN\"")]
    Country(String),
    /// Too high.
    #[error("prices: {0} is above {PRICE_MICROS_MAX}: prices are in millionths")]
    TooHigh(u64),
    /// Too many.
    #[error("prices: at most {CURRENCIES_MAX} currencies, and {COUNTRIES_MAX} countries in each")]
    TooMany,
    /// The operator's currency has a list, and a simple price beside it.
    #[error("price_micros: say it in prices.{0}, as default, or leave that list out")]
    Twice(Currency),
}

impl TryFrom<BTreeMap<String, u64>> for PriceList {
    type Error = Error;

    fn try_from(prices: BTreeMap<String, u64>) -> Result<Self, Error> {
        let mut list = Self::default();
        for (key, price_micros) in prices {
            if price_micros > PRICE_MICROS_MAX {
                return Err(Error::TooHigh(price_micros));
            }
            if key == DEFAULT {
                list.default_micros = Some(price_micros);
            } else {
                let country = Country::parse(&key).map_err(|_| Error::Country(key))?;
                list.countries.insert(country, price_micros);
            }
        }
        if list.countries.len() > COUNTRIES_MAX { Err(Error::TooMany) } else { Ok(list) }
    }
}

impl From<PriceList> for BTreeMap<String, u64> {
    fn from(list: PriceList) -> Self {
        let countries = list.countries.into_iter().map(|(country, price)| (country.to_string(), price));
        countries.chain(list.default_micros.map(|price| (DEFAULT.to_owned(), price))).collect()
    }
}

/// A gateway's price lists, by currency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Prices(BTreeMap<Currency, PriceList>);

impl Prices {
    /// With the simple form of a price beside the lists: the same everywhere, in the operator's own currency.
    pub fn with_simple(mut self, price_micros: Option<u64>, currency: Currency) -> Result<Self, Error> {
        let Some(price_micros) = price_micros else { return Ok(self) };
        if price_micros > PRICE_MICROS_MAX {
            return Err(Error::TooHigh(price_micros));
        }
        if self.0.contains_key(&currency) {
            return Err(Error::Twice(currency));
        }
        let list = PriceList { default_micros: Some(price_micros), countries: BTreeMap::new() };
        self.0.insert(currency, list);
        Ok(self)
    }

    /// The price to every country that has none of its own.
    pub fn set_default(&mut self, currency: Currency, price_micros: u64) {
        self.0.entry(currency).or_default().default_micros = Some(price_micros);
    }

    /// Of one message, or one segment of a text message, to numbers of this country. Nothing where no list says.
    pub fn unit_micros(&self, currency: Currency, country: Option<Country>) -> Option<u64> {
        let list = self.0.get(&currency)?;
        country.and_then(|country| list.countries.get(&country).copied()).or(list.default_micros)
    }

    /// What every list says of one message, or one segment of a text message, to numbers of this country.
    pub fn units(&self, country: Option<Country>) -> Vec<Money> {
        let of = |currency: &Currency| {
            let amount_micros = self.unit_micros(*currency, country)?;
            Some(Money { amount_micros, currency: *currency })
        };
        self.0.keys().filter_map(of).collect()
    }

    /// The lowest of all in one currency.
    pub fn least_micros(&self, currency: Currency) -> Option<u64> {
        let list = self.0.get(&currency)?;
        list.countries.values().copied().chain(list.default_micros).min()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Refuses too many and too high ones: lists are checked when they are read, and a price may be set afterwards.
    pub fn check(&self) -> Result<(), Error> {
        let mut prices = self.0.values().flat_map(|list| list.countries.values().chain(&list.default_micros));
        match prices.find(|price| **price > PRICE_MICROS_MAX) {
            Some(price) => Err(Error::TooHigh(*price)),
            None if self.0.len() > CURRENCIES_MAX => Err(Error::TooMany),
            None => Ok(()),
        }
    }
}

/// How many units a message takes: its segments by SMS, one elsewhere.
pub fn units(channel: Channel, sms_segments: Option<u8>) -> u8 {
    match channel {
        Channel::Sms => sms_segments.unwrap_or(1).max(1),
        Channel::Email | Channel::Telegram | Channel::Voice | Channel::Whatsapp => 1,
    }
}

/// What so many units cost; the most there is where that overflows.
pub fn total_micros(unit_micros: u64, units: u8) -> u64 {
    unit_micros.saturating_mul(u64::from(units))
}

/// Whether a message may still be sent: at this price, under what is left of the order's ceiling. What has no price cannot
/// be promised, so under a ceiling it is not sent.
pub fn fits(price_micros: Option<u64>, left_micros: Option<u64>) -> bool {
    left_micros.is_none_or(|left| price_micros.is_some_and(|price| price <= left))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prices(text: &str) -> Result<Prices, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    fn currency(text: &str) -> Currency {
        Currency::parse(text).unwrap()
    }

    #[test]
    fn a_country_comes_before_the_default_and_no_other_currency_counts() {
        let prices = prices(r#"{"USD":{"default":7500,"IN":2300},"INR":{"IN":180000}}"#).unwrap();
        let of = |code: &str, country: &str| prices.unit_micros(currency(code), Country::parse(country).ok());
        assert_eq!(
            (of("USD", "IN"), of("USD", "DE"), of("USD", "")),
            (Some(2_300), Some(7_500), Some(7_500))
        );
        let all = |country: &str| -> Vec<_> {
            prices.units(Country::parse(country).ok()).iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            (all("IN"), all("DE")),
            (vec!["0.18 INR".into(), "0.0023 USD".into()], vec!["0.0075 USD".to_owned()])
        );
        assert_eq!((of("INR", "IN"), of("INR", "DE"), of("EUR", "IN")), (Some(180_000), None, None));
        let written = serde_json::to_string(&prices).unwrap();
        assert_eq!(written, r#"{"INR":{"IN":180000},"USD":{"IN":2300,"default":7500}}"#);
    }

    #[test]
    fn malformed_lists_are_refused() {
        for (text, words) in [
            (r#"{"usd":{"default":1}}"#, "ISO 4217"),
            (r#"{"USD":{"India":1}}"#, "neither"),
            (r#"{"USD":{"IN":-1}}"#, "invalid value"),
            (r#"{"USD":{"IN":0.5}}"#, "floating point"),
            (r#"{"USD":{"IN":1000000000001}}"#, "millionths"),
        ] {
            assert!(prices(text).unwrap_err().contains(words), "{text}: {:?}", prices(text));
        }
        let many: Vec<_> = (b'A'..=b'I').map(|at| format!("\"US{}\":{{}}", char::from(at))).collect();
        assert_eq!(prices(&format!("{{{}}}", many.join(","))).unwrap().check(), Err(Error::TooMany));
    }

    #[test]
    fn the_simple_price_is_a_default_in_the_operators_currency_and_not_said_twice() {
        let usd = Currency::default();
        let simple = Prices::default().with_simple(Some(9), usd).unwrap();
        assert_eq!(simple.unit_micros(usd, None), Some(9));
        assert_eq!(simple.clone().with_simple(Some(9), usd), Err(Error::Twice(usd)));
        let both = simple.with_simple(Some(7), currency("EUR")).unwrap();
        assert_eq!(
            (both.unit_micros(usd, None), both.unit_micros(currency("EUR"), None)),
            (Some(9), Some(7))
        );
        assert!(Prices::default().with_simple(Some(PRICE_MICROS_MAX + 1), usd).is_err());
    }

    #[test]
    fn amounts_read_as_people_write_them() {
        for (amount_micros, text) in [
            (0, "0.00 USD"),
            (7_900, "0.0079 USD"),
            (500_000, "0.50 USD"),
            (12_000_000, "12.00 USD"),
            (1, "0.000001 USD"),
        ] {
            assert_eq!(Money { amount_micros, currency: Currency::default() }.to_string(), text);
        }
    }

    #[test]
    fn under_a_ceiling_only_what_has_a_price_within_it_is_sent() {
        assert!(fits(None, None) && fits(Some(u64::MAX), None) && fits(Some(5), Some(5)));
        assert!(!fits(Some(6), Some(5)) && !fits(None, Some(5)));
        assert_eq!(
            (units(Channel::Sms, Some(3)), units(Channel::Sms, None), units(Channel::Voice, Some(3))),
            (3, 1, 1)
        );
        assert_eq!(total_micros(u64::MAX, 2), u64::MAX);
    }
}
