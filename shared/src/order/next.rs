//! What an order does next by itself, as far as it can be foreseen.

use serde::Deserialize;
use serde::Serialize;

use super::AttemptState;
use super::State;
use super::choose::Choice;
use crate::id::GatewayId;
use crate::route::Offer;
use crate::time::UnixMs;
use crate::wire::api::Channel;

/// The way that is tried next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Next {
    /// How.
    pub channel: Channel,
    /// Through whom.
    pub gateway: GatewayId,
    /// When.
    pub at: UnixMs,
}

impl Next {
    pub(super) fn by(offer: &Offer, at: UnixMs) -> Self {
        Self { channel: offer.way.channel, gateway: offer.way.gateway.clone(), at }
    }
}

impl State {
    /// What would be chosen if the attempt that begins now were taken, and then not heard of.
    pub(super) fn foresee(&mut self, offers: &[Offer], expires_at: UnixMs) {
        self.next = None;
        let Some(last) = self.attempts.last_mut().filter(|last| !last.is_mute) else { return };
        let silent_at = last.window_ends_at();
        last.attempt.state = AttemptState::Sent;
        let choice = self.choose(offers, self.before, expires_at, silent_at);
        let next = match choice {
            Choice::Go { offer, .. } => Some(Next::by(offer, silent_at)),
            Choice::Wait { offer, until, .. } => Some(Next::by(offer, until)),
            Choice::Nothing(_) => None,
        };
        if let Some(last) = self.attempts.last_mut() {
            last.attempt.state = AttemptState::Sending;
        }
        self.next = next.filter(|next| next.at < expires_at);
    }
}
