//! Delivery reports, several in one post, and what they share with the log. <https://www.infobip.com/docs/api/channels/sms>

use serde::Deserialize;
use tiffin_shared::order::Cost;
use tiffin_shared::order::Reason;
use tiffin_shared::reference::Reference;

use crate::gateways::callback::CallbackError;
use crate::gateways::callback::Fate;
use crate::gateways::callback::Told;

/// Whether a message is on its way, arrived, or did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Group {
    /// On its way.
    Accepted,
    /// Arrived, at the handset or at the operator.
    Delivered,
    /// Its life is over.
    Expired,
    /// On its way.
    Pending,
    /// Refused.
    Rejected,
    /// Not delivered.
    Undeliverable,
    /// What Infobip adds.
    #[serde(other)]
    Unknown,
}

/// How far a message is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// In a word.
    pub group_name: Group,
    /// Exactly.
    pub name: String,
}

#[derive(Deserialize)]
struct Reports {
    results: Vec<Report>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    message_id: String,
    callback_data: Option<String>,
    price: Option<Price>,
    #[serde(flatten)]
    standing: Standing,
}

/// How a message stands, in a report and in the log.
#[derive(Deserialize)]
pub struct Standing {
    /// How far it is.
    pub status: Status,
    error: Option<Error>,
}

/// Of one part.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Price {
    price_per_message: Option<serde_json::Number>,
    currency: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Error {
    #[serde(default)]
    group_name: String,
    name: String,
    /// Whether the same message would fail again.
    #[serde(default)]
    permanent: bool,
}

/// What a post tells.
pub fn told(body: &[u8]) -> Result<Vec<Told>, CallbackError> {
    let reports: Reports = serde_json::from_slice(body).map_err(|_| CallbackError::Malformed)?;
    Ok(reports.results.into_iter().map(Report::told).collect())
}

impl Report {
    fn told(self) -> Told {
        let attempt = self.callback_data.as_deref().unwrap_or(&self.message_id);
        let attempt = Reference::parse(attempt).ok();
        let fate = self.standing.fate();
        let cost = self
            .price
            .and_then(|price| Cost::parse(&price.price_per_message?.to_string(), &price.currency?, true));
        Told { attempt, provider_id: self.message_id, fate, cost }
    }
}

impl Standing {
    /// What that comes to.
    pub fn fate(&self) -> Fate {
        match self.status.group_name {
            // The operator tells no more of it.
            Group::Delivered if self.status.name == "DELIVERED_TO_OPERATOR" => Fate::Sent,
            Group::Delivered => Fate::Delivered,
            Group::Accepted | Group::Pending | Group::Unknown => Fate::Underway,
            Group::Expired | Group::Rejected | Group::Undeliverable => {
                let is_telling = |error: &&Error| !matches!(&*error.name, "NO_ERROR" | "EC_UNKNOWN_ERROR");
                let error = self.error.as_ref().filter(is_telling);
                let code = error.map_or(&self.status.name, |error| &error.name).clone();
                Fate::Failed { code: Some(code), fallback: self.fallback() }
            }
        }
    }

    /// What a failure means whose name no table has.
    fn fallback(&self) -> Reason {
        if self.status.group_name == Group::Expired {
            return Reason::TtlExpired;
        }
        match &self.error {
            Some(error) if !error.permanent => match error.group_name.as_str() {
                "HANDSET_ERRORS" => Reason::AbsentTemporary,
                "OPERATOR_ERRORS" => Reason::ProviderDown,
                _ => Reason::Rejected,
            },
            _ => Reason::Rejected,
        }
    }
}
