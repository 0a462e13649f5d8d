//! One open escalation for each matter, within bounds.

use super::*;
use crate::id::LedgerId;

const NOW: UnixMs = UnixMs(1_795_082_400_000);

fn opening(rule: Option<Rule>, subject: &str, order: u8, request: u8) -> Command {
    let opening = Opening {
        kind: Kind::Refund,
        rule,
        subject: subject.into(),
        tenant: None,
        gateway: None,
        orders: vec![OrderId::new([order; 16], LedgerId::new([1; 16]))],
        text: "nothing heard".into(),
        due_ms: DAY_MS,
        request: Bytes([request; 16]),
    };
    Command::Open { by: "rule".into(), opening: Box::new(opening) }
}

fn run(state: &mut Option<State>, command: &Command) -> Reply {
    let Step { reply, write } = Escalations::step(state.clone(), command, NOW);
    if let Write::Put { state: next, .. } = write {
        *state = Some(next);
    }
    reply
}

fn one(reply: Reply) -> (Escalation, bool) {
    match reply {
        Reply::One { escalation, is_new } => (*escalation, is_new),
        other => panic!("{other:?}"),
    }
}

#[test]
fn of_a_rule_and_a_subject_one_is_open_and_orders_are_added_within_bounds() {
    let mut state = None;
    assert!(one(run(&mut state, &opening(Some(Rule::Overdue), "alpha", 1, 1))).1);
    for order in 2..=250 {
        assert!(!one(run(&mut state, &opening(Some(Rule::Overdue), "alpha", order, order))).1);
    }
    let (all, is_new) = one(run(&mut state, &opening(Some(Rule::Overdue), "alpha", 1, 9)));
    assert_eq!((all.orders.len(), all.has_more_orders, is_new), (ORDERS_MAX, true, false));
    assert!(one(run(&mut state, &opening(Some(Rule::Overdue), "beta", 1, 2))).1);
    assert!(one(run(&mut state, &opening(Some(Rule::RouteFailing), "alpha", 1, 3))).1);
    // A person opens what he likes, each wish once.
    assert!(one(run(&mut state, &opening(None, "alpha", 1, 4))).1);
    assert_eq!(one(run(&mut state, &opening(None, "alpha", 1, 4))).0.id, 4);
    assert_eq!(one(run(&mut state, &opening(None, "alpha", 1, 5))).0.id, 5);
}

#[test]
fn what_is_resolved_stays_so_and_the_matter_opens_anew() {
    let mut state = None;
    run(&mut state, &opening(Some(Rule::Overdue), "alpha", 1, 1));
    let act = |act| Command::Act { id: 1, by: "asha".into(), act };
    let (owned, _) = one(run(&mut state, &act(Act::Assign("asha".into()))));
    assert_eq!((owned.state, owned.notes.len()), (Standing::Acknowledged, 2));
    assert_eq!(one(run(&mut state, &act(Act::Assign("asha".into())))).0.notes.len(), 2);
    let (done, _) = one(run(&mut state, &act(Act::Resolve("refunded".into()))));
    assert_eq!((done.state, done.resolved_at), (Standing::Resolved, Some(NOW)));
    assert_eq!(run(&mut state, &act(Act::Note("late".into()))), Reply::Over);
    assert!(one(run(&mut state, &opening(Some(Rule::Overdue), "alpha", 2, 2))).1);
    assert_eq!(
        run(&mut state, &Command::Act { id: 9, by: "x".into(), act: Act::Note("y".into()) }),
        Reply::NotFound
    );
}

#[test]
fn notes_and_open_matters_are_bounded_and_the_last_note_can_resolve() {
    let mut state = None;
    run(&mut state, &opening(None, "alpha", 1, 0));
    let act = |act| Command::Act { id: 1, by: "asha".into(), act };
    let noted =
        (0..NOTES_MAX + 5).filter(|n| run(&mut state, &act(Act::Note(format!("{n}")))) != Reply::Full);
    assert_eq!(noted.count(), NOTES_MAX - 2);
    assert_eq!(one(run(&mut state, &act(Act::Resolve("done".into())))).0.notes.len(), NOTES_MAX);
    let opened = (1..=u8::MAX).filter(|n| run(&mut state, &opening(None, "alpha", 1, *n)) != Reply::Full);
    assert_eq!(opened.count(), OPEN_MAX);
}
