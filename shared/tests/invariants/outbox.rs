//! **never-stale**, **accepted-is-durable** and **final-is-final** in the ledger.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::proptest;
use proptest::sample::select;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::TenantId;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Content;
use tiffin_shared::ledger::Create;
use tiffin_shared::ledger::Ledger;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::ledger::Parcel;
use tiffin_shared::ledger::Part;
use tiffin_shared::ledger::Verify;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::wire::api::OrderState;
use tiffin_shared::wire::api::VerifyResult;
use tiffin_shared::wire::event::OrderEvent;
use tiffin_shared::wire::job::Header;
use tiffin_shared::wire::notice::What;

use crate::common;
use crate::common::fixtures::START;
use crate::common::fixtures::TTL_MS;
use crate::common::fixtures::command;
use crate::common::fixtures::create;
use crate::common::fixtures::whose;
use crate::common::host::Host;
use crate::common::ledger::Action;
use crate::common::ledger::Move;
use crate::common::ledger::World;
use crate::common::ledger::script;
use crate::common::pause;

/// What core would know of each order.
#[derive(Default)]
struct Core {
    pending: Vec<Parcel>,
    has: BTreeSet<OrderId>,
    over: BTreeSet<OrderId>,
}

impl Core {
    fn due(&mut self, due: &[Parcel]) {
        self.pending.extend(due.iter().cloned());
    }

    fn take(&mut self, parcel: &Parcel) {
        match &parcel.content {
            Content::Job { job, .. } => {
                let header: Header = serde_json::from_str(&job.header).unwrap();
                self.has.insert(header.order);
                self.over.extend(header.supersedes);
            }
            Content::Notice(notice) if notice.what != What::WrongCode => {
                self.over.insert(notice.order.clone());
            }
            Content::Notice(_) => {}
        }
    }
}

proptest! {
    #![proptest_config(common::cases(128))]

    #[test]
    fn a_superseded_or_expired_code_is_never_due_and_never_verifies(
        script in script(pause::any(), 1..60),
    ) {
        let mut world = World::default();
        for step in &script {
            let reply = world.play(step);
            for parcel in reply.due.iter().filter(|parcel| matches!(parcel.content, Content::Job { .. })) {
                let placed = world.placed.iter().find(|placed| placed.id == parcel.id.order).unwrap();
                assert!(!placed.superseded, "superseded, yet due");
                assert!(world.clock < placed.expires_at, "expired, yet due");
            }
            for placed in &world.placed {
                if placed.superseded || world.clock >= placed.expires_at {
                    let guess = placed.code.clone();
                    let verify = Ask::Verify(Verify { whose: whose(placed.tenant, &placed.id), guess, binding: None, solved: None, is_stranger: false });
                    let outcome = world.host.probe::<Ledger>(&command(0, verify), world.now).outcome;
                    let verified = matches!(outcome, Outcome::Verified { result: VerifyResult::Verified, .. });
                    assert!(!verified, "{step:?}");
                }
            }
        }
    }

    #[test]
    fn whatever_core_has_it_is_told_when_it_is_superseded(script in script(0..20_000_i64, 1..40)) {
        let (mut world, mut core) = (World::default(), Core::default());
        for step in &script {
            let pending = core.pending.clone();
            let reply = world.play(step);
            core.due(&reply.due);
            // Who tells of an order has its job, and who knows a code got it from whoever has.
            let (Action::Done { tenant, back }
            | Action::Event { tenant, back, .. }
            | Action::Verify { tenant, back, right: true }) = step.action
            else {
                continue;
            };
            let Some(placed) = world.order(tenant, back) else { continue };
            let taken = pending.iter().filter(|parcel| parcel.id.order == placed.id);
            taken.filter(|parcel| parcel.id.part == Part::Job).for_each(|parcel| core.take(parcel));
        }
        // It answers again: nothing is left in the outbox.
        let began = world.now;
        while let Some(at) = world.host.wake_at() && at.since(began) < 30 * SECOND_MS {
            world.now = world.now.max(at);
            let due = world.host.ask::<Ledger>(&command(9_999, Ask::Tick), world.now).due;
            for parcel in &due {
                core.take(parcel);
                world.host.ask::<Ledger>(&command(9_999, Ask::Done(parcel.id.clone())), world.now);
            }
        }
        for placed in world.placed.iter().filter(|it| began < it.expires_at.minus(MINUTE_MS)) {
            let fetch = command(9_999, Ask::Fetch(whose(placed.tenant, &placed.id)));
            match world.host.probe::<Ledger>(&fetch, world.now).outcome {
                Outcome::Found(order) if order.superseded => {}
                _ => continue,
            }
            let is_known = core.has.contains(&placed.id) && !core.over.contains(&placed.id);
            assert!(!is_known, "core goes on with {}", placed.id);
        }
    }

    #[test]
    fn an_accepted_job_comes_again_at_every_alarm_until_core_has_it(
        late_ms in vec(0..20 * SECOND_MS, 1..60),
        taken_after in 0..70_usize,
        by_event in proptest::bool::ANY,
    ) {
        let mut world = World::default();
        let order = Action::Create { tenant: 0, service: 0, key: 0, body: 0 };
        let job = world.play(&Move { pause: 0, action: order }).due.remove(0);
        let expires_at = world.placed[0].expires_at;
        for (alarm, late_ms) in late_ms.into_iter().enumerate() {
            let wake_at = world.host.wake_at().expect("an open job always has an alarm");
            assert!(wake_at > world.now && wake_at.since(world.now) <= 10 * SECOND_MS);
            if alarm == taken_after {
                let event = Action::Event { tenant: 0, back: 0, seq: 1, state: OrderState::Queued };
                let taken = if by_event { event } else { Action::Done { tenant: 0, back: 0 } };
                world.play(&Move { pause: 0, action: taken });
                let wake_at = world.host.wake_at().expect("the code is to be dropped");
                assert!(wake_at > expires_at && wake_at.since(expires_at) < HOUR_MS, "nothing else is left");
                break;
            }
            let pause = i64::try_from(wake_at.since(world.now) + late_ms).unwrap();
            let due = world.play(&Move { pause, action: Action::Tick }).due;
            if world.now >= expires_at {
                assert!(due.is_empty() && world.host.wake_at().is_none(), "over");
                break;
            }
            assert_eq!(due.as_slice(), std::slice::from_ref(&job), "the same bytes again");
        }
    }

    #[test]
    fn a_final_order_stays_as_it_is_whatever_comes_late(script in script(pause::forward(), 1..60)) {
        let mut world = World::default();
        let mut finals: BTreeMap<String, OrderState> = BTreeMap::new();
        for step in &script {
            world.play(step);
            for placed in &world.placed {
                let fetch = Ask::Fetch(whose(placed.tenant, &placed.id));
                let Outcome::Found(order) = world.host.probe::<Ledger>(&command(0, fetch), world.now).outcome
                else {
                    continue;
                };
                let ended = matches!(
                    order.state,
                    OrderState::Cancelled | OrderState::Expired | OrderState::Failed | OrderState::Verified
                );
                match finals.get(&order.id) {
                    Some(state) => assert_eq!(order.state, *state, "reopened by {step:?}"),
                    None if ended => drop(finals.insert(order.id, order.state)),
                    None => {}
                }
            }
        }
    }

    #[test]
    fn core_cannot_end_an_order_in_a_state_that_the_edge_decides(
        state in select(vec![
            OrderState::Accepted, OrderState::Cancelled, OrderState::Expired, OrderState::Verified,
        ]),
    ) {
        let mut world = World::default();
        world.play(&Move { pause: 0, action: Action::Create { tenant: 0, service: 0, key: 0, body: 0 } });
        let order = world.placed[0].id.clone();
        let event = OrderEvent { order: order.clone(), seq: 1, dispatch: 0, state, reason: None, attempts: Vec::new(), next: None, cost: None };
        world.host.ask::<Ledger>(&command(1, Ask::Event(event)), world.now);
        let fetch = command(2, Ask::Fetch(whose(0, &order)));
        match world.host.probe::<Ledger>(&fetch, world.now).outcome {
            Outcome::Found(order) => assert_eq!(order.state, OrderState::Accepted),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_code_ends_to_the_millisecond() {
    let mut world = World::default();
    world.play(&Move { pause: 0, action: Action::Create { tenant: 0, service: 0, key: 0, body: 0 } });
    let placed = &world.placed[0];
    let result_at = |ms| {
        let verify = Verify {
            whose: whose(0, &placed.id),
            guess: placed.code.clone(),
            binding: None,
            solved: None,
            is_stranger: false,
        };
        let command = command(1, Ask::Verify(verify));
        match world.host.probe::<Ledger>(&command, placed.created_at.plus(ms)).outcome {
            Outcome::Verified { result, .. } => result,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(result_at(TTL_MS - 1), VerifyResult::Verified);
    assert_eq!(result_at(TTL_MS), VerifyResult::Expired);
}

#[test]
fn the_job_of_a_verified_order_is_not_handed_over_again() {
    let mut world = World::default();
    world.play(&Move { pause: 0, action: Action::Create { tenant: 0, service: 0, key: 0, body: 0 } });
    world.play(&Move { pause: 1, action: Action::Verify { tenant: 0, back: 0, right: false } });
    assert!(world.host.wake_at().is_some());
    world.play(&Move { pause: 1, action: Action::Verify { tenant: 0, back: 0, right: true } });
    let later = world.play(&Move { pause: 20_000, action: Action::Tick });
    let told: Vec<_> = later.due.iter().map(|parcel| parcel.id.part).collect();
    assert_eq!(told, [Part::Notice(What::WrongCode), Part::Notice(What::Verified)]);
}

#[test]
fn an_older_event_changes_nothing_after_a_newer_one() {
    let mut world = World::default();
    world.play(&Move { pause: 0, action: Action::Create { tenant: 0, service: 0, key: 0, body: 0 } });
    let mut event = |seq, state| {
        world.play(&Move { pause: 1, action: Action::Event { tenant: 0, back: 0, seq, state } });
        world.host.body().unwrap().to_owned()
    };
    let after_two = event(2, OrderState::Sent);
    assert_eq!(event(1, OrderState::Failed), after_two);
    assert_eq!(event(2, OrderState::Failed), after_two);
    assert_ne!(event(3, OrderState::Failed), after_two);
}

#[test]
fn more_jobs_than_one_alarm_hands_over_come_with_the_next_at_once() {
    let mut host = Host::default();
    for n in 0..20_u8 {
        let tenant = TenantId::parse(&format!("t{n}")).unwrap();
        let ask = Create { tenant, ..create(0, 0, 0, 0) };
        let reply = host.ask::<Ledger>(&command(u64::from(n), Ask::Create(Box::new(ask))), START);
        assert_eq!(reply.due.len(), 1);
    }
    let alarm = START.plus(10 * SECOND_MS);
    let mut due: Vec<Parcel> = Vec::new();
    for jobs in [16, 4, 0] {
        assert_eq!(host.wake_at().unwrap() <= alarm, jobs > 0);
        let handed = host.ask::<Ledger>(&command(99, Ask::Tick), alarm).due;
        assert_eq!(handed.len(), jobs);
        due.extend(handed);
    }
    due.sort_by(|a, b| a.id.order.cmp(&b.id.order));
    due.dedup();
    assert_eq!(due.len(), 20);
}
