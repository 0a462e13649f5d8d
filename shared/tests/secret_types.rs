//! Secrets have no way of being printed: a `{:?}` of one must not compile, and these types say so without a compiler run.

use std::fmt::Debug;
use std::fmt::Display;
use std::marker::PhantomData;

use tiffin_shared::code::Code;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::factor;
use tiffin_shared::factor::FactorKey;
use tiffin_shared::factor::totp::Seed;
use tiffin_shared::id::KeyId;
use tiffin_shared::keys::ChallengeKey;
use tiffin_shared::keys::IndexKey;
use tiffin_shared::keys::Pepper;
use tiffin_shared::keys::Ring;
use tiffin_shared::keys::Signing;
use tiffin_shared::ledger;
use tiffin_shared::seal::PrivateKey;
use tiffin_shared::seal::Sealer;
use tiffin_shared::secret::Secret;
use tiffin_shared::vault;
use tiffin_shared::webhook;
use tiffin_shared::webhook::HookKey;
use tiffin_shared::wire::api;
use tiffin_shared::wire::job::Private;

struct Printed<T>(PhantomData<T>);
struct Shown<T>(PhantomData<T>);

/// Where the trait below has nothing to say.
trait Not {
    const IS: bool = false;
}

impl<T> Not for Printed<T> {}
impl<T> Not for Shown<T> {}

/// An inherent constant wins over a trait's, where its bound holds.
impl<T: Debug> Printed<T> {
    const IS: bool = true;
}

impl<T: Display> Shown<T> {
    const IS: bool = true;
}

macro_rules! printable {
    ($($type:ty),* $(,)?) => {
        vec![$((stringify!($type), Printed::<$type>::IS, Shown::<$type>::IS)),*]
    };
}

#[test]
fn no_secret_can_be_printed() {
    let secrets = printable![
        ChallengeKey,
        Code,
        Entropy,
        FactorKey,
        HookKey,
        IndexKey,
        Pepper,
        PrivateKey,
        Ring<Pepper>,
        Sealer,
        Secret<String>,
        Secret<[u8; 32]>,
        Seed,
        Signing,
        vault::Key,
        webhook::Key,
    ];
    // What holds one, on its way.
    let holders = printable![
        Private,
        api::CreateOrder,
        api::Verify,
        factor::Ask,
        factor::Command,
        factor::Verify,
        ledger::Ask,
        ledger::Command,
        ledger::Create,
        ledger::Event,
        ledger::Keys,
        ledger::Verify,
    ];
    for (name, is_debug, is_display) in secrets.into_iter().chain(holders) {
        assert!(!is_debug, "{name} has Debug");
        assert!(!is_display, "{name} has Display");
    }
}

/// The ruler above tells one from the other.
#[test]
fn what_is_no_secret_can_be_printed() {
    assert_eq!(printable![KeyId, Vec<u8>], [("KeyId", true, true), ("Vec<u8>", true, false)]);
}
