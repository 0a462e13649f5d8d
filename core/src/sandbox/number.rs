//! Phone numbers, as providers look at them.

/// Whether it can be an international number without its plus: 7 to 15 digits (E.164).
pub(super) fn is_number(digits: &str) -> bool {
    (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}
