//! Hexadecimal, as providers write signatures and hashes.

/// Two digits a byte, in lower case.
pub fn encode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
