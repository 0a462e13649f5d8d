//! Jobs as the edge makes them, for tests that play it.

use tiffin_core::host;
use tiffin_shared::code::Code;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::ServiceId;
use tiffin_shared::id::TenantId;
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
