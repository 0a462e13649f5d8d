//! Randomness as an argument: a host draws it once per event, a step expands what it needs from it.
//!
//! Because it travels inside the command, a compare-and-set loop that runs a step twice makes the same code twice.

use std::sync::OnceLock;

use hkdf::Hkdf;
use serde::Deserialize;
use serde::Serialize;
use sha2::Sha256;
use zeroize::Zeroize;
use zeroize::Zeroizing;

use crate::bytes::Bytes;

/// How many `u64` a sampling may consume. Each is refused with a probability below 2⁻³⁰.
const DRAWS_MAX: usize = 16;

/// 32 bytes from the platform's secure generator, used for one event only.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Entropy {
    drawn: Bytes<32>,
    /// HKDF's extraction of it, made with the first label: an order takes six.
    #[serde(skip)]
    extracted: OnceLock<Zeroizing<[u8; 32]>>,
}

impl Entropy {
    /// Takes bytes that were drawn for this event.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self { drawn: Bytes(bytes), extracted: OnceLock::new() }
    }

    /// `N` bytes for one purpose: HKDF-SHA256 (RFC 5869) with the purpose as `info`. Distinct labels are independent.
    pub fn derive<const N: usize>(&self, label: &str) -> [u8; N] {
        let mut out = [0; N];
        self.fill(label, &mut out);
        out
    }

    /// Uniform numbers for rejection sampling.
    pub fn draws(&self, label: &str) -> impl Iterator<Item = u64> + use<> {
        let bytes: [u8; DRAWS_MAX * 8] = self.derive(label);
        let mut draws = [0; DRAWS_MAX];
        for (draw, chunk) in draws.iter_mut().zip(bytes.chunks_exact(8)) {
            *draw = chunk.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte));
        }
        draws.into_iter()
    }

    fn fill(&self, label: &str, out: &mut [u8]) {
        let extracted = self.extracted.get_or_init(|| {
            let (extracted, _) = Hkdf::<Sha256>::extract(None, &self.drawn.0);
            Zeroizing::new(extracted.into())
        });
        let expanded = Hkdf::<Sha256>::from_prk(extracted.as_slice())
            .ok()
            .and_then(|hkdf| hkdf.expand(label.as_bytes(), out).ok());
        // RFC 5869 section 2.3: only an output above 255 hashes is refused.
        debug_assert!(expanded.is_some(), "at most 8,160 bytes a label");
    }
}

impl Drop for Entropy {
    fn drop(&mut self) {
        self.drawn.0.zeroize();
    }
}
