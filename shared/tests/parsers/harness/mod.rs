//! What must hold for any bytes from outside. Each function takes bytes and panics when something does not.
//!
//! Run by `shared/tests/parsers` on a few thousand inputs, and by libFuzzer (`tests/fuzz`) for as long as one likes.

pub mod front;
pub mod signed;
pub mod texts;

/// A parser under test.
pub struct Target {
    /// The name of its file in `tests/fuzz/targets`.
    pub name: &'static str,
    /// Feeds it.
    pub run: fn(&[u8]),
    /// Inputs that reach deep, to start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every parser that bytes from outside reach.
pub const TARGETS: [Target; 8] = [
    Target { name: "directory", run: texts::directory, seeds: texts::directory_seeds },
    Target { name: "envelope", run: signed::envelope, seeds: signed::envelope_seeds },
    Target { name: "idempotency_key", run: front::idempotency_key, seeds: front::idempotency_key_seeds },
    Target { name: "ids", run: texts::ids, seeds: texts::ids_seeds },
    Target { name: "phone", run: texts::phone, seeds: texts::phone_seeds },
    Target { name: "request", run: front::request, seeds: front::request_seeds },
    Target { name: "ring", run: texts::ring, seeds: texts::ring_seeds },
    Target { name: "signed_request", run: signed::request, seeds: signed::request_seeds },
];

/// Writes bytes of `data` over `text`: each three are a place (two bytes) and a value.
fn edited(text: &[u8], data: &[u8]) -> Vec<u8> {
    let mut edited = text.to_vec();
    for edit in data.chunks_exact(3) {
        let place = usize::from(u16::from_be_bytes([edit[0], edit[1]])) % edited.len();
        edited[place] = edit[2];
    }
    edited
}
