//! Signed hand-overs, as an edge makes them, ready to be sent.

use tiffin_core::host;
use tiffin_shared::code::Code;
use tiffin_shared::envelope::Envelope;
use tiffin_shared::http::internal;
use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::ServiceId;
use tiffin_shared::id::TenantId;
use tiffin_shared::keys::Signing;
use tiffin_shared::phone::Phone;
use tiffin_shared::seal::Sealer;
use tiffin_shared::sign::Direction;
use tiffin_shared::sign::Signed;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::wire::api::Channel;
use tiffin_shared::wire::job::Header;
use tiffin_shared::wire::job::Job;
use tiffin_shared::wire::job::Private;
use tiffin_shared::wire::job::VERSION;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::keys::Keys;
use tiffin_tests::keys::Variables;

use crate::load::post;

/// Plays the edge: seals and signs.
pub struct Jobs {
    sealer: Sealer,
    signing: Signing,
}

/// One hand-over.
pub struct HandOver {
    /// The whole HTTP request.
    pub request: Vec<u8>,
    /// Its body.
    pub envelope: String,
}

impl Jobs {
    pub fn new(keys: &Keys) -> anyhow::Result<Self> {
        let edge = keys.config(&Variables::new())?.edge()?;
        let sealer = Sealer::new(edge.seal_to.current(), &host::entropy()?)?;
        Ok(Self { sealer, signing: edge.signing.current().clone() })
    }

    /// Orders of as many phones. Send them within a minute: their signatures are as old as now.
    pub fn make(&self, count: usize) -> anyhow::Result<Vec<HandOver>> {
        (0..count).map(|_| self.one()).collect()
    }

    fn one(&self) -> anyhow::Result<HandOver> {
        let now = host::now();
        let header = Header {
            v: VERSION,
            order: OrderId::new(host::random()?, LedgerId::new(host::random()?)),
            tenant: TenantId::parse("dev")?,
            service: ServiceId::parse("login")?,
            channel: Channel::Sms,
            then: Vec::new(),
            created_at: now,
            expires_at: now.plus(10 * MINUTE_MS),
            country: None,
            prefix: None,
            supersedes: Vec::new(),
        };
        let private = Private {
            phone: Some(Phone::parse(&fresh_phone())?),
            email: None,
            code: Code::parse("123456")?,
            locale: "en".into(),
            approves: None,
        };
        let header = serde_json::to_string(&header)?;
        let plaintext = serde_json::to_vec(&private)?;
        let sealed = self.sealer.seal(host::random()?, header.as_bytes(), &plaintext)?;
        let envelope = Envelope::sign(&Job { header, sealed }, None, &self.signing);
        let body = serde_json::to_string(&envelope)?;
        let path = internal::JOBS_PATH;
        let signed = Signed { direction: Direction::EdgeToCore, method: "POST", path, body: body.as_bytes() };
        let headers = signed.headers(&self.signing, host::random()?, now);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Ok(HandOver { request: post(path, &headers, &body), envelope: body })
    }
}

/// The requests alone.
pub fn requests(hand_overs: Vec<HandOver>) -> Vec<Vec<u8>> {
    hand_overs.into_iter().map(|hand_over| hand_over.request).collect()
}
