//! Access tokens for client credentials (RFC 6749 section 4.4), kept until shortly before they end.

use serde::Deserialize;
use tiffin_shared::order::SimDoubt;
use tiffin_shared::secret::Secret;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;
use tokio::sync::Mutex;

use crate::config::SimSwap;
use crate::gateways::call::Answer;
use crate::gateways::call::Auth;
use crate::gateways::call::Body;
use crate::gateways::call::Call;
use crate::gateways::call::Client;

/// A token is not used this close to its end: a call takes its time.
const MARGIN_MS: u64 = 30 * SECOND_MS;
/// Of a token that does not say how long it lives (RFC 6749 section 5.1 recommends that it does).
const LIFE_S: u64 = 60;
/// Credentials that were refused are not shown again before: some services lock a client out.
const REFUSED_MS: u64 = 10 * SECOND_MS;

/// A token.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) value: Secret<String>,
    until: UnixMs,
}

/// Whoever holds this asks for the one that the others wait for.
pub(super) struct Tokens {
    url: String,
    client_id: String,
    scope: String,
    secret: Secret<String>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    token: Option<Token>,
    refused_until: UnixMs,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: String,
    expires_in: Option<u64>,
}

impl Tokens {
    pub(super) fn new(settings: &SimSwap, secret: Secret<String>) -> Self {
        let SimSwap { token_url, client_id, scope, .. } = settings.clone();
        Self { url: token_url, client_id, scope, secret, kept: Mutex::default() }
    }

    /// One that is good for a while.
    pub(super) async fn get(&self, client: &Client, now: UnixMs) -> Result<Token, SimDoubt> {
        let mut kept = self.kept.lock().await;
        if let Some(token) = kept.token.as_ref().filter(|token| now < token.until) {
            return Ok(token.clone());
        }
        if now < kept.refused_until {
            return Err(SimDoubt::Refused);
        }
        let answer = client.call(self.request()).await.map_err(|_| SimDoubt::NoAnswer)?;
        let token = read(&answer, now);
        match &token {
            Ok(token) => kept.token = Some(token.clone()),
            Err(SimDoubt::Refused) => {
                tracing::error!(
                    status = answer.status,
                    "no token for the SIM Swap service: it refuses our client"
                );
                kept.refused_until = now.plus(REFUSED_MS);
            }
            Err(doubt) => tracing::warn!(status = answer.status, ?doubt, "no token for the SIM Swap service"),
        }
        token
    }

    /// The service does not take it any more.
    pub(super) async fn forget(&self, token: &Token) {
        let mut kept = self.kept.lock().await;
        if kept.token.as_ref().is_some_and(|known| known.value.expose() == token.value.expose()) {
            kept.token = None;
        }
    }

    fn request(&self) -> Call {
        // RFC 6749 section 2.3.1: both are encoded before they become name and password.
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let auth = Auth::Basic {
            user: encoded(&self.client_id),
            password: Secret::new(encoded(self.secret.expose())),
        };
        let mut form = vec![("grant_type", "client_credentials".to_owned())];
        if !self.scope.is_empty() {
            form.push(("scope", self.scope.clone()));
        }
        Call::post(self.url.clone(), auth, Body::Form(form))
    }
}

fn read(answer: &Answer, now: UnixMs) -> Result<Token, SimDoubt> {
    match answer.status {
        200 => {}
        429 => return Err(SimDoubt::Busy),
        500.. => return Err(SimDoubt::NoAnswer),
        _ => return Err(SimDoubt::Refused),
    }
    let Ok(granted) = serde_json::from_slice::<Granted>(&answer.body) else { return Err(SimDoubt::NoAnswer) };
    if !granted.token_type.eq_ignore_ascii_case("bearer") {
        return Err(SimDoubt::Refused);
    }
    let life_ms = granted.expires_in.unwrap_or(LIFE_S).saturating_mul(SECOND_MS);
    let until = now.plus(life_ms.saturating_sub(MARGIN_MS.min(life_ms / 2)));
    Ok(Token { value: Secret::new(granted.access_token), until })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_795_168_800_000);

    fn life_ms(body: &str) -> Result<u64, SimDoubt> {
        let answer = Answer { status: 200, retry_after_s: None, body: body.into() };
        read(&answer, NOW).map(|token| token.until.since(NOW))
    }

    #[test]
    fn a_token_is_kept_until_shortly_before_its_end() {
        let granted = |more: &str| format!(r#"{{"access_token":"t","token_type":"Bearer"{more}}}"#);
        assert_eq!(life_ms(&granted(r#","expires_in":3600"#)), Ok(3_570_000));
        assert_eq!(life_ms(&granted(r#","expires_in":10"#)), Ok(5_000));
        assert_eq!(life_ms(&granted(r#","expires_in":0"#)), Ok(0));
        assert_eq!(life_ms(&granted("")), Ok(30_000));
        assert_eq!(life_ms(r#"{"access_token":"t","token_type":"mac"}"#), Err(SimDoubt::Refused));
        assert_eq!(life_ms("<html>"), Err(SimDoubt::NoAnswer));
    }
}
