//! Connecting and what is said first.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use rusmpp::Pdu;
use rusmpp::pdus::BindReceiver;
use rusmpp::pdus::BindTransceiver;
use rusmpp::pdus::BindTransmitter;
use rusmpp::types::COctetString;
use rusmpp::values::InterfaceVersion;
use rusmpp::values::Npi;
use rusmpp::values::Ton;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tiffin_shared::secret::Secret;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::gateways::smpp::keys::Keys;
use crate::gateways::smpp::session::Role;

/// How long connecting may take, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// How to reach the SMSC, and as whom.
pub struct Dial {
    host: String,
    port: u16,
    tls: Option<TlsConnector>,
    system_id: COctetString<1, 16>,
    system_type: COctetString<1, 13>,
    password: Secret<String>,
}

impl Dial {
    /// From keys that were checked. `tls` is what servers are trusted by, where the account has TLS.
    pub fn new(keys: &Keys, password: Secret<String>, tls: Option<Arc<ClientConfig>>) -> Self {
        Self {
            host: keys.host.clone(),
            port: keys.port,
            tls: tls.filter(|_| keys.tls).map(TlsConnector::from),
            system_id: octets(&keys.system_id),
            system_type: octets(&keys.system_type),
            password,
        }
    }

    /// The first PDU of a session.
    pub fn bind(&self, role: Role) -> Pdu {
        let password = octets(self.password.expose());
        let (id, kind) = (self.system_id.clone(), self.system_type.clone());
        let (version, ton, npi) = (InterfaceVersion::Smpp3_4, Ton::Unknown, Npi::Unknown);
        let range = COctetString::null();
        match role {
            Role::Transceiver => BindTransceiver::new(id, password, kind, version, ton, npi, range).into(),
            Role::Transmitter => BindTransmitter::new(id, password, kind, version, ton, npi, range).into(),
            Role::Receiver => BindReceiver::new(id, password, kind, version, ton, npi, range).into(),
        }
    }

    /// Connects.
    pub async fn connect(&self) -> io::Result<Connection> {
        let connecting = async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
            stream.set_nodelay(true)?;
            let Some(tls) = &self.tls else { return Ok(Connection::Plain(stream)) };
            let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
            Ok(Connection::Tls(Box::new(tls.connect(name, stream).await?)))
        };
        timeout(CONNECT_TIMEOUT, connecting).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// A checked text; one that was not is left out, and the SMSC refuses the bind.
fn octets<const MAX: usize>(text: &str) -> COctetString<1, MAX> {
    text.parse().unwrap_or_else(|_invalid| COctetString::null())
}

/// Plain or TLS.
pub enum Connection {
    /// TCP.
    Plain(TcpStream),
    /// TLS over it.
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, into),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, into),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, from),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, from),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
