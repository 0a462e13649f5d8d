//! A TCP proxy that can be cut, or that stands before several servers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Forwards until dropped.
pub struct Proxy {
    /// Where it listens.
    pub at: SocketAddr,
    ports: Arc<Mutex<Vec<u16>>>,
    open: Arc<Mutex<JoinSet<()>>>,
    accepting: JoinSet<()>,
}

impl Proxy {
    /// To a port of this machine.
    pub async fn to(port: u16) -> anyhow::Result<Self> {
        Self::over(&[port]).await
    }

    /// To ports of this machine in turn; one where nobody listens is passed by.
    pub async fn over(ports: &[u16]) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", crate::wait::free_ports(1)?)).await?;
        let at = listener.local_addr()?;
        let open = Arc::new(Mutex::new(JoinSet::new()));
        let (mut accepting, of) = (JoinSet::new(), open.clone());
        let ports = Arc::new(Mutex::new(ports.to_vec()));
        let aimed = ports.clone();
        accepting.spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let turn = {
                    let mut ports = aimed.lock().unwrap_or_else(PoisonError::into_inner);
                    let turn = ports.clone();
                    if !turn.is_empty() {
                        ports.rotate_left(1);
                    }
                    turn
                };
                of.lock().unwrap_or_else(PoisonError::into_inner).spawn(async move {
                    if let Some(mut to) = first(&turn).await {
                        from.set_nodelay(true).ok();
                        tokio::io::copy_bidirectional(&mut from, &mut to).await.ok();
                    }
                });
            }
        });
        Ok(Self { at, ports, open, accepting })
    }

    /// From here on to these ports; what is open stays as it is.
    pub fn aim(&self, ports: Vec<u16>) {
        *self.ports.lock().unwrap_or_else(PoisonError::into_inner) = ports;
    }

    /// Ends every connection. How many there were. New ones are taken.
    pub fn cut(&self) -> usize {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let cut = open.len();
        *open = JoinSet::new();
        cut
    }
}

async fn first(ports: &[u16]) -> Option<TcpStream> {
    for port in ports {
        if let Ok(to) = TcpStream::connect(("127.0.0.1", *port)).await {
            to.set_nodelay(true).ok();
            return Some(to);
        }
    }
    None
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort_all();
        self.cut();
    }
}
