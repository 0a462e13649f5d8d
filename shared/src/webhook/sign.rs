//! The headers of a delivery: `webhook-id`, `webhook-timestamp`, `webhook-signature`.

use super::secret::Key;
use crate::time::MINUTE_MS;
use crate::time::SECOND_MS;
use crate::time::UnixMs;

/// How far a receiver lets the timestamp be off, both ways.
pub const TOLERANCE_MS: u64 = 5 * MINUTE_MS;

/// Names and values.
pub type Headers = [(&'static str, String); 3];

/// Signs one delivery, with every key that is in use. The id is the receiver's idempotency key, and holds no dot.
pub fn headers<'a>(keys: impl IntoIterator<Item = &'a Key>, id: &str, payload: &str, now: UnixMs) -> Headers {
    let timestamp = now.0 / SECOND_MS;
    let content = format!("{id}.{timestamp}.{payload}");
    let signatures: Vec<_> = keys.into_iter().map(|key| key.sign(content.as_bytes())).collect();
    [
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", timestamp.to_string()),
        ("webhook-signature", signatures.join(" ")),
    ]
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use ed25519_dalek::Signature;
    use ed25519_dalek::Verifier;
    use ed25519_dalek::VerifyingKey;

    use super::*;

    #[test]
    fn the_vector_of_the_standard_libraries_is_signed_as_they_sign_it() {
        let key = Key::parse("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").ok().unwrap();
        let body = r#"{"email":"test@example.com","username":"test_user"}"#;
        let headers = headers([&key], "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", body, UnixMs(1_649_367_553_999));
        assert_eq!(headers[1].1, "1649367553");
        assert_eq!(
            headers[2],
            ("webhook-signature", "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=".into())
        );
    }

    #[test]
    fn each_key_in_use_signs_and_the_public_key_verifies() {
        let (old, new) = (Key::new([1; 32], false), Key::new([2; 32], true));
        let signed = headers([&new, &old], "evt_1", "{}", UnixMs(1_795_082_400_000));
        let (v1a, v1) = signed[2].1.split_once(' ').unwrap();
        assert!(v1.starts_with("v1,"));
        let public = new.for_receiver();
        let public = STANDARD.decode(public.strip_prefix("whpk_").unwrap()).unwrap();
        let public = VerifyingKey::from_bytes(&public.try_into().unwrap()).unwrap();
        let signature = STANDARD.decode(v1a.strip_prefix("v1a,").unwrap()).unwrap();
        let signature = Signature::from_slice(&signature).unwrap();
        assert!(public.verify(b"evt_1.1795082400.{}", &signature).is_ok());
        assert!(public.verify(b"evt_1.1795082401.{}", &signature).is_err());
    }
}
