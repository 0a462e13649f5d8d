//! India's register of senders and templates (DLT), without which its operators drop a message.
//!
//! Telecom Commercial Communications Customer Preference Regulations, 2018, TRAI: a sender registers as an entity, with
//! headers and with templates; entity id, header and template id go along with each message, and its text must be that of
//! the template but for the variables.

use serde::Deserialize;
use serde::Serialize;

use super::Template;
use super::locale::Locale;
use super::template;
use super::template::check_dlt_id;
use crate::country::Country;
use crate::directory::Service;
use crate::wire::api::Channel;

/// The shortest header.
pub const HEADER_CHARS_MIN: usize = 3;
/// The longest header.
pub const HEADER_CHARS_MAX: usize = 6;
/// The country that it is about.
const INDIA: &str = "IN";

/// What a service is registered as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dlt {
    /// Of the principal entity: digits, usually 19.
    pub entity_id: String,
    /// The sender that users see: 3 to 6 letters, as registered.
    pub header: String,
    /// As which the templates are registered.
    pub category: Category,
}

/// What a template is registered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Advertising.
    Promotional,
    /// To customers who agreed to it; counted as advertising since 2025.
    ServiceExplicit,
    /// What follows from something the user did: codes, but for those of a bank's transaction.
    ServiceImplicit,
    /// A code for a bank's transaction.
    Transactional,
}

/// All that goes along with a registered message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registration<'a> {
    /// Entity, header and category.
    pub dlt: &'a Dlt,
    /// Its text is what must be sent, in its language, whatever language was asked for.
    pub template: &'a Template,
    /// The template's number in the register.
    pub template_id: &'a str,
}

/// What keeps a message from India's networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// No entity and header.
    #[error("the service has no dlt: entity id, header and category as registered in India")]
    Dlt,
    /// No registered text for such a code.
    #[error("the service has no SMS template with a dlt_template_id for such a code")]
    Template,
}

/// Whether a message by this channel to this country needs a registration.
pub fn is_needed(channel: Channel, country: Option<Country>) -> bool {
    channel == Channel::Sms && country.is_some_and(|country| country.as_str() == INDIA)
}

/// What a text message of this service to India is registered as: in the language of `locale` where there is a registered
/// template in it, else by the first that there is. To be rendered with this template alone.
pub fn registration<'a>(
    service: &'a Service,
    locale: &Locale,
    is_payment: bool,
) -> Result<Registration<'a>, Missing> {
    let dlt = service.dlt.as_ref().ok_or(Missing::Dlt)?;
    let fits =
        |template: &&Template| template.dlt_template_id.is_some() && template.is_for_payments() == is_payment;
    let in_language = template::pick(&service.templates, Channel::Sms, locale, is_payment).filter(fits);
    let template = in_language.or_else(|| service.templates.iter().find(fits)).ok_or(Missing::Template)?;
    let template_id = template.dlt_template_id.as_deref().ok_or(Missing::Template)?;
    Ok(Registration { dlt, template, template_id })
}

impl Dlt {
    pub(crate) fn check(&self) -> Result<(), String> {
        check_dlt_id(&self.entity_id).map_err(|reason| format!("dlt.entity_id: {reason}"))?;
        let chars = HEADER_CHARS_MIN..=HEADER_CHARS_MAX;
        if !chars.contains(&self.header.len()) || !self.header.bytes().all(|byte| byte.is_ascii_alphabetic())
        {
            return Err("dlt.header: must be 3 to 6 letters: those of codes have no digits".to_owned());
        }
        match self.category {
            Category::ServiceImplicit | Category::Transactional => Ok(()),
            Category::Promotional | Category::ServiceExplicit => {
                Err("dlt.category: codes are transactional or service_implicit".to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests;
