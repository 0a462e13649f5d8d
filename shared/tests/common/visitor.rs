//! Scripts for what one client network asks.

use std::ops::Range;

use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prop_oneof;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::challenge::Nonce;
use tiffin_shared::visitor::Ask;
use tiffin_shared::visitor::Command;
use tiffin_shared::visitor::Request;
use tiffin_shared::visitor::VisitorLimits;

use super::pause;
use super::pause::Pause;

pub type Move = pause::Move<Ask>;

pub fn script(pauses: impl Strategy<Value = Pause>, moves: Range<usize>) -> impl Strategy<Value = Vec<Move>> {
    pause::script(pauses, ask(), moves)
}

fn ask() -> impl Strategy<Value = Ask> {
    let request = || {
        let id = prop_oneof![4 => 0..2_000_u16, 1 => 0..4_u16];
        (id, proptest::bool::weighted(0.3))
            .prop_map(|(id, solved)| Request { known_to_site: false, ..request(id, solved) })
    };
    let asked = prop_oneof![4 => request().prop_map(Ask::Order), 1 => request().prop_map(Ask::Guess)];
    let how = prop_oneof![8 => Just(Some(false)), 1 => Just(Some(true)), 1 => Just(None)];
    (asked, how).prop_map(|(ask, how)| match how {
        Some(false) => ask.known_to_site(),
        Some(true) => ask.known_to_site().unproven(),
        None => ask,
    })
}

pub fn request(nth: u16, solved: bool) -> Request {
    let mut id = [0; 16];
    id[..2].copy_from_slice(&nth.to_be_bytes());
    let solved = solved.then_some(Nonce(Bytes(id)));
    Request { id: Bytes(id), solved, known_to_site: true, unproven: false }
}

pub fn command(ask: Ask) -> Command {
    Command { limits: VisitorLimits::default(), ask }
}
