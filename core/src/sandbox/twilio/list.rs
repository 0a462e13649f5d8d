//! The query of a list: which messages, and which page of them.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use chrono::DateTime;
use chrono::NaiveDate;
use serde::Deserialize;

use super::Error;
use super::request::WHATSAPP;
use super::request::number;
use crate::sandbox::clock;
use crate::sandbox::inbox;
use crate::sandbox::inbox::Message;

/// The query as it was read.
pub(super) struct List {
    given: Given,
    to: Option<String>,
    from: Option<String>,
    first_day: Option<NaiveDate>,
    last_day: Option<NaiveDate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Given {
    to: Option<String>,
    from: Option<String>,
    date_sent: Option<String>,
    /// `DateSent<=2026-11-20`: on that day or before.
    #[serde(rename = "DateSent<")]
    date_sent_until: Option<String>,
    /// `DateSent>=2026-11-20`: on that day or after.
    #[serde(rename = "DateSent>")]
    date_sent_since: Option<String>,
    page: Option<usize>,
    page_size: Option<usize>,
}

impl List {
    pub(super) fn read(query: Result<Query<Self>, QueryRejection>) -> Result<Self, Error> {
        let Query(list) = query?;
        Ok(list)
    }

    /// The kind of gateway whose messages are listed: of WhatsApp when an address is.
    pub(super) fn kind(&self) -> &'static str {
        let mut addresses = [&self.given.to, &self.given.from].into_iter().flatten();
        if addresses.any(|address| address.starts_with(WHATSAPP)) { "twilio_whatsapp" } else { "twilio" }
    }

    pub(super) fn wants(&self, message: &Message) -> bool {
        // A message that was not sent yet has no such date; it is found by the day on which it was taken.
        let day = clock::day(message.sent_at_ms.unwrap_or(message.created_at_ms));
        self.to.as_ref().is_none_or(|to| *to == message.entry.to)
            && (self.from.is_none() || self.from == message.from)
            && self.first_day.is_none_or(|first| first <= day)
            && self.last_day.is_none_or(|last| day <= last)
    }

    pub(super) fn page(&self) -> usize {
        self.given.page.unwrap_or(0)
    }

    pub(super) fn page_size(&self) -> usize {
        self.given.page_size.unwrap_or(PAGE_SIZE).clamp(1, PAGE_SIZE_MAX)
    }

    /// The filters as a query string, to be followed by the page.
    pub(super) fn filters(&self) -> String {
        let filters = [
            ("To", &self.given.to),
            ("From", &self.given.from),
            ("DateSent", &self.given.date_sent),
            ("DateSent<", &self.given.date_sent_until),
            ("DateSent>", &self.given.date_sent_since),
        ];
        let given = filters.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        let written = form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
        if written.is_empty() { written } else { written + "&" }
    }
}

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = Given::deserialize(deserializer)?;
        let bounds = [
            bound(given.date_sent.as_deref(), Side::Both),
            bound(given.date_sent_until.as_deref(), Side::Until),
            bound(given.date_sent_since.as_deref(), Side::Since),
        ];
        let (mut first_day, mut last_day) = (None::<NaiveDate>, None::<NaiveDate>);
        for bound in bounds {
            let (first, last) = bound.map_err(serde::de::Error::custom)?;
            first_day = first_day.max(first);
            last_day = last_day.into_iter().chain(last).min();
        }
        let address = |given: &Option<String>| given.as_deref().map(|given| inbox::address(number(given)));
        Ok(Self { to: address(&given.to), from: address(&given.from), first_day, last_day, given })
    }
}

#[derive(Clone, Copy)]
enum Side {
    Both,
    Since,
    Until,
}

type Bound = (Option<NaiveDate>, Option<NaiveDate>);

/// The first and the last day that a filter lets through. The sign may stand in the value as well as in the name.
fn bound(given: Option<&str>, side: Side) -> Result<Bound, String> {
    let Some(given) = given else { return Ok((None, None)) };
    let (side, written) = if let Some(written) = given.strip_prefix("<=") {
        (Side::Until, written)
    } else if let Some(written) = given.strip_prefix(">=") {
        (Side::Since, written)
    } else {
        (side, given)
    };
    let day = day(written).ok_or_else(|| format!("DateSent: {given:?} is no date; allowed is YYYY-MM-DD"))?;
    Ok(match side {
        Side::Both => (Some(day), Some(day)),
        Side::Since => (Some(day), None),
        Side::Until => (None, Some(day)),
    })
}

/// A day, or the day of a time: the provider's own libraries send either.
fn day(written: &str) -> Option<NaiveDate> {
    let time = || DateTime::parse_from_rfc3339(written).ok().map(|time| time.to_utc().date_naive());
    NaiveDate::parse_from_str(written, "%Y-%m-%d").ok().or_else(time)
}

/// Twilio's default.
const PAGE_SIZE: usize = 50;

/// Some 60 KB of JSON: enough for a look-up, and no reason to page through the whole inbox at once.
const PAGE_SIZE_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_a_day_and_a_side() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 20);
        assert_eq!(bound(Some("2026-11-20"), Side::Both), Ok((day, day)));
        assert_eq!(bound(Some("2026-11-20"), Side::Since), Ok((day, None)));
        assert_eq!(bound(Some("<=2026-11-20"), Side::Both), Ok((None, day)));
        assert_eq!(bound(Some(">=2026-11-20T23:59:59Z"), Side::Both), Ok((day, None)));
        assert!(bound(Some("yesterday"), Side::Both).is_err());
        assert!(bound(Some("2026-02-30"), Side::Until).is_err());
    }
}
