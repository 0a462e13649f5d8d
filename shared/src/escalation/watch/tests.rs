//! What errands tell is counted once, and found each time.

use serde_json::json;

use super::*;
use crate::id::LedgerId;
use crate::order::Story;
use crate::order::Timeline;

const NOW: UnixMs = UnixMs(1_795_082_400_000);
const LIMITS: Limits = Limits { overdue_ms: 300_000, failures: 3, of: 5 };

fn order(which: u8) -> OrderId {
    OrderId::new([which; 16], LedgerId::new([1; 16]))
}

/// A closed order with attempts in these states, one window of 10 s each.
fn closed(state: OrderState, attempts: &[&str]) -> Errand {
    let tried = |(n, state): (usize, &&str)| {
        let reason = (**state == *"failed").then_some("provider_down");
        let attempt = json!({
            "n": n + 1, "channel": "sms", "gateway": "alpha", "state": state, "at": NOW.0, "changed": "first attempt",
            "reason": reason,
        });
        Tried {
            attempt: serde_json::from_value(attempt).unwrap(),
            sender: None,
            route: "up".into(),
            called_at: NOW,
            window_ms: 10_000,
            retry_at: None,
            provider_id: None,
            cost: None,
            looks: 0,
        }
    };
    Errand {
        tenant: Some(TenantId::parse("shop").unwrap()),
        fresh: Vec::new(),
        token: Bytes([0; 8]),
        closes: true,
        timeline: Box::new(Timeline {
            state,
            reason: None,
            job: None,
            resends: 0,
            waits: false,
            next: None,
            attempts: attempts.iter().enumerate().map(tried).collect(),
            bill: None,
            erased_at: None,
            taken_at: None,
            tellings: Vec::new(),
            is_closed: true,
            is_closing: false,
            story: Story { entries: Vec::new(), head: Bytes([0; 32]) },
        }),
    }
}

#[test]
fn an_errand_that_comes_again_counts_no_attempt_twice_and_finds_what_it_found() {
    let mut watch = Watch::default();
    let failed = closed(OrderState::Failed, &["failed"]);
    for _ in 0..9 {
        assert!(watch.look(&order(1), &failed, LIMITS, |_| true, NOW).is_empty(), "one failure is one");
    }
    assert!(watch.look(&order(2), &failed, LIMITS, |_| true, NOW).is_empty());
    let found = watch.look(&order(3), &failed, LIMITS, |_| true, NOW);
    assert_eq!((found.len(), found[0].rule), (1, Rule::RouteFailing));
    assert_eq!(found[0].text, "3 of the last 3 attempts through it failed");
    assert_eq!(
        watch.look(&order(3), &failed, LIMITS, |_| true, NOW),
        found,
        "what was not opened is found again"
    );
    // Another order's attempt of the same number is another one, and so is a second one of the same order.
    let again =
        watch.look(&order(4), &closed(OrderState::Failed, &["delivered", "failed"]), LIMITS, |_| true, NOW);
    assert_eq!(again[0].text, "4 of the last 5 attempts through it failed");
}

#[test]
fn a_lost_message_is_overdue_where_its_provider_would_have_told() {
    let look = |state, attempt: &str, tells: bool, later_ms: u64| {
        let errand = closed(state, &[attempt]);
        Watch::default().look(&order(1), &errand, LIMITS, |_| tells, NOW.plus(10_000 + later_ms)).len()
    };
    for (state, attempt, tells, later_ms, found) in [
        (OrderState::Expired, "sent", true, 300_000, 1),
        (OrderState::Failed, "sent", true, 300_000, 1),
        (OrderState::Expired, "sent", true, 299_999, 0),
        (OrderState::Expired, "sent", false, 300_000, 0),
        (OrderState::Expired, "delivered", true, 300_000, 0),
        (OrderState::Verified, "sent", true, 300_000, 0),
    ] {
        assert_eq!(look(state, attempt, tells, later_ms), found, "{state:?} {attempt} {tells} {later_ms}");
    }
}

#[test]
fn a_matter_that_has_enough_orders_is_quiet_for_a_while() {
    let mut watch = Watch::default();
    let limits = Limits { failures: 1, ..LIMITS };
    let failed = closed(OrderState::Failed, &["failed"]);
    let found = watch.look(&order(1), &failed, limits, |_| true, NOW).remove(0);
    watch.quiet(found.rule, found.subject.clone(), NOW);
    assert!(watch.look(&order(2), &failed, limits, |_| true, NOW.plus(QUIET_MS - 1)).is_empty());
    assert_eq!(watch.look(&order(3), &failed, limits, |_| true, NOW.plus(QUIET_MS)).len(), 1);
    let opening = found.clone().opening(&order(1), 5);
    assert_eq!((opening.kind, opening.due_ms), (Kind::SupplierFallback, 5));
    assert_eq!(opening.request, found.clone().opening(&order(1), 6).request, "the same wish");
    assert_ne!(opening.request, found.opening(&order(2), 5).request);
}
