//! Sign-ins at the console, and attempts to.

use proptest::collection::vec;
use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prop_oneof;
use proptest::proptest;
use tiffin_shared::operator::Attempts;
use tiffin_shared::operator::Command;
use tiffin_shared::operator::Session;
use tiffin_shared::operator::SignedIn;
use tiffin_shared::operator::TokenDigest;

use crate::check;
use crate::common;
use crate::common::fixtures::START;
use crate::common::host::Host;
use crate::common::pause;
use crate::subjects::Subject;

const SESSION: Subject<Session> = Subject {
    show: |reply| format!("{reply:?}"),
    // A use a minute later is another one.
    again_ms: |_| Some(0),
};

const ATTEMPTS: Subject<Attempts> = Subject {
    show: |reply| format!("{reply:?}"),
    // Each is one more.
    again_ms: |()| None,
};

fn command() -> impl Strategy<Value = Command> {
    let who = |n: u8| SignedIn { name: format!("operator {n}"), digest: TokenDigest::of(&n.to_string()) };
    prop_oneof![
        2 => (0..2_u8).prop_map(move |n| Command::Begin(who(n))),
        8 => Just(Command::Use),
        2 => Just(Command::Look),
        1 => Just(Command::End),
    ]
}

proptest! {
    #![proptest_config(common::cases(96))]

    #[test]
    fn a_sign_in_keeps_the_laws(script in pause::script(pause::any(), command(), 1..40)) {
        let (mut host, mut now) = (Host::default(), START);
        for step in script {
            now = pause::after(now, step.pause);
            check::<Session>(&SESSION, host.stored.as_ref(), &step.action, now);
            host.ask::<Session>(&step.action, now);
        }
    }

    #[test]
    fn attempts_to_sign_in_keep_the_laws(pauses in vec(pause::any(), 1..60)) {
        let (mut host, mut now) = (Host::default(), START);
        for pause in pauses {
            now = pause::after(now, pause);
            check::<Attempts>(&ATTEMPTS, host.stored.as_ref(), &(), now);
            let _ = host.ask::<Attempts>(&(), now);
        }
    }
}
