//! Tenants of one phone never see each other.

use proptest::proptest;
use tiffin_shared::id::TenantId;
use tiffin_shared::ledger::Ask;
use tiffin_shared::ledger::Content;
use tiffin_shared::ledger::Ledger;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::ledger::Parcel;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::HOUR_MS;
use tiffin_shared::wire::job::Header;

use crate::common;
use crate::common::fixtures::command;
use crate::common::fixtures::tenant;
use crate::common::fixtures::whose;
use crate::common::ledger::Action;
use crate::common::ledger::Move;
use crate::common::ledger::World;
use crate::common::ledger::script;
use crate::common::pause;

proptest! {
    #![proptest_config(common::cases(160))]

    #[test]
    fn a_tenant_gets_the_same_answers_with_and_without_a_neighbour(
        script in script(pause::forward(), 1..90),
    ) {
        let (mut shared, mut alone) = (World::default(), World::default());
        for step in &script {
            if of(&step.action).is_none_or(|tenant| tenant == 0) {
                let (with, without) = (shared.play(step), alone.play(step));
                let jobs: Vec<Parcel> = with.due.into_iter().filter(|parcel| is_of(parcel, &tenant(0))).collect();
                assert_eq!((with.outcome, jobs), (without.outcome, without.due), "{step:?}");
            } else {
                shared.play(step);
                alone.next(step);
            }
        }
    }
}

#[test]
fn what_is_forgotten_does_not_depend_on_a_neighbour_nor_on_a_later_order() {
    for (neighbour, key) in [(1, 0), (0, 1)] {
        let mut world = World::default();
        let order = |tenant, key| Action::Create { tenant, service: 0, key, body: 0 };
        world.play(&Move { pause: 0, action: order(0, 0) });
        let first = world.placed[0].id.clone();
        let later = i64::try_from(12 * HOUR_MS).unwrap();
        world.play(&Move { pause: later, action: order(neighbour, key) });
        let at = world.placed[0].created_at.plus(DAY_MS);
        let fetch = command(7, Ask::Fetch(whose(0, &first)));
        assert!(matches!(world.host.probe::<Ledger>(&fetch, at.minus(1)).outcome, Outcome::Found(_)));
        assert_eq!(world.host.probe::<Ledger>(&fetch, at).outcome, Outcome::NotFound);
    }
}

fn of(action: &Action) -> Option<usize> {
    match action {
        Action::Cancel { tenant, .. }
        | Action::Create { tenant, .. }
        | Action::Done { tenant, .. }
        | Action::Event { tenant, .. }
        | Action::Fetch { tenant, .. }
        | Action::Resend { tenant, .. }
        | Action::Unlock { tenant }
        | Action::Verify { tenant, .. } => Some(*tenant),
        Action::Tick => None,
    }
}

fn is_of(parcel: &Parcel, tenant: &TenantId) -> bool {
    match &parcel.content {
        Content::Job { job, .. } => serde_json::from_str::<Header>(&job.header).unwrap().tenant == *tenant,
        Content::Notice(notice) => notice.tenant == *tenant,
    }
}
