//! What a message bears in all that comes back of it: its order and attempt, with a check that only we can make.
//!
//! It stands in the envelope's sender (`bounces+<tag>@…`, VERP), in the Message-ID and in the envelope id (RFC 3461,
//! 4.4), so that a bounce names its message however little of it the reporting server keeps. It says nothing of the
//! recipient. In base64url, because base32 would not fit: a local part has 64 characters (RFC 5321, 4.5.3.1.1). Servers
//! that fold the case of a sender break it there; the Message-ID still stands.

use tiffin_shared::bytes;
use tiffin_shared::id::OrderId;
use tiffin_shared::reference::Reference;
use tiffin_shared::secret::Secret;

/// In front of the tag in the envelope's sender: with it, a tag fills 63 of 64 characters.
pub const PREFIX: &str = "bounces+";
/// Characters of a tag: 41 bytes in base64url.
pub const TAG_CHARS: usize = 55;
/// Each guess at these 64 bits is a request at the door.
const MAC_BYTES: usize = 8;
const ORDER_BYTES: usize = 32;
const PURPOSE: &[u8] = b"tiffin smtp tag v1";

/// Makes and reads tags of one gateway.
pub struct Tags {
    gateway: String,
    key: Secret<[u8; 32]>,
}

impl Tags {
    /// With the gateway's own secret, of any length.
    pub fn new(gateway: &str, secret: &str) -> Self {
        let key = bytes::hmac_sha256(&bytes::sha256(secret.as_bytes()), &[PURPOSE]);
        Self { gateway: gateway.to_owned(), key: Secret::new(key) }
    }

    /// The tag of an attempt; nothing for one beyond 255, which no order has.
    pub fn make(&self, attempt: &Reference) -> Option<String> {
        let order: [u8; ORDER_BYTES] = bytes::decode_array(attempt.order.to_string().strip_prefix("ord_")?)?;
        let n = u8::try_from(attempt.n).ok()?;
        let mut tag = Vec::with_capacity(ORDER_BYTES + 1 + MAC_BYTES);
        tag.extend_from_slice(&order);
        tag.push(n);
        tag.extend_from_slice(&self.mac(&order, n));
        Some(bytes::encode(&tag))
    }

    /// The attempt of a tag that we made; compares in constant time.
    pub fn read(&self, tag: &str) -> Option<Reference> {
        let tag: [u8; ORDER_BYTES + 1 + MAC_BYTES] = bytes::decode_array(tag)?;
        let (order, rest) = tag.split_first_chunk::<ORDER_BYTES>()?;
        let (n, mac) = rest.split_first()?;
        if !bool::from(subtle::ConstantTimeEq::ct_eq(mac, self.mac(order, *n).as_slice())) {
            return None;
        }
        let order = OrderId::parse(&format!("ord_{}", bytes::encode(order))).ok()?;
        Some(Reference { order, n: u32::from(*n) })
    }

    /// Whatever in `text` is a tag of ours.
    pub fn find<'a>(&self, text: &'a str) -> impl Iterator<Item = (&'a str, Reference)> {
        let is_apart = |char: char| !char.is_ascii_alphanumeric() && char != '-' && char != '_';
        let candidates = text.split(is_apart).filter(|word| word.len() == TAG_CHARS);
        candidates.filter_map(|word| Some((word, self.read(word)?)))
    }

    fn mac(&self, order: &[u8; ORDER_BYTES], n: u8) -> [u8; MAC_BYTES] {
        let fields = [PURPOSE, self.gateway.as_bytes(), order, &[n]];
        bytes::truncate(bytes::hmac_sha256(self.key.expose(), &fields))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::any;
    use proptest::prop_assert_eq;
    use proptest::proptest;
    use tiffin_shared::id::LedgerId;

    use super::*;

    proptest! {
        #[test]
        fn a_tag_reads_back_and_no_changed_one_does(
            random in any::<[u8; 16]>(),
            ledger in any::<[u8; 16]>(),
            n in 0_u32..=255,
            at in 0..TAG_CHARS,
            other in "[A-Za-z0-9_-]",
        ) {
            let tags = Tags::new("mail", "secret");
            let attempt = Reference { order: OrderId::new(random, LedgerId::new(ledger)), n };
            let tag = tags.make(&attempt).unwrap();
            prop_assert_eq!(tag.len(), TAG_CHARS);
            prop_assert_eq!(tags.read(&tag), Some(attempt));
            let mut changed = tag.clone();
            changed.replace_range(at..=at, &other);
            if changed != tag {
                prop_assert_eq!(tags.read(&changed), None);
            }
            prop_assert_eq!(Tags::new("mail", "Secret").read(&tag), None);
            prop_assert_eq!(Tags::new("post", "secret").read(&tag), None);
        }
    }

    #[test]
    fn a_sender_with_a_tag_fits_and_the_tag_is_found_in_it() {
        let tags = Tags::new("mail", "secret");
        let attempt = Reference { order: OrderId::new([1; 16], LedgerId::new([2; 16])), n: 3 };
        let tag = tags.make(&attempt).unwrap();
        let sender = format!("{PREFIX}{tag}@bounces.example");
        assert!(sender.split('@').next().unwrap().len() <= 64);
        let header = format!("To: <{sender}>\r\n");
        let found: Vec<_> = tags.find(&header).collect();
        assert_eq!(found, [(tag.as_str(), attempt.clone())]);
        assert_eq!(tags.make(&Reference { n: 256, ..attempt }), None);
        assert_eq!(tags.find(&sender.to_lowercase()).count(), 0, "a folded tag is no tag");
    }
}
