//! Signed hand-overs, as an edge makes them, ready to be sent.

use tiffin_core::host;
use tiffin_shared::envelope::Envelope;
use tiffin_shared::http::internal;
use tiffin_shared::keys::Signing;
use tiffin_shared::seal::Sealer;
use tiffin_shared::sign::Direction;
use tiffin_shared::sign::Signed;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::jobs;
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
        let header = jobs::header(now)?;
        let job = jobs::seal(&self.sealer, &header, &jobs::private(&fresh_phone(), "123456")?)?;
        let envelope = Envelope::sign(&job, None, &self.signing);
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
