//! A message for adapters.
#![expect(clippy::unwrap_used, reason = "only tests use it, and fail by panicking")]

use tiffin_core::gateways::adapter::Message;
use tiffin_core::gateways::adapter::To;
use tiffin_shared::code::Code;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::phone::Phone;
use tiffin_shared::reference::Reference;
use tiffin_shared::text::Content;
use tiffin_shared::text::Locale;
use tiffin_shared::text::Template;
use tiffin_shared::text::dlt::Category;
use tiffin_shared::text::dlt::Dlt;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;

/// The code of every message.
pub const CODE: &str = "482915";
/// Whom a message is for when it does not matter.
pub const PHONE: &str = "+919876543210";

/// What a message borrows.
pub struct Parts {
    phone: Phone,
    code: Code,
    reference: Reference,
    /// What it says: English, and neither subject nor HTML.
    pub content: Content,
}

impl Parts {
    /// Attempt `n` of the usual order.
    pub fn new(phone: &str, n: u32, text: &str) -> Self {
        Self {
            phone: Phone::parse(phone).unwrap(),
            code: Code::parse(CODE).unwrap(),
            reference: reference(n),
            content: Content { locale: Locale::read("en"), subject: None, text: text.to_owned(), html: None },
        }
    }

    /// Without sender, template and callback address, worth five minutes. Change what a test is about.
    pub fn message(&self) -> Message<'_> {
        Message {
            to: To::Phone(&self.phone),
            code: &self.code,
            content: &self.content,
            brand: "Acme",
            approves: None,
            sender: None,
            template_id: None,
            registration: None,
            valid_s: 300,
            reference: &self.reference,
            callback_url: "",
            now: UnixMs(0),
            traceparent: None,
        }
    }
}

/// Attempt `n` of the usual order.
pub fn reference(n: u32) -> Reference {
    Reference { order: OrderId::new([1; 16], LedgerId::new([2; 16])), n }
}

/// What a service is registered as in India, and one of its templates.
pub fn registered() -> (Dlt, Template) {
    let dlt = Dlt {
        entity_id: "1101456324675322134".into(),
        header: "TIFFIN".into(),
        category: Category::ServiceImplicit,
    };
    let template = Template {
        channel: Channel::Sms,
        locale: Locale::read("en"),
        text: None,
        subject: None,
        dlt_template_id: None,
        ids: [].into(),
    };
    (dlt, template)
}
