//! One connection to a mail server, from the greeting to the last message.
//!
//! lettre speaks the protocol. Its own transport is not used: it cannot tell a connection that broke before the message
//! was sent from one that broke after it, it takes back a connection whose last reply was not read, and it asks for no
//! delivery reports. Each reply is held against the one that its command has (RFC 5321, 4.3.2), so that replies that are
//! one off, as after text injected before `STARTTLS`, end the connection.

use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::client::TlsParameters;
use lettre::transport::smtp::commands::Data;
use lettre::transport::smtp::commands::Ehlo;
use lettre::transport::smtp::commands::Mail;
use lettre::transport::smtp::commands::Rcpt;
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::extension::MailParameter;
use lettre::transport::smtp::extension::RcptParameter;
use lettre::transport::smtp::response::Response;

use super::reply::Reply;

/// How long connecting to one address may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How the line is kept private.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// Plain at first, then `STARTTLS` (RFC 3207), without which nothing is sent. Port 587.
    #[default]
    Starttls,
    /// TLS from the first byte (RFC 8314). Port 465.
    Implicit,
    /// None at all: to this machine only.
    None,
}

/// A server, and who we are to it. No `Debug`: it holds the password.
pub struct Server {
    /// Name or address; with TLS, the certificate is for this.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How the line is kept private.
    pub tls: Tls,
    /// Whose certificates are trusted.
    pub trust: Option<TlsParameters>,
    /// Name and password, where it wants them.
    pub credentials: Option<Credentials>,
    /// What we call ourselves in `EHLO`.
    pub hello: ClientId,
}

/// What goes into one transaction. No `Debug`: the bytes hold the code.
pub struct Outgoing<'a> {
    /// Where bounces go.
    pub sender: &'a Address,
    /// One mailbox.
    pub recipient: &'a Address,
    /// The message.
    pub bytes: &'a [u8],
    /// The envelope id (RFC 3461, 4.4).
    pub envid: &'a str,
    /// Whether a report is wanted of what arrives, too.
    pub reports_success: bool,
}

/// Where in a session a refusal came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Before any message: greeting, `EHLO`, `STARTTLS`.
    Opening,
    /// `AUTH`.
    Auth,
    /// `MAIL`, or what resets the one before it.
    Sender,
    /// `RCPT`.
    Recipient,
    /// `DATA` or the message.
    Message,
}

/// Why a message was not sent, for certain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsent {
    /// The server said no.
    #[error("the server answered {} {}", .1.code, .1.enhanced.as_deref().unwrap_or_default())]
    Refused(Step, Reply),
    /// No connection, or it broke.
    #[error("no connection")]
    Broken,
    /// No TLS: not offered, not agreed on, or a certificate that is not trusted.
    #[error("no TLS: it is not offered, or the certificate is not trusted")]
    NoTls,
    /// The server takes neither `PLAIN` nor `LOGIN`.
    #[error("the server takes neither AUTH PLAIN nor LOGIN")]
    NoAuth,
    /// Replies that are not those of the commands.
    #[error("the server's replies are not those of our commands")]
    Protocol,
}

/// A connection, ready for the next message.
pub struct Session {
    connection: AsyncSmtpConnection,
    reports: bool,
}

impl Session {
    /// Connects, agrees on TLS and proves who we are. Without a limit of its own.
    pub async fn open(server: &Server) -> Result<Self, Unsent> {
        let implicit = server.trust.clone().filter(|_| server.tls == Tls::Implicit);
        let address = (server.host.as_str(), server.port);
        let opened = AsyncSmtpConnection::connect_tokio1(
            address,
            Some(CONNECT_TIMEOUT),
            &server.hello,
            implicit,
            None,
        );
        let mut connection = opened.await.map_err(|error| unsent(Step::Opening, &error))?;
        if server.tls == Tls::Starttls {
            let trust = server.trust.clone().filter(|_| connection.can_starttls()).ok_or(Unsent::NoTls)?;
            let upgraded = connection.starttls(trust, &server.hello).await;
            upgraded.map_err(|error| unsent(Step::Opening, &error))?;
        }
        if server.tls != Tls::None && !connection.is_encrypted() {
            return Err(Unsent::NoTls);
        }
        if let Some(credentials) = &server.credentials {
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            if connection.server_info().get_auth_mechanism(&mechanisms).is_none() {
                return Err(Unsent::NoAuth);
            }
            let answered = connection.auth(&mechanisms, credentials).await;
            expect(Step::Auth, answered, &[235])?;
        }
        // Once more, for what lettre does not keep of the answer.
        let answered = connection.command(Ehlo::new(server.hello.clone())).await;
        let offers = expect(Step::Opening, answered, &[250])?;
        let reports = offers.message().any(|line| line.trim().eq_ignore_ascii_case("DSN"));
        Ok(Self { connection, reports })
    }

    /// Whether a connection that waited is still there, and as if new.
    pub async fn is_fresh(&mut self) -> bool {
        let answered = self.connection.command("RSET\r\n").await;
        expect(Step::Sender, answered, &[250]).is_ok()
    }

    /// One message. Sets `is_out` before the bytes that make the server take it leave: from then on a missing reply says
    /// nothing of what became of it.
    pub async fn send(&mut self, outgoing: &Outgoing<'_>, is_out: &mut bool) -> Result<Reply, Unsent> {
        let mut of_mail = Vec::new();
        let mut of_rcpt = Vec::new();
        if self.reports {
            of_mail.push(mail("RET", "HDRS"));
            of_mail.push(mail("ENVID", outgoing.envid));
            let notify = if outgoing.reports_success { "SUCCESS,FAILURE,DELAY" } else { "FAILURE,DELAY" };
            of_rcpt.push(RcptParameter::Other { keyword: "NOTIFY".into(), value: Some(notify.into()) });
        }
        let answered = self.connection.command(Mail::new(Some(outgoing.sender.clone()), of_mail)).await;
        expect(Step::Sender, answered, &[250])?;
        let answered = self.connection.command(Rcpt::new(outgoing.recipient.clone(), of_rcpt)).await;
        expect(Step::Recipient, answered, &[250, 251])?;
        let answered = self.connection.command(Data).await;
        expect(Step::Message, answered, &[354])?;
        let bytes = std::iter::once(outgoing.bytes).chain(std::iter::from_fn(|| {
            *is_out = true;
            None
        }));
        let answered = self.connection.message_iter(bytes).await;
        expect(Step::Message, answered, &[250]).map(|response| Reply::of(&response))
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        let _said = self.connection.quit().await;
    }
}

fn mail(keyword: &str, value: &str) -> MailParameter {
    MailParameter::Other { keyword: keyword.to_owned(), value: Some(value.to_owned()) }
}

fn expect(step: Step, answered: Result<Response, Error>, codes: &[u16]) -> Result<Response, Unsent> {
    let response = answered.map_err(|error| unsent(step, &error))?;
    let is_expected = codes.contains(&u16::from(response.code()));
    if is_expected { Ok(response) } else { Err(Unsent::Protocol) }
}

fn unsent(step: Step, error: &Error) -> Unsent {
    match Reply::of_error(error) {
        Some(reply) => Unsent::Refused(step, reply),
        None if error.is_tls() || is_about_tls(error) => Unsent::NoTls,
        None if error.is_response() => Unsent::Protocol,
        None => Unsent::Broken,
    }
}

/// A handshake that fails is, some causes down, an IO error with one of rustls inside.
fn is_about_tls(error: &Error) -> bool {
    let mut causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let of_io = |cause: &(dyn std::error::Error + 'static)| {
        let inner = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        inner.is_some_and(|inner| inner.is::<rustls::Error>())
    };
    causes.any(of_io)
}
