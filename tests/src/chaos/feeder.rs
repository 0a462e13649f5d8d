//! The edge's side of a hand-over: makes orders, seals and signs their jobs, and hands them over until core has them, as
//! the outbox does.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tiffin_core::gateways::call::install_tls;
use tiffin_core::host;
use tiffin_shared::bytes;
use tiffin_shared::country::Country;
use tiffin_shared::http::internal;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::ServiceId;
use tiffin_shared::keys::Signing;
use tiffin_shared::ledger::Content;
use tiffin_shared::ledger::Parcel;
use tiffin_shared::ledger::ParcelId;
use tiffin_shared::ledger::Part;
use tiffin_shared::risk::Factors;
use tiffin_shared::seal::Sealer;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::job::Header;
use tiffin_shared::wire::job::Job;
use tokio::time::sleep;

use crate::jobs;
use crate::keys::Keys;
use crate::keys::Variables;

/// How long core may take for an answer.
const HAND_OVER_TIMEOUT: Duration = Duration::from_secs(5);
/// Pauses between two tries: doubled from the first to the second.
const PAUSE: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(1)];

/// An order, and what became of handing it over.
#[derive(Clone, Debug)]
pub struct Ordered {
    /// Its id.
    pub id: OrderId,
    /// Whose.
    pub phone: String,
    /// Its code: six digits that no other order of this process has.
    pub code: String,
    /// From here on it must not be sent.
    pub expires_at: UnixMs,
    /// When core had it, as its 202 said; none when it never did.
    pub accepted_at: Option<UnixMs>,
    /// When core had the order that took its place.
    pub superseded_at: Option<UnixMs>,
    /// Hand-overs until then.
    pub tries: u32,
}

/// What an order is made of.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Which service.
    pub service: String,
    /// How long the code lives.
    pub ttl_ms: u64,
    /// Whose; nothing for a phone that no other order has.
    pub phone: Option<String>,
    /// The order whose place it takes.
    pub supersedes: Option<OrderId>,
    /// Where the phone is; nothing where any gateway reaches it.
    pub country: Option<Country>,
}

/// Makes orders and hands them over.
#[derive(Clone)]
pub struct Feeder(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    url: String,
    signing: Signing,
    sealer: Sealer,
    orders: Mutex<Vec<Ordered>>,
}

static ORDERS: AtomicU64 = AtomicU64::new(0);

impl Default for Wish {
    fn default() -> Self {
        Self { service: "login".into(), ttl_ms: 5 * MINUTE_MS, phone: None, supersedes: None, country: None }
    }
}

impl Feeder {
    /// With the edge's keys, to core at `url`.
    pub fn new(keys: &Keys, url: &str) -> anyhow::Result<Self> {
        install_tls();
        let edge = keys.config(&Variables::new())?.edge()?;
        let sealer = Sealer::new(edge.seal_to.current(), &host::entropy()?)?;
        let http = reqwest::Client::builder().timeout(HAND_OVER_TIMEOUT).build()?;
        let (signing, orders) = (edge.signing.current().clone(), Mutex::default());
        Ok(Self(Arc::new(Inner { http, url: url.to_owned(), signing, sealer, orders })))
    }

    /// A new order, kept in mind, and its job.
    pub fn make(&self, wish: &Wish) -> anyhow::Result<(Ordered, Job)> {
        let number = ORDERS.fetch_add(1, Ordering::Relaxed);
        let code = format!("{:06}", (number + u64::from(std::process::id()) * 7) % 1_000_000);
        let phone = wish.phone.clone().unwrap_or_else(|| format!("+9197{number:08}"));
        let now = host::now();
        let header = Header {
            order: OrderId::new(host::random()?, ledger_of(&phone)),
            service: ServiceId::parse(&wish.service)?,
            expires_at: now.plus(wish.ttl_ms),
            supersedes: wish.supersedes.clone().into_iter().collect(),
            request: None,
            factors: Factors::default(),
            tier: None,
            is_deliver_only: false,
            max_price_micros: None,
            sms_segments: None,
            trace: None,
            to_masked: None,
            client_ref: None,
            country: wish.country,
            ..jobs::header(now)?
        };
        let job = jobs::seal(&self.0.sealer, &header, &jobs::private(&phone, &code)?)?;
        let ordered = Ordered {
            id: header.order.clone(),
            phone,
            code,
            expires_at: header.expires_at,
            accepted_at: None,
            superseded_at: None,
            tries: 0,
        };
        self.with(|orders| orders.push(ordered.clone()));
        Ok((ordered, job))
    }

    /// The job as it travels: the order, and what stands in the queue.
    pub fn envelope(&self, job: &Job) -> anyhow::Result<(OrderId, Vec<u8>)> {
        let header: Header = serde_json::from_str(&job.header)?;
        let id = ParcelId { order: header.order.clone(), part: Part::Job };
        let parcel = Parcel { id, content: Content::Job { job: job.clone(), dispatch: None } };
        let outgoing = internal::parcel(&parcel, &self.0.signing, &host::entropy()?, host::now())?;
        Ok((header.order, outgoing.body.into_bytes()))
    }

    /// One hand-over. The status, and what it says of coming again; nothing when no answer came.
    pub async fn hand_over(&self, job: &Job) -> anyhow::Result<(u16, Option<String>)> {
        let header: Header = serde_json::from_str(&job.header)?;
        let id = ParcelId { order: header.order, part: Part::Job };
        let parcel = Parcel { id, content: Content::Job { job: job.clone(), dispatch: None } };
        let outgoing = internal::parcel(&parcel, &self.0.signing, &host::entropy()?, host::now())?;
        let mut request = self.0.http.post(format!("{}{}", self.0.url, outgoing.path)).body(outgoing.body);
        for (name, value) in outgoing.headers {
            request = request.header(name, value);
        }
        let reply = request.send().await?;
        let retry_after = reply.headers().get("retry-after").and_then(|value| value.to_str().ok());
        Ok((reply.status().as_u16(), retry_after.map(str::to_owned)))
    }

    /// Hands over until core has it, or the code is over. Whether core has it.
    pub async fn insist(&self, ordered: &Ordered, job: &Job) -> bool {
        let [mut pause, pause_max] = PAUSE;
        while host::now() < ordered.expires_at {
            let answer = self.hand_over(job).await;
            self.change(&ordered.id, |order| order.tries += 1);
            if answer.is_ok_and(|(status, _)| status == 202) {
                self.change(&ordered.id, |order| order.accepted_at = Some(host::now()));
                return true;
            }
            sleep(pause).await;
            pause = (pause * 2).min(pause_max);
        }
        false
    }

    /// Makes one and insists.
    pub async fn order(&self, wish: &Wish) -> anyhow::Result<Ordered> {
        let (ordered, job) = self.make(wish)?;
        self.insist(&ordered, &job).await;
        if let Some(older) = &wish.supersedes {
            self.change(older, |order| order.superseded_at = Some(host::now()));
        }
        Ok(ordered)
    }

    /// Everything ordered so far.
    pub fn orders(&self) -> Vec<Ordered> {
        self.with(|orders| orders.clone())
    }

    /// Takes what was ordered so far out of mind.
    pub fn take(&self) -> Vec<Ordered> {
        self.with(std::mem::take)
    }

    fn change(&self, id: &OrderId, change: impl FnOnce(&mut Ordered)) {
        self.with(|orders| {
            // The newest are changed most.
            if let Some(order) = orders.iter_mut().rev().find(|order| order.id == *id) {
                change(order);
            }
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut Vec<Ordered>) -> T) -> T {
        act(&mut self.0.orders.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// As the edge's: one phone has one ledger, and so one lane.
fn ledger_of(phone: &str) -> LedgerId {
    let mut name = [0; 16];
    for (to, from) in name.iter_mut().zip(bytes::sha256(phone.as_bytes())) {
        *to = from;
    }
    LedgerId::new(name)
}
