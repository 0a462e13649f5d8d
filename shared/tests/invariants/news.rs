//! What is counted of an order is counted once: sent before verified, and where it was first sent.

use proptest::proptest;
use tiffin_shared::order::Cause;
use tiffin_shared::order::Decision;

use crate::common;
use crate::common::order::Action;
use crate::common::order::World;
use crate::common::order::header;
use crate::common::order::pauses;
use crate::common::order::script;

proptest! {
    #![proptest_config(common::cases(256))]

    #[test]
    fn an_order_is_counted_as_sent_once_and_as_verified_once(script in script(pauses(), 1..80)) {
        let mut world = World::default();
        let (mut claims, mut sent, mut verified) = (Vec::new(), 0, 0);
        let mut sent_at = None;
        for step in &script {
            let reply = world.play(step);
            if matches!(reply.decision, Decision::Send { .. }) {
                claims.push(world.clock);
            }
            let Some(news) = reply.news else { continue };
            assert!(news.is_sent || news.is_verified, "no news: {news:?}");
            sent += u32::from(news.is_sent);
            verified += u32::from(news.is_verified);
            assert!(sent <= 1 && verified <= 1, "counted twice: {news:?}");
            assert_eq!(news.is_verified, matches!(step.action, Action::Stop(Cause::Verified)));
            if claims.is_empty() {
                assert_eq!(news.sent_at, None, "verified, but not sent by this record");
                continue;
            }
            assert_eq!(sent, 1, "verified, but never sent: {news:?}");
            assert_eq!(news.header, Some(Box::new(header())));
            assert!(news.sent_at.is_some_and(|at| claims.contains(&at)), "not when it was called: {news:?}");
            assert_eq!(*sent_at.get_or_insert(news.sent_at), news.sent_at, "the first time moves");
        }
    }
}
