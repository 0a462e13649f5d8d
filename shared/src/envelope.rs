//! A job on its way from the edge to a delivery worker: clear header, sealed body, the edge's signature.
//!
//! HPKE's base mode does not tell who sealed, so the envelope is signed; the signature stays valid through
//! the queue and every retry, and whoever can write to the broker still cannot make a job.

use serde::Deserialize;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::bytes;
use crate::bytes::Bytes;
use crate::id::KeyId;
use crate::json;
use crate::keys::Ring;
use crate::keys::Signing;
use crate::keys::Verifying;
use crate::seal;
use crate::seal::Opener;
use crate::seal::PrivateKey;
use crate::seal::Sealed;
use crate::time::UnixMs;
use crate::wire::job::Dispatch;
use crate::wire::job::Header;
use crate::wire::job::Job;
use crate::wire::job::Private;
use crate::wire::job::VERSION;

/// The largest envelope on the wire, in bytes: a full plaintext in base64, and its header.
pub const ENVELOPE_BYTES_MAX: usize = 16 * 1024;

const LABEL: &[u8] = b"tiffin-envelope-v1";

/// An envelope is refused. Only [`Error::Newer`] passes with time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not an envelope, or one of a version we do not know.
    #[error("not a job envelope of a known version")]
    Malformed,
    /// An edge's own, of a version that this build cannot read: a newer one can, until the job is over.
    #[error("the job is of a newer version")]
    Newer {
        /// From here on it must not be sent.
        expires_at: UnixMs,
    },
    /// The signature is not of a known edge key.
    #[error("the envelope is not signed by a known edge key")]
    Signature,
    /// It does not open.
    #[error(transparent)]
    Sealed(#[from] seal::Error),
    /// The private key it was sealed for is retired or unknown.
    #[error("no private key for the sealed job")]
    UnknownKey,
}

/// A signed, sealed job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// The exact bytes of the [`Header`] that were signed and sealed.
    pub header: String,
    /// The sealed [`Private`] part.
    pub sealed: Sealed,
    /// For a resend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispatch: Option<Dispatch>,
    /// Which edge key signed.
    pub signer: KeyId,
    /// Ed25519 over header, sealed body and dispatch.
    pub signature: Bytes<64>,
    /// When core took it; none on its way there. Nobody signs for it, and nothing is decided by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<UnixMs>,
}

impl Envelope {
    /// Signs a job for hand-over.
    pub fn sign(job: &Job, dispatch: Option<&Dispatch>, key: &Signing) -> Self {
        let signature = Bytes(key.sign(&signed_bytes(&job.header, &job.sealed, dispatch)));
        Self {
            header: job.header.clone(),
            sealed: job.sealed.clone(),
            dispatch: dispatch.cloned(),
            signer: key.id().clone(),
            signature,
            taken_at: None,
        }
    }

    /// Reads the JSON form.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        if body.len() > ENVELOPE_BYTES_MAX {
            return Err(Error::Malformed);
        }
        bytes::read_json(body).map_err(|_| Error::Malformed)
    }

    /// Checks the signature and reads the header.
    pub fn verify(&self, edges: &Ring<Verifying>) -> Result<Header, Error> {
        let key = edges.get(&self.signer).ok_or(Error::Signature)?;
        if !key.verify(&signed_bytes(&self.header, &self.sealed, self.dispatch.as_ref()), &self.signature.0) {
            return Err(Error::Signature);
        }
        match json::read::<Header>(&self.header) {
            Ok(header) if header.v == VERSION => Ok(header),
            _ => match json::read(&self.header) {
                Ok(Ends { expires_at }) => Err(Error::Newer { expires_at }),
                Err(_) => Err(Error::Malformed),
            },
        }
    }

    /// Opens the sealed part. Only after [`Envelope::verify`].
    pub fn open(&self, workers: &Ring<PrivateKey>) -> Result<Private, Error> {
        self.open_with(&self.opener(workers)?)
    }

    /// Does the key exchange for the sealed part, and for all others with the same key and [`Sealed::encapsulated`].
    pub fn opener(&self, workers: &Ring<PrivateKey>) -> Result<Opener, Error> {
        let key = workers.get(&self.sealed.key).ok_or(Error::UnknownKey)?;
        Ok(key.opener(&self.sealed.encapsulated)?)
    }

    /// Opens the sealed part after its key exchange. Only after [`Envelope::verify`].
    pub fn open_with(&self, opener: &Opener) -> Result<Private, Error> {
        let plaintext: Zeroizing<Vec<u8>> = self.sealed.open_with(opener, self.header.as_bytes())?;
        bytes::read_json(&plaintext).map_err(|_| Error::Malformed)
    }
}

/// What a header of every version says, whatever else is in it.
#[derive(Deserialize)]
struct Ends {
    expires_at: UnixMs,
}

fn signed_bytes(header: &str, sealed: &Sealed, dispatch: Option<&Dispatch>) -> Vec<u8> {
    let mut signed = bytes::prefixed(&[
        LABEL,
        header.as_bytes(),
        sealed.key.as_str().as_bytes(),
        &sealed.encapsulated.0,
        &sealed.nonce.0,
        sealed.ciphertext.as_bytes(),
    ]);
    if let Some(Dispatch { n, channel }) = dispatch {
        bytes::push_prefixed(&mut signed, &[*n]);
        bytes::push_prefixed(&mut signed, channel.as_str().as_bytes());
    }
    signed
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "1795082401000";

    fn verified(header: &str) -> Result<Header, Error> {
        let signing = Signing::new(&KeyId::parse("k1").unwrap(), [7; 32]);
        let sealed: Sealed = serde_json::from_value(serde_json::json!({
            "key": "k1",
            "encapsulated": Bytes([1; 32]),
            "nonce": Bytes([2; 24]),
            "ciphertext": "",
        }))
        .unwrap();
        let edges = format!("k1:{}", bytes::encode(&signing.public()));
        let edges = Ring::parse(&edges, |_, key| Verifying::new(key)).unwrap();
        Envelope::sign(&Job { header: header.to_owned(), sealed }, None, &signing).verify(&edges)
    }

    #[test]
    fn what_an_edge_signed_and_this_version_cannot_read_is_of_a_newer_one() {
        let newer = Err(Error::Newer { expires_at: UnixMs(1_795_082_401_000) });
        assert_eq!(verified(&format!(r#"{{"v":2,"expires_at":{NOW},"lane":"fast"}}"#)), newer);
        assert_eq!(verified(&format!(r#"{{"expires_at":{NOW}}}"#)), newer);
        for never in ["", "{}", "[]", r#"{"v":2,"expires_at":"soon"}"#] {
            assert_eq!(verified(never), Err(Error::Malformed), "{never}");
        }
    }
}
