//! A message to encode, for the tests of adapters.

use tiffin_shared::code::Code;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::phone::Phone;
use tiffin_shared::reference::Reference;
use tiffin_shared::route::Sender;
use tiffin_shared::text::Content;
use tiffin_shared::text::Locale;
use tiffin_shared::text::Template;
use tiffin_shared::text::dlt::Category;
use tiffin_shared::text::dlt::Dlt;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;

use super::adapter::Message;
use super::adapter::To;

/// What a message borrows. Change the parts that a test is about.
pub(crate) struct Parts {
    pub(crate) phone: Phone,
    pub(crate) email: Option<String>,
    pub(crate) code: Code,
    pub(crate) content: Content,
    pub(crate) sender: Option<Sender>,
    pub(crate) template_id: Option<String>,
    pub(crate) reference: Reference,
    pub(crate) callback_url: String,
    pub(crate) now: UnixMs,
}

impl Parts {
    /// `012345 is your Tiffin code.` to an Indian number, worth five minutes.
    pub(crate) fn usual() -> Self {
        let text = "012345 is your Tiffin code.".to_owned();
        Self {
            phone: Phone::parse("+919876543210").unwrap(),
            email: None,
            code: Code::parse("012345").unwrap(),
            content: Content { locale: Locale::read("en"), subject: None, text, html: None },
            sender: Sender::parse("+15005550006").ok(),
            template_id: None,
            reference: Reference { order: OrderId::new([1; 16], LedgerId::new([2; 16])), n: 1 },
            callback_url: "https://core.example/callbacks/gateway?order=o&n=1".into(),
            now: UnixMs(1_795_082_400_000),
        }
    }

    pub(crate) fn message(&self) -> Message<'_> {
        Message {
            to: self.email.as_deref().map_or(To::Phone(&self.phone), To::Email),
            code: &self.code,
            content: &self.content,
            brand: "Tiffin",
            approves: None,
            sender: self.sender.as_ref(),
            template_id: self.template_id.as_deref(),
            registration: None,
            valid_s: 300,
            reference: &self.reference,
            callback_url: &self.callback_url,
            now: self.now,
            traceparent: None,
        }
    }
}

/// What a service is registered as in India, and one of its templates.
pub(crate) fn registered() -> (Dlt, Template) {
    let dlt = Dlt {
        entity_id: "1101456324675322134".into(),
        header: "TIFFIN".into(),
        category: Category::ServiceImplicit,
    };
    let template = Template {
        channel: Channel::Sms,
        locale: Locale::read("en"),
        text: Some("{code} is your Tiffin code.".into()),
        subject: None,
        dlt_template_id: Some("1107457532145798767".into()),
        ids: [].into(),
    };
    (dlt, template)
}
