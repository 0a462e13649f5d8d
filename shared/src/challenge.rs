//! Bot challenges: what a client must show before an order that looks automated goes on.
//!
//! The problem `challenge_required` carries a [`Challenge`] in its member `challenge`. The client solves it and orders
//! again with `"challenge": "<answer>"` in the body, the answer being what the widget hands out, unchanged:
//!
//! * `{"type": "altcha", "parameters": {…}, "signature": "…"}`: the built-in proof of work. The whole object is a
//!   challenge as the stock `altcha` widget takes it (`widget.configure({challenge})`); the answer is the `payload` of
//!   its `verified` event, or the value of its hidden field.
//! * `{"type": "turnstile", "site_key": "…", "action": "order", "cdata": "…"}`: the options of `turnstile.render`
//!   (`sitekey`, `action`, `cData`); the answer is the token of its callback.
//!
//! An answer counts once, for at most [`LIFE_MS`], for the order's tenant and address, and for the visitor it was given
//! to. Single use is the ledger's: it remembers the [`Nonce`] for [`NONCE_MEMORY_MS`].
//!
//! All comparisons of secret or signed values go through `subtle`, whole value against whole value.

use serde::Deserialize;
use serde::Serialize;
use subtle::ConstantTimeEq;

use self::altcha::Cost;
use crate::bytes;
use crate::bytes::Bytes;
use crate::id::LedgerId;
use crate::id::TenantId;
use crate::keys::ChallengeKey;
use crate::time::MINUTE_MS;

pub mod altcha;
pub(crate) mod hex;
mod kdf;
pub mod turnstile;

/// How long a challenge can be answered: as long as a code lives, and as Cloudflare lets a Turnstile token live.
pub const LIFE_MS: u64 = 5 * MINUTE_MS;
/// How far the clocks of two hosts may be apart: one issues, another checks.
pub const SKEW_MS_MAX: u64 = MINUTE_MS;
/// How long a spent nonce must be remembered: past this its challenge is out of time on every host.
pub const NONCE_MEMORY_MS: u64 = LIFE_MS + SKEW_MS_MAX;
/// The longest answer, in characters. A Turnstile token has at most 2,048 (Cloudflare's documentation); ours about 1,000.
pub const ANSWER_CHARS_MAX: usize = 2_048;

/// What a challenge is for. An answer to it is worth nothing elsewhere.
#[derive(Clone, Copy)]
pub struct Bound<'a> {
    /// Who orders.
    pub tenant: &'a TenantId,
    /// For which phone or mailbox.
    pub ledger: LedgerId,
    /// A keyed hash of the client's IP prefix; `None` where no client's address is known.
    pub visitor: Option<&'a Bytes<16>>,
}

impl Bound<'_> {
    /// Keyed, so that a challenge tells nobody whom it is for. `kind` keeps the two sorts of challenge apart.
    fn digest(&self, key: &ChallengeKey, kind: &str) -> Bytes<16> {
        // Present and empty must differ: an answer given without an address is not good for one with.
        let (known, visitor) = self.visitor.map_or((0, [0; 16]), |visitor| (1, visitor.0));
        let ledger = self.ledger.to_string();
        let fields = [
            b"tiffin-challenge-v1".as_slice(),
            kind.as_bytes(),
            self.tenant.as_str().as_bytes(),
            ledger.as_bytes(),
            &[known],
            &visitor,
        ];
        Bytes(bytes::truncate(bytes::hmac_sha256(key.bound_key(), &fields)))
    }

    fn is(&self, key: &ChallengeKey, kind: &str, digest: &Bytes<16>) -> bool {
        same(&self.digest(key, kind).0, &digest.0)
    }
}

/// What makes an answer count once: random and ours, or the hash of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nonce(pub Bytes<16>);

/// A challenge that was solved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Makes it count once.
    pub nonce: Nonce,
    /// The work behind it.
    pub cost: Cost,
}

/// The member `challenge` of the problem `challenge_required`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Challenge {
    /// The built-in proof of work.
    Altcha(altcha::Issued),
    /// Cloudflare's widget.
    Turnstile(turnstile::Issued),
}

/// Equal in a time that depends on the lengths alone.
fn same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::entropy::Entropy;
    use crate::keys::Ring;
    use crate::time::UnixMs;

    /// ALTCHA's widget takes the object for format 2 because it has `parameters`, and no member `challenge`.
    #[test]
    fn the_wire_form_is_what_the_widgets_take() {
        let text = format!("k1:{}", bytes::encode(&[1; 32]));
        let keys = Ring::parse(&text, |id, key| Ok(ChallengeKey::new(id, key))).unwrap();
        let tenant = TenantId::parse("shop").unwrap();
        let bound = Bound { tenant: &tenant, ledger: LedgerId::new([7; 16]), visitor: None };
        let now = UnixMs(1_795_082_400_000);
        let ours = altcha::issue(&keys, &bound, Cost::Light, &Entropy::new([1; 32]), now);
        let wire = serde_json::to_value(Challenge::Altcha(ours)).unwrap();
        let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&wire), ["parameters", "signature", "type"]);
        assert_eq!(wire["type"], "altcha");
        let parameters = [
            "algorithm",
            "cost",
            "data",
            "expiresAt",
            "keyLength",
            "keyPrefix",
            "keySignature",
            "nonce",
            "salt",
        ];
        assert_eq!(names(&wire["parameters"]), parameters);
        let theirs = turnstile::issue(&keys, &bound, "0x4AAA");
        let wire = serde_json::to_value(Challenge::Turnstile(theirs)).unwrap();
        assert_eq!(names(&wire), ["action", "cdata", "site_key", "type"]);
        assert_eq!((&wire["type"], &wire["action"]), (&Value::from("turnstile"), &Value::from("order")));
    }
}
