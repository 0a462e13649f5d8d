//! WhatsApp through Twilio: its Messages with addresses of `whatsapp:`, by a content template where there is one.
//!
//! <https://www.twilio.com/docs/whatsapp/api>, <https://www.twilio.com/docs/content/whatsappauthentication>. Outside the 24
//! hours after a user's own message WhatsApp takes templates only.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;
use tiffin_shared::directory::Payments;
use tiffin_shared::order::Found;
use tiffin_shared::order::Reason;
use tiffin_shared::order::Recall;
use tiffin_shared::phone::Phone;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;

use super::LOOKS_MAX;
use super::SECRETS;
use super::base_url;
use super::is_pool;
use super::is_sid;
use super::login;
use super::login::Login;
use super::lookup;
use super::messaging;
use super::resource;
use crate::gateways::account::Account;
use crate::gateways::account::Secrets;
use crate::gateways::adapter::Answered;
use crate::gateways::adapter::HttpAdapter;
use crate::gateways::adapter::Message;
use crate::gateways::adapter::Refusal;
use crate::gateways::call::Answer;
use crate::gateways::call::Call;
use crate::gateways::callback::Callback;
use crate::gateways::callback::CallbackError;
use crate::gateways::callback::Fate;
use crate::gateways::callback::Heard;
use crate::gateways::kinds::Adapter;
use crate::gateways::kinds::Door;
use crate::gateways::kinds::Kind;

/// WhatsApp through Twilio.
pub const KIND: Kind = Kind {
    name: "twilio_whatsapp",
    channel: Channel::Whatsapp,
    codes: "twilio",
    secrets: SECRETS,
    door: Door::Signed,
    is_indexed: false,
    payments: |account| match account.has("contents") {
        true => Payments::ByTemplate,
        false => Payments::Shown,
    },
    check: |account| account.keys::<Keys>()?.check(account),
    make: |account, secrets| Ok(Adapter::Http(Box::new(Whatsapp::new(account, secrets)?))),
};

/// What its accounts are configured with. The senders are numbers, or a Messaging Service.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// `AC` and 32 hexadecimal digits.
    account_sid: String,
    /// Content templates by language, such as `en = "HX…"`, for services that name none of their own; the code is their
    /// variable 1. Without any, messages go as text. Of a service's own template for payments the payment is variable 2.
    #[serde(default)]
    contents: BTreeMap<String, String>,
    /// Which language of these goes to everybody else.
    #[serde(default = "english")]
    default_language: String,
    /// Another host than Twilio's: the sandbox, a proxy or a region.
    #[serde(default = "base_url")]
    base_url: String,
}

/// An account.
pub struct Whatsapp {
    login: Login,
    contents: BTreeMap<String, String>,
    default_language: String,
}

impl Keys {
    fn check(&self, account: &Account) -> Result<(), String> {
        Login::check_keys(&self.account_sid, &self.base_url)?;
        let is_sender = |sender: &str| is_pool(sender) || Phone::parse(sender).is_ok();
        let senders = &account.settings.senders;
        if senders.is_empty() || !senders.iter().all(|sender| is_sender(sender.id.as_str())) {
            return Err("from: must be a number in international format, or a Messaging Service (MG…)".into());
        }
        if let Some((language, _)) = self.contents.iter().find(|(_, sid)| !is_content(sid)) {
            return Err(format!("contents.{language}: must be HX and 32 hexadecimal digits"));
        }
        if !self.contents.is_empty() && !self.contents.contains_key(&self.default_language) {
            return Err(format!("default_language: {:?} is not among the contents", self.default_language));
        }
        Ok(())
    }
}

impl Whatsapp {
    /// An account, as configured.
    pub fn new(account: &Account, secrets: &Secrets) -> Result<Self, String> {
        let keys = account.keys::<Keys>()?;
        let login = Login::new(&keys.account_sid, &keys.base_url, secrets)?;
        Ok(Self { login, contents: keys.contents, default_language: keys.default_language })
    }

    /// The content template: the service's own, else the account's in the nearest language.
    fn content<'a>(&'a self, message: &Message<'a>) -> Option<&'a str> {
        let near = || message.content.locale.ranges().find_map(|range| self.contents.get(range));
        let of_account = || near().or_else(|| self.contents.get(&self.default_language)).map(String::as_str);
        message.template_id.or_else(of_account)
    }
}

impl HttpAdapter for Whatsapp {
    fn encode(&self, message: &Message<'_>) -> Result<Call, Reason> {
        let mut form = vec![
            ("To", address(message.phone()?.e164())),
            (messaging::sender_name(message), address(message.from())),
        ];
        match self.content(message) {
            // The account's templates do not name a payment, and the payer must see it (PSD2 RTS Art. 5).
            Some(_) if message.approves.is_some() && message.template_id.is_none() => {
                return Err(Reason::TemplateUnapproved);
            }
            Some(sid) if is_content(sid) => {
                let code = message.code.expose();
                let variables = match message.approves {
                    None => json!({ "1": code }),
                    Some(payment) => json!({ "1": code, "2": payment }),
                };
                form.push(("ContentSid", sid.to_owned()));
                form.push(("ContentVariables", variables.to_string()));
            }
            Some(_) => return Err(Reason::TemplateUnapproved),
            None => form.push(("Body", message.text().to_owned())),
        }
        form.extend(messaging::terms(message));
        Ok(self.login.post("/Messages", form))
    }

    fn classify(&self, answer: &Answer) -> Answered {
        login::classify(answer)
    }

    fn looks_max(&self) -> u8 {
        LOOKS_MAX
    }

    fn query(&self, message: &Message<'_>) -> Option<Call> {
        let to = address(message.phone().ok()?.e164());
        let from = Some(message.from()).filter(|from| !is_pool(from));
        Some(self.login.get("/Messages", &messaging::listed(to, from.map(address))))
    }

    /// The text of a template is its author's, but it has the code in it.
    fn found(&self, answer: &Answer, message: &Message<'_>, called_at: UnixMs) -> Found {
        let is_template = self.content(message).is_some();
        lookup::found(answer, called_at, |listed| {
            if is_template {
                listed.body.contains(message.code.expose())
            } else {
                listed.body == message.text()
            }
        })
    }

    fn hear(&self, callback: &Callback<'_>) -> Result<Heard, CallbackError> {
        messaging::told(callback, &self.login.hear(callback)?)
    }

    fn status(&self, provider_id: &str) -> Option<Call> {
        Some(self.login.get(&format!("/Messages/{provider_id}"), &[]))
    }

    fn fares(&self, answer: &Answer) -> Option<(String, Fate)> {
        resource::message(answer)
    }

    fn stop(&self, provider_id: &str) -> Option<Call> {
        Some(self.login.post(&format!("/Messages/{provider_id}"), resource::stop()))
    }

    fn stopped(&self, answer: &Answer) -> Option<Recall> {
        resource::stopped(answer)
    }

    /// Twilio takes the text out of a message whose fate is final, and refuses for others.
    fn erase(&self, provider_id: &str) -> Option<Call> {
        Some(self.login.post(&format!("/Messages/{provider_id}"), resource::erase()))
    }

    fn check(&self, _now: UnixMs) -> Option<Call> {
        Some(self.login.check())
    }

    fn checked(&self, answer: &Answer) -> Result<String, Refusal> {
        login::checked(answer)
    }
}

/// A number's name on WhatsApp; a Messaging Service stays what it is.
fn address(number: &str) -> String {
    if is_pool(number) { number.to_owned() } else { format!("whatsapp:{number}") }
}

fn is_content(sid: &str) -> bool {
    is_sid(sid) && sid.starts_with("HX")
}

fn english() -> String {
    "en".into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tiffin_shared::route::Sender;
    use tiffin_shared::text::Locale;

    use super::*;
    use crate::gateways::call::Body;
    use crate::gateways::testing::Parts;

    const ENGLISH: &str = "HX00000000000000000000000000000001";
    const HINDI: &str = "HX00000000000000000000000000000002";
    const OWN: &str = "HX00000000000000000000000000000003";

    fn account(keys: &str) -> Result<Account, String> {
        let text = format!(
            "name = \"wa\"\nkind = \"twilio_whatsapp\"\naccount_sid = \"AC00000000000000000000000000000001\"\n{keys}"
        );
        toml::from_str(&text).map_err(|error: toml::de::Error| error.message().to_owned())
    }

    fn form(keys: &str, parts: &Parts) -> BTreeMap<&'static str, String> {
        let account = account(keys).unwrap();
        let secrets = Secrets::read(&account, |_| Some("token".into())).unwrap();
        let call = Whatsapp::new(&account, &secrets).unwrap().encode(&parts.message());
        let Ok(Call { body: Body::Form(form), .. }) = call else { panic!("it is encoded") };
        form.into_iter().collect()
    }

    /// <https://www.twilio.com/docs/content/send-templates-created-with-the-content-template-builder>
    #[test]
    fn a_template_goes_in_the_users_language_and_text_where_there_is_none() {
        let text = form("from = \"+14155238886\"", &Parts::usual());
        assert_eq!(text["To"], "whatsapp:+919876543210");
        assert_eq!(text["From"], "whatsapp:+15005550006", "the sender that was chosen");
        assert_eq!(text["Body"], Parts::usual().content.text);
        assert!(!text.contains_key("ContentSid"));
        let keys = format!("from = \"+14155238886\"\ncontents = {{ en = \"{ENGLISH}\", hi = \"{HINDI}\" }}");
        let in_locale = |locale: &str, template_id: Option<&str>| {
            let mut parts = Parts { template_id: template_id.map(str::to_owned), ..Parts::usual() };
            parts.content.locale = Locale::read(locale);
            form(&keys, &parts)
        };
        for (locale, sid) in [("hi-IN", HINDI), ("en", ENGLISH), ("de", ENGLISH)] {
            let form = in_locale(locale, None);
            assert_eq!((&*form["ContentSid"], &*form["ContentVariables"]), (sid, r#"{"1":"012345"}"#));
            assert!(!form.contains_key("Body"));
        }
        assert_eq!(in_locale("hi", Some(OWN))["ContentSid"], OWN);
        let pool = "MG0123456789abcdef0123456789abcdef";
        let parts = Parts { sender: Sender::parse(pool).ok(), ..Parts::usual() };
        assert_eq!(form(&format!("from = \"{pool}\""), &parts)["MessagingServiceSid"], pool);
    }

    #[test]
    fn a_payment_is_named_by_the_services_own_template_or_by_text() {
        let sent = |keys: &str, template_id: Option<&str>| {
            let account = account(&format!("from = \"+14155238886\"\n{keys}")).unwrap();
            let secrets = Secrets::read(&account, |_| Some("token".into())).unwrap();
            let parts = Parts { template_id: template_id.map(str::to_owned), ..Parts::usual() };
            let message = Message { approves: Some("499.00 INR to Shop"), ..parts.message() };
            let Call { body: Body::Form(form), .. } =
                Whatsapp::new(&account, &secrets).unwrap().encode(&message)?
            else {
                panic!("a form")
            };
            Ok(form.into_iter().collect::<BTreeMap<_, _>>())
        };
        let contents = format!("contents = {{ en = \"{ENGLISH}\" }}");
        assert_eq!(sent(&contents, None), Err(Reason::TemplateUnapproved));
        let payments =
            |keys: &str| (KIND.payments)(&account(&format!("from = \"+14155238886\"\n{keys}")).unwrap());
        assert_eq!((payments(&contents), payments("")), (Payments::ByTemplate, Payments::Shown));
        let own = sent(&contents, Some(OWN)).unwrap();
        assert_eq!(own["ContentVariables"], r#"{"1":"012345","2":"499.00 INR to Shop"}"#);
        assert_eq!(sent("", None).unwrap()["Body"], Parts::usual().content.text);
    }

    #[test]
    fn keys_that_cannot_work_are_refused_with_their_name() {
        let refused = |keys: &str| account(keys).err().unwrap_or_default();
        assert_eq!(refused("from = \"+14155238886\""), "");
        assert!(refused("from = \"TIFFIN\"").contains("from: "));
        assert!(refused("from = \"+14155238886\"\ncontents = { en = \"SM1\" }").contains("contents.en"));
        let hindi = format!("from = \"+14155238886\"\ncontents = {{ hi = \"{HINDI}\" }}");
        assert!(refused(&hindi).contains("default_language"));
        assert_eq!(refused(&format!("default_language = \"hi\"\n{hindi}")), "");
    }
}
