//! Jobs as the edge makes them, for tests that play it.

use reqwest::Method;
use tiffin_core::host;
use tiffin_shared::code::Code;
use tiffin_shared::http::internal;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::ServiceId;
use tiffin_shared::id::TenantId;
use tiffin_shared::ledger::Content;
use tiffin_shared::ledger::Parcel;
use tiffin_shared::ledger::ParcelId;
use tiffin_shared::ledger::Part;
use tiffin_shared::phone::Phone;
use tiffin_shared::risk::Factors;
use tiffin_shared::seal::Sealer;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::wire::api::Channel;
use tiffin_shared::wire::job::Header;
use tiffin_shared::wire::job::Job;
use tiffin_shared::wire::job::Private;
use tiffin_shared::wire::job::VERSION;

use crate::keys::Variables;
use crate::stack::Stack;

/// How long the codes live.
pub const TTL_MS: u64 = 5 * MINUTE_MS;

/// Of an order that nobody made, for the tenant and the service that every stack has.
pub fn header(created_at: UnixMs) -> anyhow::Result<Header> {
    Ok(Header {
        v: VERSION,
        order: OrderId::new(host::random()?, LedgerId::new(host::random()?)),
        tenant: TenantId::parse("dev")?,
        service: ServiceId::parse("login")?,
        channel: Channel::Sms,
        then: Vec::new(),
        created_at,
        expires_at: created_at.plus(TTL_MS),
        country: None,
        prefix: None,
        supersedes: Vec::new(),
        request: None,
        factors: Factors::default(),
        tier: None,
        is_deliver_only: false,
        max_price_micros: None,
        sms_segments: None,
        trace: None,
        to_masked: None,
        client_ref: None,
    })
}

/// For a phone.
pub fn private(phone: &str, code: &str) -> anyhow::Result<Private> {
    Ok(Private {
        phone: Some(Phone::parse(phone)?),
        email: None,
        code: Code::parse(code)?,
        locale: "en".into(),
        approves: None,
    })
}

/// The job of both.
pub fn seal(sealer: &Sealer, header: &Header, private: &Private) -> anyhow::Result<Job> {
    let header = serde_json::to_string(header)?;
    let sealed = sealer.seal(host::random()?, header.as_bytes(), &serde_json::to_vec(private)?)?;
    Ok(Job { header, sealed })
}

/// Hands core a job of the edge's, for a service that core does not have. Its order.
pub async fn poison(stack: &Stack, service: &str, code: &str) -> anyhow::Result<String> {
    poison_in(stack, LedgerId::new(host::random()?), service, code).await
}

/// The same of an order of this ledger.
pub async fn poison_in(stack: &Stack, ledger: LedgerId, service: &str, code: &str) -> anyhow::Result<String> {
    let now = host::now();
    let order = OrderId::new(host::random()?, ledger);
    let header = Header { order, service: ServiceId::parse(service)?, ..header(now)? };
    let private = Private { phone: None, ..private("+919876543210", code)? };
    let edge = stack.keys.config(&Variables::new())?.edge()?;
    let sealer = Sealer::new(edge.seal_to.current(), &host::entropy()?)?;
    let job = seal(&sealer, &header, &private)?;
    let order = header.order;
    let id = ParcelId { order: order.clone(), part: Part::Job };
    let parcel = Parcel { id, content: Content::Job { job, dispatch: None } };
    let request = internal::parcel(&parcel, edge.signing.current(), &host::entropy()?, now)?;
    let headers: Vec<_> = request.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let url = format!("{}{}", stack.client.core, request.path);
    let reply = stack.client.raw(Method::POST, url, &headers, request.body.clone().into_bytes()).await?;
    anyhow::ensure!(reply.status == 202, "{reply:?}");
    Ok(order.to_string())
}
