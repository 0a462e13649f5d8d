//! The five laws of `machine.rs`, for every machine and every state that a script reaches.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod operators;
mod routes;
mod subjects;

use proptest::collection::vec;
use proptest::prelude::Just;
use proptest::prop_oneof;
use proptest::proptest;
use tiffin_shared::admin::Admin;
use tiffin_shared::escalation::Escalations;
use tiffin_shared::evidence::Shelf;
use tiffin_shared::factor::Factor;
use tiffin_shared::fleet::Fleet;
use tiffin_shared::guard;
use tiffin_shared::guard::Guard;
use tiffin_shared::guard::verdicts::Verdicts;
use tiffin_shared::ledger::Ledger;
use tiffin_shared::log::Log;
use tiffin_shared::log::Page;
use tiffin_shared::machine;
use tiffin_shared::machine::Commit;
use tiffin_shared::machine::Machine;
use tiffin_shared::money::Account;
use tiffin_shared::nonce;
use tiffin_shared::nonce::Nonce;
use tiffin_shared::order::Order;
use tiffin_shared::order::Read;
use tiffin_shared::reference;
use tiffin_shared::reference::Index;
use tiffin_shared::reference::Reference;
use tiffin_shared::series::Grain;
use tiffin_shared::series::Series;
use tiffin_shared::sign::NONCE_MEMORY_MS;
use tiffin_shared::tally::Tally;
use tiffin_shared::time::DAY_MS;
use tiffin_shared::time::MINUTE_MS;
use tiffin_shared::time::UnixMs;
use tiffin_shared::visitor::Visitor;
use tiffin_shared::webhook::book::Book;
use tiffin_shared::webhook::outbox::Outbox;

use self::common::fixtures::START;
use self::common::host::Host;
use self::common::host::Stored;
use self::common::pause;
use self::subjects::ACCOUNT;
use self::subjects::ADMIN;
use self::subjects::BOOK;
use self::subjects::ESCALATIONS;
use self::subjects::FACTOR;
use self::subjects::FLEET;
use self::subjects::GUARD;
use self::subjects::INDEX;
use self::subjects::LEDGER;
use self::subjects::LOG;
use self::subjects::NONCE;
use self::subjects::ORDER;
use self::subjects::OUTBOX;
use self::subjects::PAGE;
use self::subjects::READ;
use self::subjects::SERIES;
use self::subjects::SHELF;
use self::subjects::Subject;
use self::subjects::TALLY;
use self::subjects::VERDICTS;
use self::subjects::VISITOR;

proptest! {
    #![proptest_config(common::cases(96))]

    #[test]
    fn a_guard_keeps_the_laws(
        kind in common::guard::kind(),
        script in common::guard::script(pause::any(), 1..40),
    ) {
        laws_of_guard(kind, &script);
    }

    #[test]
    fn a_guard_keeps_the_laws_at_the_pace_of_a_burst(
        kind in common::guard::kind(),
        script in common::guard::script(common::guard::pauses(), 1..60),
    ) {
        laws_of_guard(kind, &script);
    }

    #[test]
    fn a_list_of_verdicts_keeps_the_laws(
        script in pause::script(pause::any(), common::guard::set(), 1..60),
    ) {
        let (mut host, mut now) = (Host::default(), START);
        for step in script {
            now = pause::after(now, step.pause);
            let command = step.action.command(now);
            check::<Verdicts>(&VERDICTS, host.stored.as_ref(), &command, now);
            host.ask::<Verdicts>(&command, now);
        }
    }

    #[test]
    fn what_operators_set_keeps_the_laws(script in common::desk::settings(1..40)) {
        let (mut host, mut now) = (Host::default(), START);
        for step in script {
            now = pause::after(now, step.pause);
            let command = common::desk::change(&step.action, host.stored.as_ref());
            check::<Admin>(&ADMIN, host.stored.as_ref(), &command, now);
            host.ask::<Admin>(&command, now);
        }
    }

    #[test]
    fn escalations_keep_the_laws(script in common::desk::escalations(1..60)) {
        let (mut host, mut now) = (Host::default(), START);
        for step in script {
            now = pause::after(now, step.pause);
            check::<Escalations>(&ESCALATIONS, host.stored.as_ref(), &step.action, now);
            host.ask::<Escalations>(&step.action, now);
        }
    }

    #[test]
    fn a_ledger_keeps_the_laws(script in common::ledger::script(pause::any(), 1..40)) {
        let mut world = common::ledger::World::default();
        for step in &script {
            let command = world.next(step);
            check::<Ledger>(&LEDGER, world.host.stored.as_ref(), &command, world.now);
            let reply = world.host.ask::<Ledger>(&command, world.now);
            world.note(&step.action, &reply);
        }
    }

    #[test]
    fn an_order_record_keeps_the_laws(script in common::order::script(pause::any(), 1..40)) {
        laws_of_order(&script);
    }

    #[test]
    fn an_order_record_keeps_the_laws_at_the_pace_of_a_queue(
        script in common::order::script(common::order::pauses(), 1..40),
    ) {
        laws_of_order(&script);
    }

    #[test]
    fn a_factor_keeps_the_laws(script in common::factor::script(common::factor::pauses(), 1..40)) {
        let mut world = common::factor::World::default();
        for step in &script {
            let command = world.next(step);
            check::<Factor>(&FACTOR, world.host.stored.as_ref(), &command, world.now);
            world.play(&command);
        }
    }

    #[test]
    fn a_fleet_keeps_the_laws(script in common::fleet::script(1..80)) {
        let (mut host, mut now) = (Host::default(), START);
        for step in script {
            now = pause::after(now, step.pause);
            check::<Fleet>(&FLEET, host.stored.as_ref(), &step.action, now);
            host.ask::<Fleet>(&step.action, now);
        }
    }

    #[test]
    fn an_account_keeps_the_laws(
        billing in common::money::billings(),
        script in common::money::script(pause::any(), 1..40),
    ) {
        let mut world = common::money::World::new(billing);
        for step in &script {
            let command = world.next(step);
            check::<Account>(&ACCOUNT, world.host.stored.as_ref(), &command, world.now);
            world.play(&command);
        }
    }

    #[test]
    fn a_nonce_keeps_the_laws(pauses in vec(pause::any(), 1..20)) {
        let (mut host, mut now) = (Host::default(), START);
        for pause in pauses {
            now = pause::after(now, pause);
            let command = nonce::Command { keep_ms: NONCE_MEMORY_MS };
            check::<Nonce>(&NONCE, host.stored.as_ref(), &command, now);
            host.ask::<Nonce>(&command, now);
        }
    }

    #[test]
    fn an_index_of_messages_keeps_the_laws(script in vec((pause::any(), 0..4_u8), 1..20)) {
        let (mut host, mut now) = (Host::default(), START);
        for (pause, which) in script {
            now = pause::after(now, pause);
            let order = common::order::header().order;
            let keep = || reference::Command::Keep(Reference { order, n: which.into() });
            let command = if which == 0 { reference::Command::Look } else { keep() };
            check::<Index>(&INDEX, host.stored.as_ref(), &command, now);
            host.ask::<Index>(&command, now);
        }
    }

    #[test]
    fn a_shelf_of_evidence_keeps_the_laws(
        script in vec((pause::any(), prop_oneof![12 => 0..24_u8, 1 => Just(255_u8)]), 1..40),
    ) {
        let (mut host, mut now) = (Host::default(), START);
        for (pause, which) in script {
            now = pause::after(now, pause);
            let command = common::exhibits::command(which, now);
            check::<Shelf>(&SHELF, host.stored.as_ref(), &command, now);
            host.ask::<Shelf>(&command, now);
        }
    }

    #[test]
    fn a_log_keeps_the_laws(script in common::log::script(pause::any(), 1..30)) {
        let (mut host, mut now) = (Host::default(), START);
        let mut pages = Host::default();
        for step in &script {
            now = pause::after(now, step.pause);
            let command = step.action.command();
            check::<Log>(&LOG, host.stored.as_ref(), &command, now);
            if let Some((_, page)) = host.ask::<Log>(&command, now).full {
                check::<Page>(&PAGE, pages.stored.as_ref(), &Some(page.clone()), now);
                check::<Page>(&PAGE, pages.stored.as_ref(), &None, now);
                pages.ask::<Page>(&Some(page), now);
            }
        }
    }

    #[test]
    fn an_endpoints_outbox_keeps_the_laws(script in common::webhook::script(pause::any(), 1..60)) {
        let (mut host, mut now) = (Host::default(), START);
        for step in &script {
            now = pause::after(now, step.pause);
            let command = common::webhook::command(&step.action, &host, now);
            check::<Outbox>(&OUTBOX, host.stored.as_ref(), &command, now);
            host.ask::<Outbox>(&command, now);
        }
    }

    #[test]
    fn a_book_of_endpoints_keeps_the_laws(
        script in pause::script(pause::any(), common::webhook::entry(), 1..30),
    ) {
        let (mut host, mut now) = (Host::default(), START);
        for step in &script {
            now = pause::after(now, step.pause);
            check::<Book>(&BOOK, host.stored.as_ref(), &step.action, now);
            host.ask::<Book>(&step.action, now);
        }
    }

    #[test]
    fn a_tally_keeps_the_laws(script in common::tally::script(pause::any(), 1..60)) {
        let (mut host, mut now) = (Host::default(), START);
        for step in &script {
            now = pause::after(now, step.pause);
            let command = step.action.command(now);
            check::<Tally>(&TALLY, host.stored.as_ref(), &command, now);
            host.ask::<Tally>(&command, now);
        }
    }

    #[test]
    fn a_series_keeps_the_laws(
        script in common::series::script(pause::any(), 1..60),
        grain in prop_oneof![Just(Grain::Minute), Just(Grain::Hour)],
    ) {
        let (mut host, mut now) = (Host::default(), START);
        for step in &script {
            now = pause::after(now, step.pause);
            let command = step.action.command(grain);
            check::<Series>(&SERIES, host.stored.as_ref(), &command, now);
            host.ask::<Series>(&command, now);
        }
    }

    #[test]
    fn a_visitor_keeps_the_laws(script in common::visitor::script(pause::any(), 1..60)) {
        let (mut host, mut now) = (Host::default(), START);
        for step in &script {
            now = pause::after(now, step.pause);
            let command = common::visitor::command(step.action);
            check::<Visitor>(&VISITOR, host.stored.as_ref(), &command, now);
            host.ask::<Visitor>(&command, now);
        }
    }
}

fn laws_of_guard(kind: guard::Kind, script: &[common::guard::Move]) {
    let mut world = common::guard::World::new(kind);
    for step in script {
        let command = world.next(step);
        check::<Guard>(&GUARD, world.host.stored.as_ref(), &command, world.now);
        let reply = world.host.ask::<Guard>(&command, world.now);
        world.note(&reply);
    }
}

fn laws_of_order(script: &[common::order::Move]) {
    let mut world = common::order::World::default();
    for step in script {
        let command = world.next(step);
        check::<Order>(&ORDER, world.host.stored.as_ref(), &command, world.now);
        check::<Read>(&READ, world.host.stored.as_ref(), &(), world.now);
        let reply = world.host.ask::<Order>(&command, world.now);
        world.note(&reply);
    }
}

/// Every law, at this state and this command.
pub fn check<M: Machine>(subject: &Subject<M>, stored: Option<&Stored>, command: &M::Command, now: UnixMs) {
    let run = |body: Option<&str>, now: UnixMs| -> (String, Option<Commit>) {
        let (reply, commit) = machine::run::<M>(body, command, now).unwrap();
        ((subject.show)(&reply), commit)
    };
    let body = stored.map(|stored| stored.commit.body.as_str());

    let first = run(body, now);
    assert_eq!(first, run(body, now), "replay");

    let after = first.1.as_ref().or(stored.map(|stored| &stored.commit));
    if let (Some(after), Some(again_ms)) = (after, (subject.again_ms)(command)) {
        let at = now.plus(again_ms);
        if at < after.expires_at {
            let again = run(Some(&after.body), at).1.map_or(after.body.clone(), |commit| commit.body);
            assert_eq!(again, after.body, "redelivery");
        }
    }

    let Some(Stored { commit, written_at }) = stored else { return };
    for late_ms in [0, 1, MINUTE_MS, 40 * DAY_MS] {
        let at = commit.expires_at.plus(late_ms);
        assert_eq!(run(body, at), run(None, at), "expiry is only housekeeping, {late_ms} ms after it");
    }
    let at_write = run(body, *written_at);
    for early_ms in [1, MINUTE_MS, DAY_MS, u64::MAX] {
        let earlier = written_at.minus(early_ms);
        assert_eq!(run(body, earlier), at_write, "time ran backwards by {early_ms} ms");
    }
    let state: M::State = serde_json::from_str(&commit.body).unwrap();
    assert_eq!(serde_json::to_string(&state).unwrap(), commit.body, "stable bytes");
}
