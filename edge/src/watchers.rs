//! Who waits for news of an order at this isolate: how many at once. How many on one order over all isolates, its
//! object counts.

use std::cell::RefCell;

use tiffin_shared::http::Crowd;
use tiffin_shared::http::Front;
use tiffin_shared::http::Peer;
use tiffin_shared::http::Places;
use tiffin_shared::http::Question;
use tiffin_shared::http::Seat;
use tiffin_shared::time::UnixMs;

/// Long polls and streams at one isolate: they cost it some 20 KiB each, of the 128 MiB that the platform gives it.
const WATCHERS_MAX: usize = 1_000;

thread_local! {
    static CROWD: RefCell<Crowd> = const { RefCell::new(Crowd::new()) };
}

/// A place to wait, until dropped. The platform may forget a request whose client went away without dropping it: then
/// the place is free when its time is over.
pub struct Place(Seat);

impl Drop for Place {
    fn drop(&mut self) {
        CROWD.with_borrow_mut(|crowd| crowd.leave(self.0));
    }
}

/// Whether a question waits for news.
pub enum Waits {
    /// It does not, or it has its place.
    Not,
    /// It would, and there is no place.
    Full,
    /// It does.
    Seated(Place),
}

impl Waits {
    /// Takes a place where the question needs one.
    pub fn of(front: &Front, question: &Question, peer: Peer, now: UnixMs) -> Self {
        let Question::Ledger { hold: Some(hold), .. } = question else { return Self::Not };
        let enter = |places: Places| CROWD.with_borrow_mut(|crowd| crowd.enter(&places, hold.until(), now));
        let seat = front.places(question, peer, WATCHERS_MAX).and_then(enter);
        seat.map_or(Self::Full, |seat| Self::Seated(Place(seat)))
    }

    /// For a stream, which has its place from one question to the next.
    pub fn again(self, front: &Front, question: &Question, peer: Peer, now: UnixMs) -> Self {
        let (Self::Seated(mut place), Question::Ledger { hold: Some(hold), .. }) = (self, question) else {
            return Self::of(front, question, peer, now);
        };
        match CROWD.with_borrow_mut(|crowd| crowd.stay(place.0, hold.until())) {
            Some(seat) => {
                place.0 = seat;
                Self::Seated(place)
            }
            None => Self::of(front, question, peer, now),
        }
    }
}
