//! Puts a message together: which words in which language, as whom, and what it is registered as.

use std::slice;

use tiffin_shared::code::Code;
use tiffin_shared::country::Country;
use tiffin_shared::directory::Service;
use tiffin_shared::order::Reason;
use tiffin_shared::phone::Phone;
use tiffin_shared::reference::Reference;
use tiffin_shared::route::Sender;
use tiffin_shared::text;
use tiffin_shared::text::Locale;
use tiffin_shared::text::Words;
use tiffin_shared::text::dlt;
use tiffin_shared::text::dlt::Missing;
use tiffin_shared::text::dlt::Registration;
use tiffin_shared::text::template;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;

use super::Gateway;
use super::adapter::Message;
use super::adapter::To;

/// What a message is made of. No `Debug`: it holds the code.
pub struct Composition<'a> {
    /// What the code is for.
    pub service: &'a Service,
    /// The code.
    pub code: &'a Code,
    /// Where to.
    pub phone: Option<&'a Phone>,
    /// Where to.
    pub email: Option<&'a str>,
    /// Where the number belongs.
    pub country: Option<Country>,
    /// The user's language as BCP 47.
    pub locale: &'a str,
    /// `499.00 INR to Shop`, where the code approves a payment.
    pub approves: Option<&'a str>,
    /// Life of the code in milliseconds.
    pub ttl_ms: u64,
    /// Its end.
    pub expires_at: UnixMs,
    /// Which attempt it is.
    pub reference: &'a Reference,
    /// Where providers reach us.
    pub public_url: &'a str,
    /// Which trace the call is part of, where the provider is to be told.
    pub traceparent: Option<&'a str>,
}

impl Composition<'_> {
    /// Hands the message for this gateway to `act`; or says what stands in the way of any.
    pub async fn compose<T>(
        &self,
        gateway: &Gateway,
        sender: Option<&Sender>,
        now: UnixMs,
        act: impl AsyncFnOnce(&Message<'_>) -> T,
    ) -> Result<T, Reason> {
        let channel = gateway.channel();
        let to = self.to(channel)?;
        let locale = Locale::read(self.locale);
        let registration = self.registration(channel, &locale)?;
        // What is registered is sent, and nothing else.
        let templates = registration.map_or(&*self.service.templates, |it| slice::from_ref(it.template));
        let picked = || template::pick(templates, channel, &locale, self.approves.is_some());
        let template = registration.map(|it| it.template).or_else(picked);
        let words = Words {
            brand: &self.service.brand,
            ttl_ms: self.ttl_ms,
            approves: self.approves,
            autofill: self.service.autofill_by(channel),
        };
        let locale = template.map_or(&locale, |template| &template.locale);
        let content = text::render(self.code, channel, locale, &words, templates);
        let Reference { order, n } = self.reference;
        let callback_url = format!("{}?order={order}&n={n}", gateway.callback_url(self.public_url));
        let template_id = template.and_then(|template| template.ids.get(gateway.name()));
        let message = Message {
            to,
            code: self.code,
            content: &content,
            brand: &self.service.brand,
            approves: self.approves,
            sender,
            template_id: template_id.map(String::as_str),
            registration: registration.as_ref(),
            valid_s: self.expires_at.since(now) / SECOND_MS,
            reference: self.reference,
            callback_url: &callback_url,
            now,
            traceparent: self.traceparent,
        };
        Ok(act(&message).await)
    }

    fn to(&self, channel: Channel) -> Result<To<'_>, Reason> {
        match channel {
            Channel::Email => self.email.map(To::Email).ok_or(Reason::InvalidAddress),
            Channel::Sms | Channel::Telegram | Channel::Voice | Channel::Whatsapp => {
                self.phone.map(To::Phone).ok_or(Reason::InvalidNumber)
            }
        }
    }

    fn registration(&self, channel: Channel, locale: &Locale) -> Result<Option<Registration<'_>>, Reason> {
        if !dlt::is_needed(channel, self.country) {
            return Ok(None);
        }
        let registration = dlt::registration(self.service, locale, self.approves.is_some());
        registration.map(Some).map_err(|missing| match missing {
            Missing::Dlt => Reason::DltEntity,
            Missing::Template => Reason::DltTemplate,
        })
    }
}
