//! The keys of a mail gateway in `tiffin.toml`.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::path::PathBuf;

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::Certificate;
use lettre::transport::smtp::client::TlsParameters;
use lettre::transport::smtp::extension::ClientId;
use serde::Deserialize;
use tiffin_shared::secret::Secret;

use super::session::Server;
use super::session::Tls;
use crate::gateways::account::Account;
use crate::gateways::account::SenderSettings;
use crate::gateways::call::install_tls;

/// Servers commonly allow one client ten to fifty.
const CONNECTIONS: u16 = 8;
const CONNECTIONS_MAX: u16 = 512;
/// A domain behind a tag in a path: 256 bytes in all (RFC 5321, 4.5.3.1.3), and 253 of a name (RFC 1035).
const DOMAIN_CHARS_MAX: usize = 190;

/// What `kind = "smtp"` takes beside what every gateway has.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Name or address of the server; with TLS, its certificate is for this.
    #[serde(default)]
    pub host: String,
    /// Default 587, with `tls = "implicit"` 465.
    pub port: Option<u16>,
    /// `"starttls"`, which is the default, `"implicit"`, or `"none"` where the server is on this machine.
    #[serde(default)]
    pub tls: Tls,
    /// Who we are to it; the password is `TIFFIN_GATEWAY_<NAME>_PASSWORD`. Without it there is no `AUTH`.
    pub user: Option<String>,
    /// Where bounces go: mail to `bounces+…` there has to come to the callback address. Default: the domain of the first
    /// sender.
    pub bounce_domain: Option<String>,
    /// What we call ourselves. Default: the bounce domain.
    pub hello: Option<String>,
    /// PEM certificates that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// At once; default 8.
    #[serde(default = "connections")]
    pub connections: u16,
    /// Whether to ask for reports of what arrived, too (RFC 3461, `NOTIFY=SUCCESS`).
    #[serde(default)]
    pub report_success: bool,
}

/// A key that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Which, and why.
    #[error("{0}")]
    Key(String),
    /// The certificates cannot be read.
    #[error("ca_file: {0}")]
    File(#[from] std::io::Error),
    /// TLS cannot be set up with them.
    #[error("ca_file: {0}")]
    Tls(#[from] lettre::transport::smtp::Error),
}

impl Keys {
    /// Where bounces go.
    pub fn bounce_domain(&self, account: &Account) -> Result<String, Error> {
        match &self.bounce_domain {
            Some(domain) => Ok(domain.clone()),
            None => {
                senders(account)?.first().map(|sender| sender.email.domain().to_owned()).ok_or_else(no_sender)
            }
        }
    }

    /// Whether they can be used, as far as can be said without a connection.
    pub fn check(&self, account: &Account) -> Result<(), Error> {
        let key = |reason: &str| Err(Error::Key(reason.to_owned()));
        let is_name = |name: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
            !name.is_empty() && name.len() <= DOMAIN_CHARS_MAX && name.bytes().all(allowed)
        };
        // A sandboxed account is told later.
        let is_told_later = account.is_sandboxed && self.host.is_empty();
        if !is_told_later && self.host.parse::<IpAddr>().is_err() && !is_name(&self.host) {
            return key("host: must be a name or an address");
        }
        if self.tls == Tls::None && !is_loopback(&self.host) {
            return key(
                "tls: \"none\" is for a server on this machine: codes and the password would go in clear",
            );
        }
        if senders(account)?.is_empty() {
            return Err(no_sender());
        }
        if !is_name(&self.bounce_domain(account)?) {
            return key("bounce_domain: must be a domain, in its xn-- form");
        }
        if self.hello.as_ref().is_some_and(|name| !is_name(name)) {
            return key("hello: must be a domain");
        }
        if !(1..=CONNECTIONS_MAX).contains(&self.connections) {
            return Err(Error::Key(format!("connections: must be 1 to {CONNECTIONS_MAX}")));
        }
        Ok(())
    }

    /// The server, with the password and the certificates read.
    pub(super) fn server(
        &self,
        account: &Account,
        password: Option<Secret<String>>,
    ) -> Result<Server, Error> {
        self.check(account)?;
        let credentials = match (&self.user, password) {
            (Some(user), Some(password)) => Some(Credentials::new(user.clone(), password.expose().clone())),
            (Some(_), None) => return Err(Error::Key("user: needs the password, which is not set".into())),
            (None, _) => None,
        };
        let trust = if self.tls == Tls::None { None } else { Some(self.trust()?) };
        let port = self.port.unwrap_or(if self.tls == Tls::Implicit { 465 } else { 587 });
        let hello = ClientId::Domain(self.hello.clone().map_or_else(|| self.bounce_domain(account), Ok)?);
        Ok(Server { host: self.host.clone(), port, tls: self.tls, trust, credentials, hello })
    }

    fn trust(&self) -> Result<TlsParameters, Error> {
        install_tls();
        let mut builder = TlsParameters::builder(self.host.clone());
        if let Some(path) = &self.ca_file {
            builder = builder.add_root_certificate(Certificate::from_pem(&std::fs::read(path)?)?);
        }
        Ok(builder.build()?)
    }
}

/// The keys that find the sandbox's mail server.
pub fn sandboxed(listen: SocketAddr) -> Vec<(&'static str, toml::Value)> {
    vec![
        ("host", toml::Value::String(listen.ip().to_string())),
        ("port", toml::Value::Integer(listen.port().into())),
        ("tls", toml::Value::String("none".into())),
    ]
}

/// The account's senders, as mailboxes.
fn senders(account: &Account) -> Result<Vec<Mailbox>, Error> {
    let read = |sender: &SenderSettings| {
        let text = sender.id.as_str();
        text.parse().map_err(|_| {
            Error::Key(format!("from: {text:?} is no mailbox, such as \"Shop <codes@shop.example>\""))
        })
    };
    account.settings.senders.iter().map(read).collect()
}

fn no_sender() -> Error {
    Error::Key("from: is missing, such as \"Shop <codes@shop.example>\"".into())
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn connections() -> u16 {
    CONNECTIONS
}
