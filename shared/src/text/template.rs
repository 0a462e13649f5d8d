//! A service's own words, and the names under which providers keep them.

mod check;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

pub use self::check::ID_CHARS_MAX;
pub use self::check::SUBJECT_CHARS_MAX;
pub use self::check::TEMPLATES_MAX;
pub use self::check::TEXT_CHARS_MAX;
pub(crate) use self::check::check_all;
pub(crate) use self::check::check_dlt_id;
use super::locale::Locale;
use crate::id::GatewayId;
use crate::wire::api::Channel;

/// Where the code stands.
pub(super) const CODE: &str = "{code}";
/// Where the payment stands.
const PAYMENT: &str = "{payment}";

/// What a service says by one channel in one language. Variables: `{code}`, once; `{brand}`; `{minutes}`, a number; and
/// `{payment}`, as `499.00 INR to Shop`. One with `{payment}` is for the codes that approve a payment, and for no others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// By which channel.
    pub channel: Channel,
    /// In which language.
    pub locale: Locale,
    /// One line of at most [`TEXT_CHARS_MAX`] characters, without addresses. Without it the shipped sentence goes where a
    /// provider takes text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Of an email: at most [`SUBJECT_CHARS_MAX`] characters, without the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Under which number India's operators know the text, see [`dlt`](super::dlt).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dlt_template_id: Option<String>,
    /// Under which name or id a gateway's provider keeps it: WhatsApp's template name, Twilio's ContentSid, MSG91's flow.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ids: BTreeMap<GatewayId, String>,
}

impl Template {
    /// Whether it is for a code that approves a payment: the payer must see which (PSD2 RTS Art. 5).
    pub fn is_for_payments(&self) -> bool {
        self.text.as_deref().is_some_and(|text| text.contains(PAYMENT))
    }
}

/// The service's own template for a message: that of the locale, then of less and less of it. Nothing where the service
/// has none of the language.
pub fn pick<'a>(
    templates: &'a [Template],
    channel: Channel,
    locale: &Locale,
    is_payment: bool,
) -> Option<&'a Template> {
    let fits = |template: &&Template| template.channel == channel && template.is_for_payments() == is_payment;
    let of = |range: &str| templates.iter().filter(fits).find(|template| template.locale.as_str() == range);
    locale.ranges().find_map(of)
}

/// The text before the next variable, its name, and what follows it. A brace that opens none is text.
pub(super) fn next_variable(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}
