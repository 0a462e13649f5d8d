//! How receipts prove where they come from, in words that the reader of a packet can look up.

use crate::gateways::Gateway;
use crate::gateways::kinds::Door;

/// The scheme of a gateway's receipts.
pub fn of(gateway: &Gateway) -> &'static str {
    if gateway.only_hints() {
        return "unsigned: an address with a secret in it";
    }
    match gateway.account().kind.door {
        Door::Secret => "unsigned: an address with a secret in it",
        Door::Tagged => "a check of ours in the message, HMAC-SHA256, and an address with a secret in it",
        Door::Signed | Door::SignedWith(_) => signed(gateway.account().kind.name),
    }
}

fn signed(kind: &str) -> &'static str {
    match kind {
        "aws_sms" | "aws_sns" => "Amazon SNS: RSA with SHA-256 by a certificate of Amazon's",
        "http" => "HMAC of the body, as the account is configured",
        "plivo" => "Plivo: X-Plivo-Signature-V3, HMAC-SHA256",
        "smpp" => "SMPP: the session that is bound with the account's password",
        "telegram" => "Telegram Gateway: X-Request-Signature, HMAC-SHA256",
        "twilio" | "twilio_voice" | "twilio_whatsapp" => "Twilio: X-Twilio-Signature, HMAC-SHA1",
        "vonage_messages" => "Vonage: a JWT with the body's hash, HMAC-SHA256",
        "vonage_sms" => "Vonage: sig, as the account is configured",
        "whatsapp_cloud" => "Meta: X-Hub-Signature-256, HMAC-SHA256",
        _ => "signed by the provider",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateways::kinds::ALL;

    #[test]
    fn every_kind_that_signs_says_how() {
        for kind in ALL.iter().filter(|kind| !matches!(kind.door, Door::Secret | Door::Tagged)) {
            assert_ne!(signed(kind.name), "signed by the provider", "{kind:?}");
        }
    }
}
