//! What becomes of an order is marked once, by the step that made it known, and adds up to what its record says.

use std::collections::BTreeSet;

use proptest::proptest;
use tiffin_shared::order::AttemptState;
use tiffin_shared::order::Read;
use tiffin_shared::wire::api::OrderState;

use crate::common;
use crate::common::order::World;
use crate::common::order::pauses;
use crate::common::order::script;

proptest! {
    #![proptest_config(common::cases(256))]

    #[test]
    fn what_becomes_of_an_order_is_marked_once(script in script(pauses(), 1..80)) {
        let mut world = World::default();
        let (mut accepted, mut delivered, mut ended, mut charged) = (0, 0, BTreeSet::new(), 0);
        for step in &script {
            let Some(mark) = world.play(step).mark else { continue };
            accepted += u32::from(mark.accepted_at.is_some());
            delivered += u32::from(mark.delivered_after_ms.is_some());
            assert!(accepted == 1 && delivered <= 1, "{mark:?}");
            charged += mark.charged.map_or(0, |(_, micros)| micros);
            if let Some(state) = mark.ended {
                assert!(ended.insert(format!("{state:?}")), "twice: {mark:?}");
            }
        }
        let Some(record) = world.host.probe::<Read>(&(), world.clock) else { return Ok(()) };
        let arrived = record.attempts.iter().any(|tried| tried.attempt.state == AttemptState::Delivered);
        assert!(delivered == 1 || !arrived, "it arrived, and nobody counted it");
        let is_end = matches!(
            record.state,
            OrderState::Cancelled | OrderState::Expired | OrderState::Failed | OrderState::Verified
        );
        assert!(!is_end || ended.contains(&format!("{:?}", record.state)), "{:?}", record.state);
        if let Some(bill) = &record.bill {
            let sums = bill.sums;
            assert_eq!(charged, sums.captured_micros.cast_signed() - sums.refunded_micros.cast_signed());
        }
    }
}
