//! Asks a number's network whether its SIM changed lately, by CAMARA's SIM Swap API.
//!
//! <https://github.com/camaraproject/SimSwap>: `POST /check` with a number and a time in hours. Version 1 and 2 differ in codes of
//! refusals alone. What a verdict means for an order is decided in `tiffin_shared::order`; here it is only fetched, within one
//! deadline, and no number is told to anybody else.

mod answer;
mod token;

use std::time::Duration;

use serde_json::json;
use tiffin_shared::country::Country;
use tiffin_shared::directory::Risk;
use tiffin_shared::directory::Service;
use tiffin_shared::id::OrderId;
use tiffin_shared::order::SimDoubt;
use tiffin_shared::order::SimVerdict;
use tiffin_shared::order::WhenUnknown;
use tiffin_shared::phone::Phone;
use tiffin_shared::secret::Secret;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::timeout_at;

use self::answer::Said;
use self::token::Tokens;
use crate::config::SimSwap;
use crate::gateways::call::Auth;
use crate::gateways::call::Body;
use crate::gateways::call::Call;
use crate::gateways::call::Client;
use crate::host;

/// Checks under way at once in one process. Others wait for their turn, within their deadline.
const CHECKS_MAX: usize = 64;
/// Calls for one check: the second after a failure that may pass, or with a new token.
const CALLS_MAX: usize = 2;
/// Between the two.
const PAUSE: Duration = Duration::from_millis(100);

/// Whom we ask.
pub struct Checker {
    settings: SimSwap,
    tokens: Tokens,
    permits: Semaphore,
}

/// The credentials cannot be used, or were not tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// No token for them.
    #[error("no token is granted: client id, secret or scope is refused")]
    Refused,
    /// Nobody said anything of them.
    #[error("no answer from the token address")]
    NoAnswer,
}

impl Checker {
    /// As configured, with the client's secret.
    pub fn new(settings: SimSwap, secret: Secret<String>) -> Self {
        Self { tokens: Tokens::new(&settings, secret), settings, permits: Semaphore::new(CHECKS_MAX) }
    }

    /// What follows where nobody can say.
    pub fn when_unknown(&self) -> WhenUnknown {
        self.settings.when_unknown
    }

    /// Asks about a number, for an order.
    pub async fn check(
        &self,
        client: &Client,
        phone: &Phone,
        country: Option<Country>,
        order: &OrderId,
    ) -> SimVerdict {
        if !self.settings.countries.allow(country) {
            return SimVerdict::Unknown(SimDoubt::NotServed);
        }
        let deadline = Instant::now() + Duration::from_millis(self.settings.timeout_ms);
        let Ok(Ok(_permit)) = timeout_at(deadline, self.permits.acquire()).await else {
            return SimVerdict::Unknown(SimDoubt::Busy);
        };
        let asking = timeout_at(deadline, self.ask(client, phone, order));
        asking.await.unwrap_or(SimVerdict::Unknown(SimDoubt::NoAnswer))
    }

    /// Tries the credentials; no number is asked about.
    pub async fn try_credentials(&self, client: &Client) -> Result<String, Trouble> {
        match self.tokens.get(client, host::now()).await {
            Ok(_) if self.settings.scope.is_empty() => Ok("a token is granted".into()),
            Ok(_) => Ok(format!("a token is granted for {}", self.settings.scope)),
            Err(SimDoubt::Refused) => Err(Trouble::Refused),
            Err(SimDoubt::Busy | SimDoubt::NoAnswer | SimDoubt::NotServed) => Err(Trouble::NoAnswer),
        }
    }

    async fn ask(&self, client: &Client, phone: &Phone, order: &OrderId) -> SimVerdict {
        let mut doubt = SimDoubt::NoAnswer;
        for call in 1..=CALLS_MAX {
            if call > 1 {
                sleep(PAUSE).await;
            }
            let token = match self.tokens.get(client, host::now()).await {
                Ok(token) => token,
                Err(SimDoubt::NoAnswer) => continue,
                Err(doubt) => return SimVerdict::Unknown(doubt),
            };
            let said = match client.call(self.question(phone, order, &token.value)).await {
                Ok(answer) => answer::read(&answer),
                Err(_) => Said::Nothing,
            };
            match said {
                Said::Verdict(verdict) => return verdict,
                Said::Refused { status, code } => {
                    tracing::error!(status, code, %order, "the SIM Swap service refuses the question");
                    return SimVerdict::Unknown(SimDoubt::Refused);
                }
                Said::Stranger => {
                    self.tokens.forget(&token).await;
                    doubt = SimDoubt::Refused;
                }
                Said::Nothing => doubt = SimDoubt::NoAnswer,
            }
        }
        SimVerdict::Unknown(doubt)
    }

    fn question(&self, phone: &Phone, order: &OrderId, token: &Secret<String>) -> Call {
        let auth = Auth::Authorization(Secret::new(format!("Bearer {}", token.expose())));
        let body = json!({ "phoneNumber": phone.e164(), "maxAge": self.settings.max_age_hours });
        let url = format!("{}/check", self.settings.base_url);
        // By it the operator finds the call in its own log.
        let headers = vec![("x-correlator", order.to_string())];
        Call { headers, ..Call::post(url, auth, Body::Json(body)) }
    }
}

/// What follows for an order of a service where nobody can say; nothing where its SIM is not checked. A service that asks for
/// checks where there is nobody to ask gets the stricter answer.
pub fn terms(checker: Option<&Checker>, service: &Service) -> Option<WhenUnknown> {
    let when_unknown = checker.map_or(WhenUnknown::Refuse, Checker::when_unknown);
    is_checked(service, checker.is_some()).then_some(when_unknown)
}

/// Whether the SIM is checked before a code of this service goes by text message or call: as it says, and where it says nothing,
/// by its risk where there is somebody to ask.
pub fn is_checked(service: &Service, has_checker: bool) -> bool {
    service.sim_swap.unwrap_or(has_checker && service.risk == Risk::High)
}
