//! A factor's keys, without the scripts: the fuzzer has them too.

use std::sync::Arc;
use std::sync::LazyLock;

use tiffin_shared::bytes;
use tiffin_shared::factor::FactorKey;
use tiffin_shared::factor::FactorKeys;
use tiffin_shared::keys::Ring;

fn ring(text: &[(&str, u8)]) -> Arc<FactorKeys> {
    let keys: Vec<_> =
        text.iter().map(|(name, byte)| format!("{name}:{}", bytes::encode(&[*byte; 32]))).collect();
    Arc::new(Ring::parse(&keys.join(","), |id, key| Ok(FactorKey::new(id, key))).unwrap())
}

/// A rotation: the new key is known, then in use, then the old one is gone.
static RINGS: LazyLock<[Arc<FactorKeys>; 3]> =
    LazyLock::new(|| [ring(&[("f1", 1), ("f2", 2)]), ring(&[("f2", 2), ("f1", 1)]), ring(&[("f2", 2)])]);

pub fn keys(nth: usize) -> Arc<FactorKeys> {
    Arc::clone(&RINGS[nth])
}
