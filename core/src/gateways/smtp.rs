//! Mail, through an SMTP server that submits it for us (RFC 6409).
//!
//! `250` means that the server has the message, not that anybody got it. What became of it comes later, as a report to the
//! envelope's sender, or never: see [`bounce`].

pub mod answer;
pub mod bounce;
pub mod compose;
pub mod pool;
pub mod reply;
pub mod session;
pub mod settings;
pub mod tag;

use std::sync::Arc;
use std::time::Duration;

use lettre::Address;
use lettre::message::Mailbox;
use tiffin_shared::directory::Payments;
use tiffin_shared::order::Reason;
use tiffin_shared::route::Sender;
use tiffin_shared::secret::Secret;
use tiffin_shared::wire::api::Channel;
use tokio::time::Instant;
use tokio::time::timeout;
use tokio::time::timeout_at;

use self::bounce::Action;
use self::compose::Letter;
use self::pool::Pool;
use self::session::Outgoing;
use self::session::Unsent;
use self::settings::Keys;
use self::tag::Tags;
use super::account::Account;
use super::account::Secrets;
use super::adapter::Answered;
use super::adapter::Message;
use super::adapter::To;
use super::call::CALL_TIMEOUT;
use super::callback::Callback;
use super::callback::CallbackError;
use super::callback::Fate;
use super::callback::Heard;
use super::callback::Told;
use super::kinds::Adapter;
use super::kinds::Door;
use super::kinds::Kind;
use super::kinds::SecretName;

/// How long it may take to get a connection that is ready, of [`CALL_TIMEOUT`]: the rest is for the message.
const OPEN_TIMEOUT: Duration = Duration::from_secs(6);
/// RFC 6531, 3.7.4.2: "non-ASCII addresses not permitted for that sender/recipient".
const NOT_ASCII: &str = "5.6.7";
/// RFC 3463, 3.2: "bad destination mailbox address syntax".
const NOT_AN_ADDRESS: &str = "5.1.3";
/// RFC 3463, 3.7: "other or undefined media error".
const NOT_A_MESSAGE: &str = "5.6.0";

/// Mail.
pub const KIND: Kind = Kind {
    name: "smtp",
    channel: Channel::Email,
    codes: "smtp",
    secrets: &[
        SecretName::usual("password", "the password of `user`"),
        SecretName::new(
            "bounce_key",
            "what proves that a bounce is of a message of ours: any long random text",
        ),
    ],
    door: Door::Tagged,
    is_indexed: false,
    payments: |_| Payments::Shown,
    check: |account| account.keys::<Keys>()?.check(account).map_err(|error| error.to_string()),
    make: |account, secrets| Ok(Adapter::Smtp(Box::new(Smtp::new(account, secrets)?))),
};

/// An account with a mail server.
pub struct Smtp {
    bounce_domain: String,
    reports_success: bool,
    tags: Tags,
    pool: Arc<Pool>,
}

/// A message, ready for the server. No `Debug`: the bytes hold the code.
pub struct Mail {
    sender: Address,
    recipient: Address,
    tag: String,
    message_id: String,
    bytes: Secret<Vec<u8>>,
}

impl Smtp {
    /// An account, as configured. Reads the certificates that are trusted.
    pub fn new(account: &Account, secrets: &Secrets) -> Result<Self, String> {
        let keys: Keys = account.keys()?;
        let server = keys.server(account, secrets.find("password")).map_err(|error| error.to_string())?;
        Ok(Self {
            bounce_domain: keys.bounce_domain(account).map_err(|error| error.to_string())?,
            reports_success: keys.report_success,
            tags: Tags::new(account.name.as_str(), secrets.get("bounce_key")?.expose()),
            pool: Arc::new(Pool::new(server, keys.connections)),
        })
    }

    /// The message in MIME with its envelope; or the refusal, in a code of our own, of one that cannot be sent.
    pub fn encode(&self, message: &Message<'_>) -> Result<Mail, &'static str> {
        let To::Email(to) = message.to else { return Err(NOT_AN_ADDRESS) };
        // Domains have an ASCII form (`xn--`); other local parts would need SMTPUTF8 all the way.
        if !to.is_ascii() {
            return Err(NOT_ASCII);
        }
        let recipient: Address = to.parse().map_err(|_| NOT_AN_ADDRESS)?;
        let from = message.sender.map_or("", Sender::as_str);
        let from: Mailbox = from.parse().map_err(|_| NOT_A_MESSAGE)?;
        let tag = self.tags.make(message.reference).ok_or(NOT_A_MESSAGE)?;
        let sender = format!("{}{tag}@{}", tag::PREFIX, self.bounce_domain);
        let letter = Letter {
            from: &from.email,
            from_name: Some(message.brand).filter(|brand| !brand.is_empty()).or(from.name.as_deref()),
            to: &recipient,
            code: message.code.expose(),
            subject: message.content.subject.as_deref(),
            text: &message.content.text,
            html: message.content.html.as_deref(),
            language: message.content.locale.as_str(),
            tag: &tag,
            domain: &self.bounce_domain,
            now: message.now,
        };
        let bytes = Secret::new(compose::compose(&letter).map_err(|_| NOT_A_MESSAGE)?);
        let message_id = compose::message_id(&tag, &self.bounce_domain);
        Ok(Mail { sender: sender.parse().map_err(|_| NOT_A_MESSAGE)?, recipient, tag, message_id, bytes })
    }

    /// Sends, once, within [`CALL_TIMEOUT`].
    pub async fn send(&self, message: &Message<'_>) -> Answered {
        let mail = match self.encode(message) {
            Ok(mail) => mail,
            Err(code) => return Answered::Refused(answer::own(Some(code), Reason::Rejected)),
        };
        let deadline = Instant::now() + CALL_TIMEOUT;
        let opened = timeout(OPEN_TIMEOUT, self.pool.take()).await;
        let mut taken = match opened.unwrap_or(Err(Unsent::Broken)) {
            Ok(taken) => taken,
            Err(unsent) => return answer::classify(&Err(unsent), false, mail.message_id),
        };
        let outgoing = Outgoing {
            sender: &mail.sender,
            recipient: &mail.recipient,
            bytes: mail.bytes.expose(),
            envid: &mail.tag,
            reports_success: self.reports_success,
        };
        let mut is_out = false;
        let sending = timeout_at(deadline, taken.session.send(&outgoing, &mut is_out)).await;
        let sent = sending.unwrap_or(Err(Unsent::Broken));
        match &sent {
            // RFC 5321, 3.8: the server closes after 421.
            Err(Unsent::Refused(_, reply)) if reply.code == 421 => {}
            Ok(_) | Err(Unsent::Refused(..)) => self.pool.put(taken),
            // Nobody knows what its next reply is to.
            Err(_) => {}
        }
        answer::classify(&sent, is_out, mail.message_id)
    }

    /// Reads a bounce: the raw message is the body.
    pub fn hear(&self, callback: &Callback<'_>) -> Result<Heard, CallbackError> {
        let report = bounce::read(callback.body(), &self.tags).map_err(|error| match error {
            bounce::Error::Format => CallbackError::Malformed,
            bounce::Error::Tag => CallbackError::Signature,
        })?;
        let fate = match report.action {
            Action::Delayed => Fate::Underway,
            Action::Delivered => Fate::Delivered,
            Action::Relayed => Fate::Sent,
            Action::Failed => {
                let fallback = answer::fallback(report.status.starts_with('4'));
                Fate::Failed { code: Some(report.status), fallback }
            }
        };
        let provider_id = compose::message_id(&report.tag, &self.bounce_domain);
        Ok(Told { attempt: Some(report.attempt), provider_id, fate, cost: None }.into())
    }

    /// Few servers report what arrived, even where they are asked to: of most mail that arrives nothing is heard again.
    pub fn tells_arrival(&self) -> bool {
        false
    }

    /// Connects and proves who we are; says to whom, or why not.
    pub async fn check(&self) -> Result<String, String> {
        let server = self.pool.server();
        let opened = timeout(OPEN_TIMEOUT, self.pool.take()).await;
        let taken = opened.unwrap_or(Err(Unsent::Broken));
        let taken = taken.map_err(|unsent| format!("{}:{}: {unsent}", server.host, server.port))?;
        self.pool.put(taken);
        Ok(format!("{}:{} takes mail from us", server.host, server.port))
    }
}
