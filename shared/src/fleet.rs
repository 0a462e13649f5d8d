//! Which worker processes are alive, and which of them works on which partition.
//!
//! RabbitMQ makes the consumer that registered first the active one, and those that come later idle. So the workers agree
//! among themselves: each beats, each reads who else does, and all compute the same [`owners`] from the same list. Nothing
//! depends on two of them seeing the same list: at most one is active at the broker, whoever it is.
//!
//! A missing state means that nobody has beaten yet. Losing it costs one beat of every member, in which shares change
//! hands needlessly.

use serde::Deserialize;
use serde::Serialize;

use crate::bytes;
use crate::bytes::Bytes;
use crate::machine::Machine;
use crate::machine::Step;
use crate::machine::Write;
use crate::time::SECOND_MS;
use crate::time::UnixMs;

/// How often a member beats: a new one has its share after two of them.
pub const BEAT_MS: u64 = 2 * SECOND_MS;
/// How long a beat counts: four may be lost.
pub const TTL_MS: u64 = 10 * SECOND_MS;
/// Members at once: as many as there may be partitions, about 3 KB. One more is a stand-by that owns nothing.
pub const MEMBERS_MAX: usize = 64;

/// A process, from its start to its end.
pub type MemberId = Bytes<16>;

/// The machine.
pub enum Fleet {}

/// Who beat lately.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The latest time seen: an earlier one is read as this one.
    clock: UnixMs,
    /// By id.
    members: Vec<Member>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Member {
    id: MemberId,
    beat_at: UnixMs,
}

/// What a process says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// It works.
    Beat {
        /// Which.
        id: MemberId,
    },
    /// It stops: its share is to be had at once.
    Leave {
        /// Which.
        id: MemberId,
    },
}

impl Machine for Fleet {
    type State = State;
    type Command = Command;
    /// Who is alive, by id.
    type Reply = Vec<MemberId>;

    fn step(state: Option<State>, command: &Command, now: UnixMs) -> Step<State, Vec<MemberId>> {
        let mut state = state.unwrap_or_default();
        let now = now.max(state.clock);
        state.members.retain(|member| now < member.beat_at.plus(TTL_MS));
        let found = |state: &State, id: &MemberId| state.members.binary_search_by(|member| member.id.cmp(id));
        let is_changed = match command {
            Command::Beat { id } => match found(&state, id) {
                Ok(at) => state.members.get_mut(at).is_some_and(|member| {
                    member.beat_at = now;
                    true
                }),
                Err(at) if state.members.len() < MEMBERS_MAX => {
                    state.members.insert(at, Member { id: *id, beat_at: now });
                    true
                }
                Err(_) => false,
            },
            Command::Leave { id } => found(&state, id).is_ok_and(|at| {
                state.members.remove(at);
                true
            }),
        };
        let reply = state.members.iter().map(|member| member.id).collect();
        if !is_changed {
            return Step::keep(reply);
        }
        state.clock = now;
        let latest = state.members.iter().map(|member| member.beat_at).max().unwrap_or(now);
        let expires_at = latest.plus(TTL_MS);
        Step { reply, write: Write::Put { state, expires_at, wake_at: None } }
    }
}

/// The owner of each partition: its favourite by rendezvous hashing among those whose share is not full. No share is larger
/// than partitions ÷ members, rounded up. Empty without members.
pub fn owners(members: &[MemberId], partitions: u16) -> Vec<MemberId> {
    if members.is_empty() {
        return Vec::new();
    }
    let share_max = usize::from(partitions).div_ceil(members.len());
    let mut shares = vec![0; members.len()];
    let mut owners = Vec::with_capacity(usize::from(partitions));
    for partition in 0..partitions {
        let open = members.iter().zip(&mut shares).filter(|(_, share)| **share < share_max);
        if let Some((owner, share)) = open.max_by_key(|(member, _)| (affinity(member, partition), **member)) {
            *share += 1;
            owners.push(*owner);
        }
    }
    owners
}

fn affinity(member: &MemberId, partition: u16) -> [u8; 32] {
    bytes::sha256(&bytes::prefixed(&[&member.0, &partition.to_be_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(n: u8) -> MemberId {
        Bytes([n; 16])
    }

    fn beat(state: Option<State>, n: u8, at: u64) -> (Vec<MemberId>, Option<State>) {
        let step = Fleet::step(state, &Command::Beat { id: member(n) }, UnixMs(at));
        match step.write {
            Write::Keep => (step.reply, None),
            Write::Put { state, .. } => (step.reply, Some(state)),
        }
    }

    #[test]
    fn who_does_not_beat_for_ten_seconds_is_gone() {
        let (_, state) = beat(None, 1, 0);
        let (alive, state) = beat(state, 2, 9_999);
        assert_eq!(alive, [member(1), member(2)]);
        let (alive, _) = beat(state, 2, 10_000);
        assert_eq!(alive, [member(2)]);
    }

    #[test]
    fn who_leaves_is_gone_at_once() {
        let (_, state) = beat(None, 1, 0);
        let step = Fleet::step(state, &Command::Leave { id: member(1) }, UnixMs(1));
        assert_eq!(step.reply, []);
    }

    #[test]
    fn a_sixty_fifth_member_is_a_stand_by() {
        let mut state = None;
        for n in 0..64 {
            state = beat(state, n, u64::from(n)).1;
        }
        let (alive, written) = beat(state, 64, 64);
        assert_eq!((alive.len(), alive.contains(&member(64)), written), (64, false, None));
    }

    #[test]
    fn no_share_is_above_the_mean_rounded_up_and_every_partition_has_an_owner() {
        for partitions in [1, 2, 7, 8, 16, 63, 64] {
            for count in 1..=64 {
                let members: Vec<_> = (0..count).map(member).collect();
                let owners = owners(&members, partitions);
                assert_eq!(owners.len(), usize::from(partitions));
                let share = |id: &MemberId| owners.iter().filter(|owner| *owner == id).count();
                let largest = members.iter().map(share).max().unwrap_or(0);
                assert!(largest <= usize::from(partitions).div_ceil(members.len()), "{partitions} {count}");
            }
        }
        assert!(owners(&[], 8).is_empty());
    }

    #[test]
    fn few_partitions_move_that_did_not_have_to() {
        let mut moved = 0;
        for gone in 0..8_u8 {
            let all: Vec<_> = (0..8).map(member).collect();
            let rest: Vec<_> = all.iter().copied().filter(|id| *id != member(gone)).collect();
            let (before, after) = (owners(&all, 64), owners(&rest, 64));
            let pairs = before.iter().zip(&after);
            moved += pairs.filter(|(old, new)| **old != member(gone) && old != new).count();
        }
        // Of 8 × 56 that could have stayed.
        assert!(moved < 8 * 56 / 3, "{moved} moved");
    }

    #[test]
    fn the_order_of_the_list_does_not_matter() {
        let mut members: Vec<_> = (0..9).map(member).collect();
        let before = owners(&members, 64);
        members.reverse();
        assert_eq!(owners(&members, 64), before);
    }
}
