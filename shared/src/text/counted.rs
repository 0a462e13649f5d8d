//! What the text messages of a service take, counted where its words are, for front doors that have none.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use super::Locale;
use super::Words;
use super::dlt;
use super::dlt::Missing;
use super::render;
use super::segment;
use super::template::Template;
use super::translation;
use crate::binding::AMOUNT_CHARS_MAX;
use crate::binding::PAYEE_CHARS_MAX;
use crate::code::Code;
use crate::code::DIGITS_MAX;
use crate::country::Country;
use crate::directory::Service;
use crate::wire::api::Channel;

/// A language that ISO 639 will never name, so that nobody has words in it.
const LANGUAGE_OF_NOBODY: &str = "qaa";

/// Segments of one service's text messages, by language. What it says elsewhere is billed by the message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// By locale, or less of it; those that are said otherwise than `other`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    by_locale: BTreeMap<Locale, Count>,
    /// In the English that comes with Tiffin, which every language without words falls back to.
    other: Count,
    /// As registered in India: the most that any of its registered texts takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    registered: Option<Registered>,
}

/// Segments of a message, by what it is about. Each is the most that such a message takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "[u8; 4]", into = "[u8; 4]")]
pub struct Count {
    made: u8,
    own: u8,
    payment: u8,
    wide_payment: u8,
}

/// What there is in India's register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Registered {
    /// For codes that sign in; none where no such text is registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<Count>,
    /// For codes that approve a payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payment: Option<Count>,
}

/// What a message is about, as far as it changes its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A code of the service's digits.
    Code,
    /// The caller's own code.
    OwnCode,
    /// A code that approves a payment, to a payee in ASCII.
    Payment,
    /// The same, to any other payee.
    WidePayment,
}

impl Wanted {
    /// Whether it approves a payment.
    pub fn is_payment(self) -> bool {
        matches!(self, Self::Payment | Self::WidePayment)
    }
}

impl From<[u8; 4]> for Count {
    fn from([made, own, payment, wide_payment]: [u8; 4]) -> Self {
        Self { made, own, payment, wide_payment }
    }
}

impl From<Count> for [u8; 4] {
    fn from(Count { made, own, payment, wide_payment }: Count) -> Self {
        [made, own, payment, wide_payment]
    }
}

impl Count {
    fn of(self, wanted: Wanted) -> u8 {
        match wanted {
            Wanted::Code => self.made,
            Wanted::OwnCode => self.own,
            Wanted::Payment => self.payment,
            Wanted::WidePayment => self.wide_payment,
        }
    }

    fn most(self, other: Self) -> Self {
        Self {
            made: self.made.max(other.made),
            own: self.own.max(other.own),
            payment: self.payment.max(other.payment),
            wide_payment: self.wide_payment.max(other.wide_payment),
        }
    }
}

impl Counted {
    /// Renders every text there may be, with the longest of all that varies.
    pub fn of(service: &Service) -> Self {
        let own = service.templates.iter().filter(|template| template.channel == Channel::Sms);
        let locales = own.map(|template| template.locale.clone()).chain(translation::locales());
        let mut by_locale: BTreeMap<Locale, Count> = BTreeMap::new();
        for locale in locales {
            let count = count(service, &locale, &service.templates);
            by_locale.insert(locale, count);
        }
        // What the look-up finds anyway need not stand at every front door: the longest first, which others stand for.
        let nowhere = Locale::read(LANGUAGE_OF_NOBODY);
        let other = count(service, &nowhere, &service.templates);
        let mut counted = Self { by_locale, other, registered: None };
        let mut all: Vec<Locale> = counted.by_locale.keys().cloned().collect();
        all.sort_by_key(|locale| std::cmp::Reverse(locale.as_str().len()));
        for locale in &all {
            if let Some(count) = counted.by_locale.remove(locale)
                && counted.by(locale) != count
            {
                counted.by_locale.insert(locale.clone(), count);
            }
        }
        counted.registered = service.dlt.as_ref().map(|_| registered(service));
        counted
    }

    /// Segments of a message in this language to this country.
    pub fn segments(&self, locale: &Locale, country: Option<Country>, wanted: Wanted) -> u8 {
        let registered = self.registered.filter(|_| dlt::is_needed(Channel::Sms, country));
        let registered =
            registered.and_then(|texts| if wanted.is_payment() { texts.payment } else { texts.code });
        registered.unwrap_or_else(|| self.by(locale)).of(wanted)
    }

    /// What keeps its texts from India's networks.
    pub fn missing(&self, is_payment: bool) -> Option<Missing> {
        let Some(Registered { code, payment }) = self.registered else { return Some(Missing::Dlt) };
        let text = if is_payment { payment } else { code };
        text.is_none().then_some(Missing::Template)
    }

    fn by(&self, locale: &Locale) -> Count {
        let known = locale.ranges().find_map(|range| {
            self.by_locale.iter().find(|(known, _)| known.as_str() == range).map(|(_, count)| *count)
        });
        known.unwrap_or(self.other)
    }
}

fn registered(service: &Service) -> Registered {
    let mut found = Registered::default();
    let texts = service.templates.iter().filter(|template| template.dlt_template_id.is_some());
    for template in texts {
        let count = count(service, &template.locale, std::slice::from_ref(template));
        let slot = if template.is_for_payments() { &mut found.payment } else { &mut found.code };
        *slot = Some(slot.map_or(count, |other| other.most(count)));
    }
    found
}

fn count(service: &Service, locale: &Locale, templates: &[Template]) -> Count {
    let amount = "9".repeat(AMOUNT_CHARS_MAX);
    let payee = |of: &str| format!("{amount} WWW to {}", of.repeat(PAYEE_CHARS_MAX));
    let segments = |digits: u8, approves: Option<&str>| {
        let code = Code::parse(&"9".repeat(digits.into())).ok()?;
        let autofill = service.autofill_by(Channel::Sms);
        let words = Words { brand: &service.brand, ttl_ms: service.ttl_ms, approves, autofill };
        let content = render(&code, Channel::Sms, locale, &words, templates);
        u8::try_from(segment::count(&content.text).count).ok()
    };
    let most = |digits, approves: Option<&str>| segments(digits, approves).unwrap_or(u8::MAX);
    Count {
        made: most(service.digits, None),
        own: most(DIGITS_MAX, None),
        payment: most(DIGITS_MAX, Some(&payee("W"))),
        // Each is two UTF-16 units.
        wide_payment: most(DIGITS_MAX, Some(&payee("\u{1f600}"))),
    }
}

#[cfg(test)]
mod tests;
