//! Every kind of gateway that hears of its messages by callbacks, each with a second account of the same kind.

use std::fmt::Write;

use super::post::Proof;

/// Everything comes from here; a test that is somebody else comes from another address of this machine.
pub const SOURCE: &str = "127.0.0.1/32";
/// Kinds without callbacks: SMPP has sessions, SNS tells nothing.
pub const SILENT: [&str; 2] = ["smpp", "aws_sns"];

/// A gateway of a kind, alone in its country.
pub struct Provider {
    pub kind: &'static str,
    pub name: &'static str,
    pub proof: Proof,
    pub channel: &'static str,
    country: &'static str,
    /// In front of four digits: a number of its country. Of mail, nothing.
    number: &'static str,
    /// What stands for the account in `keys` and in callbacks; and that of the second account.
    pub ids: [&'static str; 2],
    /// With `{id}` in the account's place.
    keys: &'static str,
    /// What says in a callback that the message arrived, and that it did not.
    pub words: [&'static str; 2],
    /// Callbacks of a message that arrives.
    pub posts: usize,
}

const TWILIO_IDS: [&str; 2] = ["AC00000000000000000000000000000001", "AC00000000000000000000000000000002"];
const JSON_WORDS: [&str; 2] = [r#""status":"delivered""#, r#""status":"rejected""#];

/// As `own`, but signed.
const SEALED: &str = "content_type = 'application/json'\nauth = 'header'\nauth_prefix = 'Bearer '\n\
    body = '{\"to\": \"{to}\", \"text\": \"{text}\", \"reference\": \"{reference}\", \"callback_url\": \"{callback_url}\"}'\n\
    success = { pointer = '/status', equals = 'queued' }\nid = '/id'\n\
    signature_header = 'x-signature'\nsignature = 'hmac-sha256-hex'\nsignature_prefix = 'sha256='\n\
    callback = { id = '/id', status = '/status', code = '/code', reference = '/reference', \
    delivered = ['DELIVRD'], failed = ['UNDELIV'], sent = ['ENROUTE'] }";

const SMS: Provider = Provider {
    kind: "",
    name: "",
    proof: Proof::Secret,
    channel: "sms",
    country: "",
    number: "",
    ids: ["", ""],
    keys: "",
    words: ["", ""],
    posts: 2,
};

pub const ALL: [Provider; 15] = [
    Provider {
        kind: "aws_sms",
        name: "aws",
        proof: Proof::Topic,
        country: "DE",
        number: "+491512345",
        ids: ["111111111111", "222222222222"],
        keys: "region = 'eu-central-1'\naccess_key_id = 'AKIA{id}'\nfrom = 'TIFFIN'\n\
               topic_arn = 'arn:aws:sns:eu-central-1:{id}:receipts'",
        words: ["TEXT_DELIVERED", "TEXT_BLOCKED"],
        ..SMS
    },
    Provider {
        kind: "http",
        name: "own",
        country: "DK",
        number: "+452012",
        keys: "content_type = 'application/json'\nauth = 'header'\nauth_prefix = 'Bearer '\n\
               body = '{\"to\": \"{to}\", \"text\": \"{text}\", \"reference\": \"{reference}\", \
               \"callback_url\": \"{callback_url}\"}'\n\
               success = { pointer = '/status', equals = 'queued' }\nid = '/id'\n\
               callback = { id = '/id', status = '/status', code = '/code', reference = '/reference', \
               delivered = ['DELIVRD'], failed = ['UNDELIV'], sent = ['ENROUTE'] }",
        words: ["DELIVRD", "DELIVRD"],
        ..SMS
    },
    Provider {
        kind: "http",
        name: "sealed",
        proof: Proof::Http,
        country: "IE",
        number: "+35385012",
        keys: SEALED,
        words: [r#""status":"DELIVRD""#, r#""status":"UNDELIV""#],
        ..SMS
    },
    Provider {
        kind: "infobip",
        name: "infobip",
        country: "FR",
        number: "+3361234",
        keys: "from = 'TIFFIN'",
        words: ["DELIVERED_TO_HANDSET", "DELIVERED_TO_HANDSET"],
        ..SMS
    },
    Provider {
        kind: "msg91",
        name: "msg91",
        country: "ES",
        number: "+3461234",
        keys: "template_id = '5e1e93cad6fc054d8e759a5b'",
        words: ["DELIVERED", "DELIVERED"],
        posts: 1,
        ..SMS
    },
    Provider {
        kind: "plivo",
        name: "plivo",
        proof: Proof::Plivo,
        country: "NL",
        number: "+3161234",
        ids: ["MAXXXXXXXXXXXXXXXXX1", "MAXXXXXXXXXXXXXXXXX2"],
        keys: "auth_id = '{id}'\nfrom = 'TIFFIN'",
        words: ["Status=delivered", "Status=failed"],
        ..SMS
    },
    Provider {
        kind: "smtp",
        name: "mail",
        proof: Proof::Tag,
        channel: "email",
        keys: "user = 'tiffin'\nfrom = 'Tiffin <codes@tiffin.example>'\nreport_success = true",
        words: ["Action: delivered", "Action: failed"],
        ..SMS
    },
    Provider {
        kind: "telegram",
        name: "telegram",
        proof: Proof::Telegram,
        channel: "telegram",
        country: "GB",
        number: "+44740012",
        words: [r#""status":"delivered""#, r#""status":"expired""#],
        ..SMS
    },
    Provider {
        kind: "twilio",
        name: "twilio",
        proof: Proof::Twilio,
        country: "AT",
        number: "+4366412",
        ids: TWILIO_IDS,
        keys: "account_sid = '{id}'\nfrom = '+15005550006'",
        words: ["MessageStatus=delivered", "MessageStatus=failed"],
        ..SMS
    },
    Provider {
        kind: "twilio_voice",
        name: "calls",
        proof: Proof::Twilio,
        channel: "voice",
        country: "SE",
        number: "+4670123",
        ids: TWILIO_IDS,
        keys: "account_sid = '{id}'\nfrom = '+15005550006'",
        words: ["CallStatus=completed", "CallStatus=failed"],
        ..SMS
    },
    Provider {
        kind: "twilio_whatsapp",
        name: "twilio-wa",
        proof: Proof::Twilio,
        channel: "whatsapp",
        country: "PL",
        number: "+4851234",
        ids: TWILIO_IDS,
        keys: "account_sid = '{id}'\nfrom = '+15005550006'",
        words: ["MessageStatus=delivered", "MessageStatus=failed"],
        ..SMS
    },
    Provider {
        kind: "vonage_messages",
        name: "messages",
        proof: Proof::VonageMessages,
        country: "PT",
        number: "+35191234",
        ids: ["abcd0001", "abcd0002"],
        keys: "api_key = '{id}'\nfrom = 'TIFFIN'",
        words: JSON_WORDS,
        ..SMS
    },
    Provider {
        kind: "vonage_sms",
        name: "vonage",
        proof: Proof::VonageSms,
        country: "IT",
        number: "+39312345",
        ids: ["abcd0003", "abcd0004"],
        keys: "api_key = '{id}'\nfrom = 'TIFFIN'",
        words: ["status=delivered", "status=failed"],
        ..SMS
    },
    Provider {
        kind: "vonage_sms",
        name: UNSIGNED,
        country: "FI",
        number: "+35841234",
        ids: ["abcd0005", "abcd0006"],
        keys: "api_key = '{id}'\nfrom = 'TIFFIN'",
        words: ["status=delivered", "status=failed"],
        ..SMS
    },
    Provider {
        kind: "whatsapp_cloud",
        name: "whatsapp",
        proof: Proof::Whatsapp,
        channel: "whatsapp",
        country: "NO",
        number: "+474061",
        ids: ["106540352242922", "106540352242923"],
        keys: "from = '{id}'\ntemplate = 'login_code'",
        words: [r#""status":"delivered""#, r#""status":"failed""#],
        ..SMS
    },
];

/// The account at Vonage that signs nothing.
pub const UNSIGNED: &str = "vonage-open";

impl Provider {
    /// The second account.
    pub fn other(&self) -> String {
        format!("{}-b", self.name)
    }

    /// Where its messages go, with these four digits.
    pub fn address(&self, digits: u32) -> serde_json::Value {
        match self.number {
            "" => serde_json::json!({ "email": format!("user{digits}@mail.example") }),
            number => serde_json::json!({ "phone": format!("{number}{digits:04}") }),
        }
    }

    /// Whether its callbacks come to an address with a secret.
    pub fn has_path_secret(&self) -> bool {
        matches!(self.proof, Proof::Secret | Proof::Tag)
    }

    fn account(&self, name: &str, id: &str, countries: &str, priority: u8) -> String {
        format!(
            "[[gateways]]\nname = '{name}'\nkind = '{}'\nsandbox = true\ncountries = {countries}\n\
             priority = {priority}\ncallback_sources = ['{SOURCE}']\n{}\n\n",
            self.kind,
            self.keys.replace("{id}", id)
        )
    }
}

/// The settings of the tests with these providers in place of its gateways. Of hints, a second way follows.
pub fn settings(text: &str, waiting_ms: u32) -> String {
    let before = text.split("[[gateways]]").next().unwrap_or_default();
    let mut settings = before.to_owned();
    let hinting: Vec<_> = ALL.iter().filter(|it| it.proof == Proof::Secret).map(|it| it.country).collect();
    for provider in &ALL {
        let own =
            if provider.country.is_empty() { "'all'".into() } else { format!("['{}']", provider.country) };
        settings += &provider.account(provider.name, provider.ids[0], &own, 0);
        settings += &provider.account(&provider.other(), provider.ids[1], "['VA']", 9);
    }
    let second = format!("account_sid = '{}'\nfrom = '+15005550007'", "AC00000000000000000000000000000003");
    write!(
        settings,
        "[[gateways]]\nname = 'second'\nkind = 'twilio'\nsandbox = true\npriority = 5\n{second}\n\
         countries = {hinting:?}\n\n"
    )
    .ok();
    for channel in ["email", "sms", "telegram", "voice", "whatsapp"] {
        write!(
            settings,
            "[tenants.dev.services.{channel}]\nbrand = 'Tiffin'\nchannels = ['{channel}']\n\
             waiting_ms = {waiting_ms}\n\n"
        )
        .ok();
    }
    settings
}
