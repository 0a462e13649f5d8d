//! The seal: an Ed25519 signature over the evidence in canonical form, and a digest of each part of it.
//!
//! Canonical form is RFC 8785 for what a packet holds: objects with their names sorted, no spaces, whole numbers. The signature
//! covers, each with its length (4 bytes, big-endian) in front: `tiffin-evidence-v1`, the key's name, the digests in canonical
//! form, the evidence in canonical form.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::bytes;
use crate::bytes::Bytes;
use crate::id::KeyId;
use crate::keys::Signing;

/// In front of what the signature covers: core signs other things with this key.
const LABEL: &[u8] = b"tiffin-evidence-v1";
/// As it stands in a seal.
pub(super) const ALGORITHM: &str = "ed25519";

/// The packet as text: the evidence with its seal, in canonical form.
pub fn seal(evidence: &impl Serialize, key: &Signing) -> Result<String, serde_json::Error> {
    let evidence = serde_json::to_value(evidence)?;
    let digests = serde_json::to_value(digests(&evidence))?;
    let signature = key.sign(&covered(key.id(), &digests, &evidence));
    let packet = json!({
        "evidence": evidence,
        "seal": {
            "algorithm": ALGORITHM,
            "key": key.id().to_string(),
            "digests": digests,
            "signature": bytes::encode(&signature),
        },
    });
    Ok(canonical(&packet))
}

/// The canonical form. `serde_json` keeps names sorted and writes strings as RFC 8785 asks; numbers are whole.
pub fn canonical(value: &Value) -> String {
    value.to_string()
}

pub(super) fn covered(key: &KeyId, digests: &Value, evidence: &Value) -> Vec<u8> {
    let (digests, evidence) = (canonical(digests), canonical(evidence));
    bytes::prefixed(&[LABEL, key.to_string().as_bytes(), digests.as_bytes(), evidence.as_bytes()])
}

/// SHA-256 of each field's canonical form; of a list, of each element, named as a JSON pointer names it (RFC 6901).
pub(super) fn digests(evidence: &Value) -> BTreeMap<String, Bytes<32>> {
    let digest = |value: &Value| Bytes(bytes::sha256(canonical(value).as_bytes()));
    let mut digests = BTreeMap::new();
    for (name, value) in evidence.as_object().into_iter().flatten() {
        match value {
            Value::Array(list) => {
                digests
                    .extend(list.iter().enumerate().map(|(at, one)| (format!("/{name}/{at}"), digest(one))));
            }
            value => {
                digests.insert(format!("/{name}"), digest(value));
            }
        }
    }
    digests
}
