//! What providers call their messages.

/// So many random hexadecimal digits, at most 32; nothing where the machine has no entropy.
pub(super) fn hex(digits: usize) -> Option<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    let text = format!("{:032x}", u128::from_be_bytes(bytes));
    text.get(..digits).map(str::to_owned)
}

/// A random UUID (RFC 9562 section 5.4).
pub(super) fn uuid() -> Option<String> {
    let hex = hex(32)?;
    let (a, b, c, d) = (hex.get(..8)?, hex.get(8..12)?, hex.get(13..16)?, hex.get(17..20)?);
    Some(format!("{a}-{b}-4{c}-8{d}-{}", hex.get(20..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_their_shape() {
        assert_eq!(hex(16).unwrap().len(), 16);
        let uuid = uuid().unwrap();
        let parts: Vec<_> = uuid.split('-').map(str::len).collect();
        assert_eq!((parts, &uuid[14..15]), (vec![8, 4, 4, 4, 12], "4"));
        assert_ne!(super::uuid(), super::uuid());
    }
}
