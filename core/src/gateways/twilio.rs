//! Twilio Messaging: `POST /2010-04-01/Accounts/{sid}/Messages.json`, and its signed status callbacks.

pub mod lookup;
pub mod signature;

use serde::Deserialize;
use tiffin_shared::id::GatewayId;
use tiffin_shared::order::CallOutcome;
use tiffin_shared::order::Reason;
use tiffin_shared::order::Receipt;
use tiffin_shared::phone::Phone;
use tiffin_shared::secret::Secret;
use tiffin_shared::time::SECOND_MS;

use super::Callback;
use super::CallbackError;
use super::Message;
use super::Told;
use super::call::Answer;
use super::call::Call;
use super::call::Params;

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "x-twilio-signature";
/// Twilio takes 1 to 36,000 seconds; its guide advises more than 5.
const VALIDITY_S_MIN: u64 = 6;
const VALIDITY_S_MAX: u64 = 36_000;

/// An account.
pub struct Twilio {
    name: GatewayId,
    account_sid: String,
    auth_token: Secret<String>,
    from: Phone,
    base_url: String,
}

#[derive(Deserialize)]
struct Created {
    sid: String,
}

#[derive(Deserialize)]
struct Refused {
    code: Option<u32>,
}

impl Twilio {
    /// An account, as configured.
    pub fn new(
        name: &GatewayId,
        account_sid: &str,
        auth_token: String,
        from: &Phone,
        base_url: &str,
    ) -> Self {
        Self {
            name: name.clone(),
            account_sid: account_sid.to_owned(),
            auth_token: Secret::new(auth_token),
            from: from.clone(),
            base_url: base_url.to_owned(),
        }
    }

    pub(super) fn from(&self) -> &str {
        self.from.e164()
    }

    pub(super) fn name(&self) -> &GatewayId {
        &self.name
    }

    /// The request for a message.
    pub fn encode(&self, message: &Message<'_>) -> Call {
        let valid_s = message.valid_s.clamp(VALIDITY_S_MIN, VALIDITY_S_MAX);
        Call {
            url: self.messages_url(),
            user: self.account_sid.clone(),
            password: self.auth_token.clone(),
            params: Params::Form(vec![
                ("To", message.phone.e164().to_owned()),
                ("From", self.from.e164().to_owned()),
                ("Body", message.text.to_owned()),
                ("StatusCallback", message.callback_url.to_owned()),
                ("ValidityPeriod", valid_s.to_string()),
            ]),
        }
    }

    /// The request for the messages that it may be among.
    pub fn query(&self, message: &Message<'_>) -> Call {
        Call {
            url: self.messages_url(),
            user: self.account_sid.clone(),
            password: self.auth_token.clone(),
            params: Params::Query(vec![
                ("To", message.phone.e164().to_owned()),
                ("From", self.from.e164().to_owned()),
                ("PageSize", lookup::MESSAGES_MAX.to_string()),
            ]),
        }
    }

    fn messages_url(&self) -> String {
        format!("{}/2010-04-01/Accounts/{}/Messages.json", self.base_url, self.account_sid)
    }

    /// Reads a status callback whose signature fits.
    pub fn receipt(&self, callback: &Callback<'_>) -> Result<Told, CallbackError> {
        let params = form(callback.body);
        let given = callback.signature.ok_or(CallbackError::Signature)?;
        if !signature::verify(self.auth_token.expose(), callback.url, &params, given) {
            return Err(CallbackError::Signature);
        }
        let param =
            |name: &str| params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let of_account = param("AccountSid").is_none_or(|sid| sid == self.account_sid);
        let provider_id = param("MessageSid").filter(|sid| is_sid(sid) && of_account);
        let status = param("MessageStatus").ok_or(CallbackError::Malformed)?;
        let code = param("ErrorCode").and_then(|code| code.parse().ok());
        let receipt = match status {
            "delivered" | "read" => Some(Receipt::Delivered),
            "sent" => Some(Receipt::Sent),
            "failed" | "undelivered" | "canceled" => Some(Receipt::Failed(reason(code))),
            // accepted, scheduled, queued, sending, and whatever Twilio adds.
            _ => None,
        };
        let provider_id = provider_id.ok_or(CallbackError::Malformed)?.to_owned();
        Ok(Told { provider_id, receipt })
    }
}

/// What an answer means.
pub fn classify(answer: &Answer) -> CallOutcome {
    if (200..300).contains(&answer.status) {
        return match serde_json::from_slice::<Created>(&answer.body) {
            Ok(created) if is_sid(&created.sid) => CallOutcome::Taken { provider_id: created.sid },
            _ => CallOutcome::Unknown,
        };
    }
    let code = serde_json::from_slice::<Refused>(&answer.body).ok().and_then(|refused| refused.code);
    match (answer.status, code) {
        (429, _) | (_, Some(20429 | 30001 | 14107)) => {
            let retry_after_ms = answer.retry_after_s.map(|seconds| seconds.saturating_mul(SECOND_MS));
            CallOutcome::Throttled { retry_after_ms }
        }
        // A gateway on the way gave up waiting, or lost the answer: the message may have been taken.
        (502 | 504, _) => CallOutcome::Unknown,
        (500.., _) => CallOutcome::Failed(Reason::ProviderDown),
        (401 | 403, None) => CallOutcome::Failed(Reason::AuthFailed),
        (_, code) => CallOutcome::Failed(reason(code)),
    }
}

/// Twilio's error codes in our vocabulary (www.twilio.com/docs/api/errors).
fn reason(code: Option<u32>) -> Reason {
    match code {
        Some(10001 | 20003 | 30002) => Reason::AuthFailed,
        Some(21211 | 21214 | 21217 | 30005) => Reason::InvalidNumber,
        Some(21614 | 30006) => Reason::Landline,
        Some(21408) => Reason::CountryDisabled,
        Some(21610 | 30004) => Reason::OptedOut,
        Some(21606 | 21612 | 21659 | 30034) => Reason::SenderUnapproved,
        Some(30003) => Reason::AbsentTemporary,
        Some(30007) => Reason::ContentFiltered,
        Some(30036) => Reason::TtlExpired,
        Some(30008 | 30017 | 30410) => Reason::ProviderDown,
        _ => Reason::Rejected,
    }
}

fn is_sid(text: &str) -> bool {
    text.len() == 34 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn form(body: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(body).into_owned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, retry_after_s: None, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn answers_lead_to_the_right_next_step() {
        let sid = "SM0123456789abcdef0123456789abcdef";
        let taken = CallOutcome::Taken { provider_id: sid.into() };
        let created = format!(r#"{{"sid":"{sid}","status":"queued"}}"#);
        let cases = [
            (answer(201, &created), taken),
            (answer(201, "<html>"), CallOutcome::Unknown),
            (answer(400, r#"{"code":21211}"#), CallOutcome::Failed(Reason::InvalidNumber)),
            (answer(400, r#"{"code":21614}"#), CallOutcome::Failed(Reason::Landline)),
            (answer(400, r#"{"code":21610}"#), CallOutcome::Failed(Reason::OptedOut)),
            (answer(400, r#"{"code":99999}"#), CallOutcome::Failed(Reason::Rejected)),
            (answer(400, "{}"), CallOutcome::Failed(Reason::Rejected)),
            (answer(401, r#"{"code":20003}"#), CallOutcome::Failed(Reason::AuthFailed)),
            (answer(429, r#"{"code":20429}"#), CallOutcome::Throttled { retry_after_ms: None }),
            (answer(500, ""), CallOutcome::Failed(Reason::ProviderDown)),
            (answer(502, ""), CallOutcome::Unknown),
            (answer(503, "{}"), CallOutcome::Failed(Reason::ProviderDown)),
            (answer(504, ""), CallOutcome::Unknown),
        ];
        for (answer, outcome) in cases {
            assert_eq!(classify(&answer), outcome, "{answer:?}");
        }
    }

    #[test]
    fn only_receipts_signed_for_this_address_and_account_are_read() {
        let name = GatewayId::parse("twilio-sms").unwrap();
        let from = Phone::parse("+15005550006").unwrap();
        let account = "AC00000000000000000000000000000001";
        let twilio = Twilio::new(&name, account, "token".into(), &from, "https://api.twilio.com");
        let sid = "SM0123456789abcdef0123456789abcdef";
        let url = "https://core.example/callbacks/twilio-sms?order=o&n=1";
        let body =
            format!("MessageSid={sid}&MessageStatus=delivered&AccountSid={account}&To=%2B919876543210");
        let signed = signature::sign("token", url, &form(body.as_bytes()));
        let read =
            |url, body: &str, signature| twilio.receipt(&Callback { url, signature, body: body.as_bytes() });
        let told = Told { provider_id: sid.into(), receipt: Some(Receipt::Delivered) };
        assert_eq!(read(url, &body, Some(signed.as_str())), Ok(told));
        let other_url = "https://core.example/callbacks/twilio-sms?order=p&n=1";
        assert_eq!(read(other_url, &body, Some(&signed)), Err(CallbackError::Signature));
        assert_eq!(
            read(url, &body.replace("delivered", "failed"), Some(&signed)),
            Err(CallbackError::Signature)
        );
        assert_eq!(read(url, &body, None), Err(CallbackError::Signature));
        let other_account = body.replace(account, "AC00000000000000000000000000000002");
        let signed = signature::sign("token", url, &form(other_account.as_bytes()));
        assert_eq!(read(url, &other_account, Some(&signed)), Err(CallbackError::Malformed));
    }
}
