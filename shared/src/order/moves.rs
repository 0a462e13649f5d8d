//! What support may do about an order at this moment, and why it may not do the rest.
//!
//! The same facts as the advice goes by. The ledger decides again when it is asked: it alone knows of guesses.

use serde::Serialize;

use super::advice::Situation;
use crate::time::UnixMs;
use crate::wire::api::OrderState;

/// What support could do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Move {
    /// Call it off.
    Cancel,
    /// Have its code sent another way.
    Retry,
}

/// Whether it may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Allowed {
    /// What.
    #[serde(rename = "move")]
    pub wanted: Move,
    /// Why it may not; nothing where it may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<&'static str>,
    /// From when on it may, where time alone is in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<UnixMs>,
}

/// Every move.
pub fn moves(order: &Situation<'_>, now: UnixMs) -> [Allowed; 2] {
    let refused = |wanted, (why_not, from)| Allowed { wanted, why_not: Some(why_not), from };
    let free = |wanted| Allowed { wanted, why_not: None, from: None };
    let cancel = against_cancel(order, now);
    let retry = against_retry(order, now);
    [
        cancel.map_or_else(|| free(Move::Cancel), |why| refused(Move::Cancel, why)),
        retry.map_or_else(|| free(Move::Retry), |why| refused(Move::Retry, why)),
    ]
}

type Against = Option<(&'static str, Option<UnixMs>)>;

fn over(state: OrderState) -> Option<&'static str> {
    match state {
        OrderState::Cancelled => Some("it was called off"),
        OrderState::Expired => Some("the life of its code is over"),
        OrderState::Failed => Some("it has failed: order anew"),
        OrderState::Verified => Some("the user proved to have the code"),
        OrderState::Accepted
        | OrderState::Delivered
        | OrderState::Queued
        | OrderState::Sending
        | OrderState::Sent => None,
    }
}

fn against_cancel(order: &Situation<'_>, now: UnixMs) -> Against {
    if let Some(why) = over(order.state) {
        return Some((why, None));
    }
    if order.can_cancel {
        return None;
    }
    match order.expected_by.filter(|expected_by| now < *expected_by) {
        Some(expected_by) => Some(("a message is on its way, and inside its usual time", Some(expected_by))),
        None => Some(("the message arrived", None)),
    }
}

fn against_retry(order: &Situation<'_>, now: UnixMs) -> Against {
    if let Some(why) = over(order.state) {
        return Some((why, None));
    }
    match order.resend_at {
        None => Some(("its sends are used up", None)),
        Some(at) if now < at => Some(("it was sent a moment ago", Some(at))),
        Some(_) if order.may_change.is_empty() => Some(("nothing would change: no other way is left", None)),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::api::Channel;

    const NOW: UnixMs = UnixMs(1_000_000);

    fn order<'a>() -> Situation<'a> {
        Situation {
            state: OrderState::Sent,
            reason: None,
            expected_by: Some(NOW.plus(1_000)),
            window_ms: 12_000,
            begun_by: NOW,
            next_at: None,
            is_all_unknown: false,
            is_checked: false,
            is_locked: false,
            may_change: &[Channel::Voice],
            resend_at: Some(NOW),
            can_cancel: false,
            expires_at: NOW.plus(300_000),
        }
    }

    fn why(order: &Situation<'_>) -> [(Option<&'static str>, Option<UnixMs>); 2] {
        moves(order, NOW).map(|allowed| (allowed.why_not, allowed.from))
    }

    #[test]
    fn a_message_inside_its_time_may_go_another_way_and_not_be_called_off() {
        let [cancel, retry] = why(&order());
        assert_eq!(cancel.1, Some(NOW.plus(1_000)));
        assert_eq!(retry, (None, None));
    }

    #[test]
    fn every_reason_names_itself() {
        let overdue = Situation { expected_by: Some(NOW), can_cancel: true, ..order() };
        assert_eq!(why(&overdue), [(None, None), (None, None)]);
        let early = Situation { resend_at: Some(NOW.plus(1)), ..order() };
        assert_eq!(why(&early)[1], (Some("it was sent a moment ago"), Some(NOW.plus(1))));
        let spent = Situation { resend_at: None, ..order() };
        assert_eq!(why(&spent)[1].0, Some("its sends are used up"));
        let stuck = Situation { may_change: &[], ..order() };
        assert_eq!(why(&stuck)[1].0, Some("nothing would change: no other way is left"));
        let arrived = Situation { state: OrderState::Delivered, expected_by: None, ..order() };
        assert_eq!(why(&arrived)[0].0, Some("the message arrived"));
        for state in [OrderState::Cancelled, OrderState::Expired, OrderState::Failed, OrderState::Verified] {
            let over = Situation { state, can_cancel: true, ..order() };
            assert!(why(&over).iter().all(|(why, from)| why.is_some() && from.is_none()), "{state:?}");
        }
    }
}
