//! What the providers' codes mean: tables that are data, so that an operator can correct one without a build.
//!
//! Each kind of gateway has a table in `core/gateways/`; the operator's own file (`delivery.codes_path`) goes before it, and
//! is read again while the process runs.

mod watch;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::PoisonError;
use std::sync::RwLock;

use serde::Deserialize;
use tiffin_shared::id::GatewayId;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Reason;
use tiffin_shared::order::Receipt;

pub use self::watch::run;
use super::adapter::Answered;
use super::callback::Fate;

/// The operator's file: some thousand codes.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// Codes of one kind of gateway, as text, with what they mean.
type Table = BTreeMap<String, Reason>;

/// The tables that come with this build: kind, and content.
const SHIPPED: &[(&str, &str)] = &[
    ("aws", include_str!("../../gateways/aws.toml")),
    ("http", include_str!("../../gateways/http.toml")),
    ("infobip", include_str!("../../gateways/infobip.toml")),
    ("msg91", include_str!("../../gateways/msg91.toml")),
    ("plivo", include_str!("../../gateways/plivo.toml")),
    ("smpp", include_str!("../../gateways/smpp.toml")),
    ("smtp", include_str!("../../gateways/smtp.toml")),
    ("telegram", include_str!("../../gateways/telegram.toml")),
    ("twilio", include_str!("../../gateways/twilio.toml")),
    ("vonage_messages", include_str!("../../gateways/vonage_messages.toml")),
    ("vonage_sms", include_str!("../../gateways/vonage_sms.toml")),
    ("whatsapp_cloud", include_str!("../../gateways/whatsapp_cloud.toml")),
];

/// A table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is too long.
    #[error("{file}: longer than {FILE_BYTES_MAX} bytes")]
    Long {
        /// Which file.
        file: String,
    },
    /// A kind that is none.
    #[error("{file}: [{kind}]: no such kind of gateway; there are {known}")]
    Kind {
        /// Which file.
        file: String,
        /// What it says.
        kind: String,
        /// What it may say.
        known: String,
    },
    /// No such reason, or no TOML.
    #[error("{file}: {error}")]
    Parse {
        /// Which file.
        file: String,
        /// Why.
        error: String,
    },
    /// It cannot be read.
    #[error("{file}: {error}")]
    Unreadable {
        /// Which file.
        file: String,
        /// Why.
        error: std::io::Error,
    },
}

/// An operator's corrections: by kind, and by account, which goes first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Corrections {
    /// `[gateway.twilio-sms-2]`.
    #[serde(default)]
    gateway: BTreeMap<GatewayId, Table>,
    /// `[twilio]`.
    #[serde(flatten)]
    kinds: BTreeMap<String, Table>,
}

/// Every table.
pub struct Codes {
    shipped: BTreeMap<&'static str, Table>,
    corrections: RwLock<Corrections>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shipped {
    codes: Table,
}

impl Codes {
    /// The tables of this build. Fails where one does not parse, which a test rules out.
    pub fn new(corrections: Corrections) -> Result<Self, Error> {
        let read = |&(kind, text): &(&'static str, &str)| {
            let table: Shipped = toml::from_str(text).map_err(|error| Error::Parse {
                file: format!("core/gateways/{kind}.toml"),
                error: error.to_string(),
            })?;
            Ok((kind, table.codes))
        };
        let shipped = SHIPPED.iter().map(read).collect::<Result<_, Error>>()?;
        Ok(Self { shipped, corrections: RwLock::new(corrections) })
    }

    /// What a code means; `fallback` where no table has it.
    pub fn reason(&self, gateway: &GatewayId, kind: &str, code: Option<&str>, fallback: Reason) -> Reason {
        let Some(code) = code else { return fallback };
        let corrections = self.corrections.read().unwrap_or_else(PoisonError::into_inner);
        let own = corrections.gateway.get(gateway).and_then(|table| table.get(code));
        let of_kind = || corrections.kinds.get(kind).and_then(|table| table.get(code));
        let shipped = || self.shipped.get(kind).and_then(|table| table.get(code));
        own.or_else(of_kind).or_else(shipped).copied().unwrap_or(fallback)
    }

    /// What an answer comes to.
    pub fn outcome(&self, gateway: &GatewayId, kind: &str, answered: Answered) -> CallOutcome {
        let refusal = match answered {
            Answered::Refused(refusal) => refusal,
            Answered::Taken { provider_id } => return CallOutcome::Taken { provider_id },
            Answered::Unknown => return CallOutcome::Unknown,
        };
        match self.reason(gateway, kind, refusal.code.as_deref(), refusal.fallback) {
            Reason::Throttled => CallOutcome::Throttled { retry_after_ms: refusal.retry_after_ms },
            Reason::UnknownOutcome => CallOutcome::Unknown,
            reason => CallOutcome::Failed(reason),
        }
    }

    /// What a receipt comes to; nothing where it tells nothing new.
    pub fn receipt(&self, gateway: &GatewayId, kind: &str, fate: &Fate) -> Option<Receipt> {
        match fate {
            Fate::Delivered => Some(Receipt::Delivered),
            Fate::Failed { code, fallback } => {
                Some(Receipt::Failed(self.reason(gateway, kind, code.as_deref(), *fallback)))
            }
            Fate::Sent => Some(Receipt::Sent),
            Fate::Underway => None,
        }
    }

    /// From here on these corrections. True when they differ from the ones before.
    pub fn correct(&self, corrections: Corrections) -> bool {
        let mut current = self.corrections.write().unwrap_or_else(PoisonError::into_inner);
        let differs = *current != corrections;
        *current = corrections;
        differs
    }
}

impl Corrections {
    /// Reads the operator's file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let file = path.display().to_string();
        let unreadable = |error| Error::Unreadable { file: file.clone(), error };
        if std::fs::metadata(path).map_err(unreadable)?.len() > FILE_BYTES_MAX {
            return Err(Error::Long { file });
        }
        Self::parse(&file, &std::fs::read_to_string(path).map_err(unreadable)?)
    }

    fn parse(file: &str, text: &str) -> Result<Self, Error> {
        let parsed: Result<Self, _> = toml::from_str(text);
        let corrections =
            parsed.map_err(|error| Error::Parse { file: file.to_owned(), error: error.to_string() })?;
        let known: Vec<_> = SHIPPED.iter().map(|(kind, _)| *kind).collect();
        if let Some(kind) = corrections.kinds.keys().find(|kind| !known.contains(&kind.as_str())) {
            let (file, kind, known) = (file.to_owned(), kind.clone(), known.join(", "));
            return Err(Error::Kind { file, kind, known });
        }
        Ok(corrections)
    }
}

#[cfg(test)]
mod tests;
