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
use tiffin_shared::id::GatewayId;
use tiffin_shared::id::OrderId;
use tiffin_shared::order::Reason;
use tiffin_shared::secret::Secret;
use tiffin_shared::time::UnixMs;
use tokio::time::Instant;
use tokio::time::timeout;
use tokio::time::timeout_at;

use self::answer::Answered;
use self::compose::Letter;
use self::pool::Pool;
use self::session::Outgoing;
use self::session::Unsent;
use self::settings::Error;
use self::settings::Keys;
use self::tag::Tags;
use super::call::CALL_TIMEOUT;

/// How long it may take to get a connection that is ready, of [`CALL_TIMEOUT`]: the rest is for the message.
const OPEN_TIMEOUT: Duration = Duration::from_secs(6);
/// RFC 6531, 3.7.4.2: "non-ASCII addresses not permitted for that sender/recipient".
const NOT_ASCII: &str = "5.6.7";
/// RFC 3463, 3.2: "bad destination mailbox address syntax".
const NOT_AN_ADDRESS: &str = "5.1.3";
/// RFC 3463, 3.7: "other or undefined media error".
const NOT_A_MESSAGE: &str = "5.6.0";

/// An account with a mail server.
pub struct Smtp {
    keys: Keys,
    tags: Tags,
    pool: Arc<Pool>,
}

/// What is to be sent. No `Debug`: it holds the code.
pub struct Message<'a> {
    /// Mailbox.
    pub to: &'a str,
    /// The name the reader sees; the configured one where there is none.
    pub brand: Option<&'a str>,
    /// The code.
    pub code: &'a str,
    /// Without the code.
    pub subject: Option<&'a str>,
    /// For readers that show no HTML.
    pub text: &'a str,
    /// The same, set.
    pub html: Option<&'a str>,
    /// Which order.
    pub order: &'a OrderId,
    /// Which of its attempts.
    pub n: u32,
    /// Its date.
    pub now: UnixMs,
}

/// A message, ready for the server. No `Debug`: the bytes hold the code.
pub struct Mail {
    sender: Address,
    recipient: Address,
    tag: String,
    message_id: String,
    bytes: Secret<Vec<u8>>,
}

impl Mail {
    /// What goes between `DATA` and the last dot.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.expose()
    }

    /// Where bounces go.
    pub fn sender(&self) -> &str {
        self.sender.as_ref()
    }
}

impl Smtp {
    /// An account, as configured. Reads the certificates that are trusted.
    pub fn new(name: &GatewayId, keys: Keys, password: Option<String>, secret: &str) -> Result<Self, Error> {
        let server = keys.server(password)?;
        let pool = Arc::new(Pool::new(server, keys.connections));
        Ok(Self { tags: Tags::new(name.as_str(), secret), pool, keys })
    }

    /// The message in MIME with its envelope; or the refusal, in a code of our own, of an address that cannot be sent to.
    pub fn encode(&self, message: &Message<'_>) -> Result<Mail, &'static str> {
        // Public keys for letters outside ASCII are domains (`xn--`); local parts would need SMTPUTF8 all the way.
        if !message.to.is_ascii() {
            return Err(NOT_ASCII);
        }
        let recipient: Address = message.to.parse().map_err(|_| NOT_AN_ADDRESS)?;
        let tag = self.tags.make(message.order, message.n).ok_or(NOT_A_MESSAGE)?;
        let domain = self.keys.bounce_domain();
        let sender = format!("{}{tag}@{domain}", tag::PREFIX).parse().map_err(|_| NOT_A_MESSAGE)?;
        let letter = Letter {
            from: &self.keys.from.email,
            from_name: message.brand.or(self.keys.from.name.as_deref()),
            to: &recipient,
            code: message.code,
            subject: message.subject,
            text: message.text,
            html: message.html,
            tag: &tag,
            domain,
            now: message.now,
        };
        let bytes = Secret::new(compose::compose(&letter).map_err(|_| NOT_A_MESSAGE)?);
        let message_id = compose::message_id(&tag, domain);
        Ok(Mail { sender, recipient, tag, message_id, bytes })
    }

    /// Sends, once, within [`CALL_TIMEOUT`].
    pub async fn send(&self, message: &Message<'_>) -> Answered {
        let mail = match self.encode(message) {
            Ok(mail) => mail,
            Err(code) => return Answered::Refused(answer::own(Some(code), Reason::Rejected)),
        };
        let deadline = Instant::now() + CALL_TIMEOUT;
        let mut taken = match timeout(OPEN_TIMEOUT, self.pool.take()).await {
            Ok(Ok(taken)) => taken,
            Ok(Err(unsent)) => return answer::classify(&Err(unsent), false, mail.message_id),
            Err(_) => return answer::classify(&Err(Unsent::Broken), false, mail.message_id),
        };
        let outgoing = Outgoing {
            sender: &mail.sender,
            recipient: &mail.recipient,
            bytes: mail.bytes(),
            envid: &mail.tag,
            reports_success: self.keys.report_success,
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

    /// Reads a report on a message of this gateway: which attempt, and the Message-ID it was sent with.
    pub fn report(&self, raw: &[u8]) -> Result<(bounce::Report, String), bounce::Error> {
        let report = bounce::read(raw, &self.tags)?;
        let message_id = compose::message_id(&report.tag, self.keys.bounce_domain());
        Ok((report, message_id))
    }

    /// Connects and proves who we are; says to whom, or why not.
    pub async fn check(&self) -> Result<String, String> {
        let server = self.pool.server();
        match timeout(OPEN_TIMEOUT, self.pool.take()).await {
            Ok(Ok(taken)) => {
                self.pool.put(taken);
                Ok(format!("{}:{} takes mail from us", server.host, server.port))
            }
            Ok(Err(unsent)) => Err(format!("{}:{}: {unsent}", server.host, server.port)),
            Err(_) => Err(format!("{}:{}: no answer", server.host, server.port)),
        }
    }
}
