//! A connection that is made again when it is lost.
//!
//! Not lapin's own recovery: that keeps channels and consumers alive across connections, and with them the question which
//! deliveries and confirms belong to which. Here everything of a lost connection is over, and made anew.

use std::sync::Arc;
use std::sync::Weak;
use std::time::Duration;

use lapin::Channel;
use lapin::Connection;
use lapin::ConnectionProperties;
use lapin::uri::AMQPUri;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio::time::timeout;

use super::super::Error;

/// How long the server may take to take a connection.
const REACH_TIMEOUT: Duration = Duration::from_secs(3);
/// How long the handshake may take: a broker that starts takes connections before it answers them.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long opening a channel may take.
const CHANNEL_TIMEOUT: Duration = Duration::from_secs(3);
/// How often to see whether the connection still is one. lapin notices at once; this is how soon we do.
const LOOK: Duration = Duration::from_millis(50);
/// Pauses between two tries to connect: doubled from the first to the second.
const RECONNECT: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(2)];
/// A peer that is silent for two of these is gone: a stopped process, a cut cable. Unless the address says otherwise.
const HEARTBEAT_S: u16 = 10;

/// One connection at a time.
#[derive(Clone)]
pub struct Link(Arc<Inner>);

struct Inner {
    uri: AMQPUri,
    name: &'static str,
    current: watch::Sender<Option<Arc<Connection>>>,
}

impl Link {
    /// Connects, or says why not; and from then on keeps a connection until dropped.
    pub async fn connect(url: &str, name: &'static str) -> Result<Self, Error> {
        let mut uri: AMQPUri = url.parse().map_err(Error::Url)?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT_S);
        let connection = connect(&uri, name).await?;
        let link = Self(Arc::new(Inner { uri, name, current: watch::Sender::new(None) }));
        tokio::spawn(keep(Arc::downgrade(&link.0), connection));
        link.connected().await;
        Ok(link)
    }

    /// Whether there is a connection, and the server takes messages.
    pub fn is_ready(&self) -> bool {
        self.0.current.borrow().as_ref().is_some_and(|connection| {
            let status = connection.status();
            status.connected() && !status.blocked()
        })
    }

    /// Whether the server takes no messages for want of memory or disk.
    pub fn is_blocked(&self) -> bool {
        self.0.current.borrow().as_ref().is_some_and(|connection| connection.status().blocked())
    }

    /// Whether there is a connection. False as soon as it is lost, before a new one is made.
    pub fn is_connected(&self) -> bool {
        self.0.current.borrow().as_ref().is_some_and(|connection| connection.status().connected())
    }

    /// Returns when there is a connection.
    pub async fn connected(&self) {
        // An error means that the sender is gone, which we hold.
        self.0.current.subscribe().wait_for(Option::is_some).await.ok();
    }

    /// A new channel on the connection that there is now.
    pub async fn channel(&self) -> Result<Channel, Error> {
        let connection = self.0.current.borrow().clone().ok_or(Error::Disconnected)?;
        timeout(CHANNEL_TIMEOUT, connection.create_channel())
            .await
            .map_err(|_| Error::Timeout)?
            .map_err(Error::from)
    }
}

async fn keep(link: Weak<Inner>, first: Connection) {
    let mut connection = Some(first);
    let [mut pause, pause_max] = RECONNECT;
    loop {
        let Some(inner) = link.upgrade() else { return };
        let made = match connection.take() {
            Some(connection) => Ok(connection),
            None => connect(&inner.uri, inner.name).await,
        };
        match made {
            Ok(made) => {
                [pause, _] = RECONNECT;
                let made = Arc::new(made);
                inner.current.send_replace(Some(made.clone()));
                drop(inner);
                while made.status().connected() && link.strong_count() > 0 {
                    sleep(LOOK).await;
                }
                let Some(inner) = link.upgrade() else { return };
                tracing::warn!(connection = inner.name, "rabbitmq is disconnected; connecting again");
                inner.current.send_replace(None);
            }
            Err(error) => {
                tracing::warn!(connection = inner.name, %error, "rabbitmq is not reached; trying again");
                drop(inner);
                sleep(pause).await;
                pause = (pause * 2).min(pause_max);
            }
        }
    }
}

async fn connect(uri: &AMQPUri, name: &'static str) -> Result<Connection, Error> {
    // lapin would try an address where nobody listens again and again.
    let at = (uri.authority.host.as_str(), uri.authority.port);
    timeout(REACH_TIMEOUT, TcpStream::connect(at)).await.map_err(|_| Error::Timeout)??;
    let properties = ConnectionProperties::default().with_connection_name(format!("tiffin {name}").into());
    let connecting = Connection::connect_uri(uri.clone(), properties);
    timeout(CONNECT_TIMEOUT, connecting).await.map_err(|_| Error::Timeout)?.map_err(Error::from)
}
