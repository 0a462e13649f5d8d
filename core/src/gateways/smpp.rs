//! SMPP 3.4: an account with an SMSC, over sessions that are kept up.
//!
//! `session` decides and does no IO; `link` plays it over a connection and comes back when it ends; this is what sends over the links
//! and passes on what comes by them. A request that was written is never written again by itself: its outcome is the
//! answer, or unknown. An answer that comes too late, and a receipt that gives our own reference back, still tell of it.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use futures::future::BoxFuture;
use rustls::ClientConfig;
use tiffin_shared::directory::Payments;
use tiffin_shared::id::GatewayId;
use tiffin_shared::order::Found;
use tiffin_shared::reference::Reference;
use tiffin_shared::secret::Secret;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::wire::api::Channel;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use self::address::Address;
use self::keys::Keys;
use self::link::Clock;
use self::link::Link;
use self::link::News;
use self::link::Request;
use self::link::Stand;
use self::link::dial::Dial;
use self::receipt::Receipt;
use self::receipt::State;
use self::references::References;
use self::session::Limits;
use self::session::Role;
use super::account::Account;
use super::account::Secrets;
use super::callback::Fate;
use super::callback::Told;
use super::kinds::Adapter;
use super::kinds::Door;
use super::kinds::Kind;
use super::kinds::SecretName;
use crate::host;

pub mod address;
mod ask;
pub mod keys;
mod link;
pub mod message_id;
pub mod receipt;
mod references;
mod send;
pub mod session;
pub mod status;
pub mod submit;
pub mod tls;
pub mod wire;

/// The kind `smpp`.
pub const KIND: Kind = Kind {
    name: "smpp",
    channel: Channel::Sms,
    codes: "smpp",
    secrets: &[SecretName::new(PASSWORD, "the password of the account's system id")
        .at_most(keys::PASSWORD_CHARS_MAX)],
    // Nobody calls: receipts come by the sessions, which are bound with the password.
    door: Door::Signed,
    is_indexed: true,
    payments: |_| Payments::Shown,
    check,
    make,
};

const PASSWORD: &str = "password";
/// How often what came late is looked for after an unknown outcome.
const LOOKS_MAX: u8 = 2;
/// A bind is answered at once, or by an SMSC in trouble.
const BIND_TIMEOUT_MS: u64 = 5 * SECOND_MS;
/// How long the answers to what is out are waited for at the end.
const GRACE_MS: u64 = 5 * SECOND_MS;
/// Then the sessions are left to the operating system.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(GRACE_MS + 3 * SECOND_MS);
/// Receipts on their way from the sessions to their handler.
const NEWS_MAX: usize = 256;

/// Works on receipts. `Err` when it cannot now: the SMSC brings the receipt again.
pub type Handler = Arc<dyn Fn(Told) -> BoxFuture<'static, Result<(), NotTaken>> + Send + Sync>;

/// A receipt could not be worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the receipt is to be brought again")]
pub struct NotTaken;

/// An account.
pub struct Smpp {
    name: GatewayId,
    keys: Keys,
    links: Vec<Held>,
    /// What [`Smpp::start`] puts to work.
    idle: Mutex<Vec<Link>>,
    news: Mutex<Option<mpsc::Receiver<News>>>,
    references: Arc<References>,
    closing: watch::Sender<bool>,
    tasks: Mutex<JoinSet<()>>,
    clock: Clock,
}

/// The sending end of a link.
struct Held {
    role: Role,
    requests: mpsc::Sender<Request>,
    stand: watch::Receiver<Stand>,
    /// Requests that it was given and that have not ended.
    outstanding: AtomicUsize,
}

impl Smpp {
    /// From keys that were checked; connects to nothing yet. `tls` is what servers are trusted by.
    pub fn new(
        name: &GatewayId,
        keys: Keys,
        password: Secret<String>,
        tls: Option<Arc<ClientConfig>>,
    ) -> Self {
        let dial = Arc::new(Dial::new(&keys, password, tls));
        let (closing, _) = watch::channel(false);
        let (told, news) = mpsc::channel(NEWS_MAX);
        let clock = Clock::start(host::now());
        let (mut links, mut idle) = (Vec::new(), Vec::new());
        for role in keys.roles() {
            let (requests, from) = mpsc::channel(usize::from(keys.window));
            let (stand, stands) = watch::channel(Stand::default());
            links.push(Held { role, requests, stand: stands, outstanding: AtomicUsize::new(0) });
            idle.push(Link {
                gateway: name.to_string(),
                limits: limits(&keys, role),
                dial: Arc::clone(&dial),
                requests: from,
                stand,
                news: told.clone(),
                closing: closing.subscribe(),
                clock,
            });
        }
        Self {
            name: name.clone(),
            references: Arc::new(References::new(keys.message_id)),
            keys,
            links,
            idle: Mutex::new(idle),
            news: Mutex::new(Some(news)),
            closing,
            tasks: Mutex::new(JoinSet::new()),
            clock,
        }
    }

    /// What it is called everywhere else.
    pub fn name(&self) -> &GatewayId {
        &self.name
    }

    /// Connects, and passes receipts to `handler` from now on. A second call changes nothing.
    pub fn start(&self, handler: Handler) {
        let mut tasks = lock(&self.tasks);
        for link in lock(&self.idle).drain(..) {
            tasks.spawn(link.run());
        }
        if let Some(news) = lock(&self.news).take() {
            tasks.spawn(listen(news, Arc::clone(&self.references), handler));
        }
    }

    /// Sessions that messages can be sent on now.
    pub fn bound(&self) -> usize {
        self.links.iter().filter(|link| link.role.submits() && link.stand.borrow().is_bound).count()
    }

    /// How often [`Smpp::look_up`] is worth it.
    pub fn looks_max(&self) -> u8 {
        LOOKS_MAX
    }

    /// What became known of a message whose outcome was unknown: a late answer, or a receipt with our own reference. SMPP has no way
    /// to ask for a message whose id was lost with its answer; `query_sm` wants the id.
    pub fn look_up(&self, reference: &Reference) -> Found {
        self.references.found(reference)
    }

    /// Ends the sessions in order: waits for outstanding answers for some seconds, unbinds.
    pub async fn close(&self) {
        self.closing.send_replace(true);
        lock(&self.idle).clear();
        let mut tasks = std::mem::take(&mut *lock(&self.tasks));
        timeout(CLOSE_TIMEOUT, async { while tasks.join_next().await.is_some() {} }).await.ok();
    }
}

fn check(account: &Account) -> Result<(), String> {
    account.keys::<Keys>()?.check()?;
    for sender in &account.settings.senders {
        let id = sender.id.as_str();
        Address::sender(id).map_err(|error| format!("senders: {id}: {error}"))?;
    }
    Ok(())
}

fn make(account: &Account, secrets: &Secrets) -> Result<Adapter, String> {
    let keys: Keys = account.keys()?;
    let password = secrets.get(PASSWORD)?;
    Keys::check_password(password.expose()).map_err(|error| format!("{PASSWORD}: {error}"))?;
    let tls = match keys.tls {
        true => Some(tls::config(keys.tls_ca.as_deref()).map_err(|error| format!("tls_ca: {error}"))?),
        false => None,
    };
    Ok(Adapter::Smpp(Box::new(Smpp::new(&account.name, keys, password, tls))))
}

fn limits(keys: &Keys, role: Role) -> Limits {
    Limits {
        role,
        window: usize::from(keys.window),
        bind_timeout_ms: BIND_TIMEOUT_MS,
        enquire_link_ms: keys.enquire_link_ms,
        response_timeout_ms: keys.response_timeout_ms,
        grace_ms: GRACE_MS,
    }
}

/// Passes on what comes by the links until they have ended. As many receipts are in work at once as the sessions allow.
async fn listen(mut news: mpsc::Receiver<News>, references: Arc<References>, handler: Handler) {
    while let Some(news) = news.recv().await {
        match news {
            News::Late { number, reply } => references.answered(number, &reply),
            News::Receipt { receipt, done } => tell(&references, receipt, done, &handler),
        }
    }
}

fn tell(references: &References, receipt: Receipt, done: oneshot::Sender<bool>, handler: &Handler) {
    let provider_id = references.receipt_id(&receipt);
    let attempt = references.about(&receipt, &provider_id);
    // It names a message of another process only by our number for it, which says nothing there.
    if attempt.is_none() && provider_id.is_empty() {
        done.send(true).ok();
        return;
    }
    let told = Told { attempt, provider_id, fate: fate(&receipt), cost: None };
    let telling = handler(told);
    tokio::spawn(async move { done.send(telling.await.is_ok()) });
}

fn fate(receipt: &Receipt) -> Fate {
    match (receipt.state, receipt.state.failure()) {
        (_, Some(fallback)) => Fate::Failed { code: Some(receipt.code()), fallback },
        (State::Delivered, None) => Fate::Delivered,
        (State::Enroute, None) => Fate::Sent,
        (_, None) => Fate::Underway,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
