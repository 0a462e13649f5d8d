//! What happens to a ring as it is rotated. Pure: keys come in as bytes, and go out as text.
//!
//! New keys are named `k<number>`, counting up, so that the names tell staged keys from old ones: a key numbered above
//! the one in use was never used yet.

use std::cell::RefCell;

use serde::Serialize;
use tiffin_shared::bytes;
use tiffin_shared::id::KeyId;
use tiffin_shared::keys;
use tiffin_shared::keys::RING_KEYS_MAX;
use tiffin_shared::keys::Ring;

/// A ring cannot be changed so. Never repeats a key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It does not parse.
    #[error(transparent)]
    Ring(#[from] keys::Error),
    /// No room.
    #[error("the ring holds {RING_KEYS_MAX} keys, the most there may be: retire old ones first")]
    Full,
    /// Nothing is newer than the key in use.
    #[error("no key is staged: stage one first, or name the key with --id")]
    NothingStaged,
    /// Nothing is older than the key in use.
    #[error("no key is old: promote a staged one first, or name the key with --id")]
    NothingOld,
    /// No key of that name.
    #[error("the ring has no key {0}")]
    Unknown(KeyId),
    /// It must not go.
    #[error("{0} is in use: promote another key first")]
    InUse(KeyId),
    /// The two rings of a pair disagree about a key.
    #[error("the public key {0} does not belong to the private key of that name")]
    Mismatch(KeyId),
}

/// How far a key has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// First of its ring.
    InUse,
    /// Known everywhere once it is deployed, used nowhere yet.
    Staged,
    /// Used before; what it made may be alive.
    Old,
}

/// A ring's keys in order. No `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Keys(Vec<(KeyId, [u8; 32])>);

impl Keys {
    /// Reads `id:key,id:key` just as the processes do.
    pub fn parse(text: &str) -> Result<Self, keys::Error> {
        let read = RefCell::new(Vec::new());
        Ring::parse(text, |id, key| {
            read.borrow_mut().push((id.clone(), key));
            Ok(())
        })?;
        Ok(Self(read.into_inner()))
    }

    /// A ring of one key, named `k1`.
    pub fn first(key: [u8; 32]) -> Result<Self, Error> {
        let mut ring = Self::default();
        let id = ring.next_id();
        ring.stage(id, key)?;
        Ok(ring)
    }

    /// As it stands in the environment.
    pub fn text(&self) -> String {
        let keys: Vec<_> = self.0.iter().map(|(id, key)| format!("{id}:{}", bytes::encode(key))).collect();
        keys.join(",")
    }

    /// Each key's name, and how far it has come.
    pub fn states(&self) -> impl Iterator<Item = (&KeyId, State)> {
        let in_use = self.0.first().map_or(0, |(id, _)| number(id));
        self.0.iter().enumerate().map(move |(at, (id, _))| match number(id) {
            _ if at == 0 => (id, State::InUse),
            number if number > in_use => (id, State::Staged),
            _ => (id, State::Old),
        })
    }

    /// A name above all that are here.
    pub fn next_id(&self) -> KeyId {
        let highest = self.0.iter().map(|(id, _)| number(id)).max().unwrap_or(0);
        match KeyId::parse(&format!("k{}", u64::from(highest) + 1)) {
            Ok(id) => id,
            Err(_) => unreachable!("a letter and digits are a name"),
        }
    }

    /// Puts a fresh key last: accepted, and not in use.
    pub fn stage(&mut self, id: KeyId, key: [u8; 32]) -> Result<(), Error> {
        if self.0.len() == RING_KEYS_MAX {
            return Err(Error::Full);
        }
        self.0.push((id, key));
        Ok(())
    }

    /// Puts a key first: the newest staged one, or the one that is named. Says which.
    pub fn promote(&mut self, id: Option<&KeyId>) -> Result<KeyId, Error> {
        let staged = || {
            let staged = self.states().filter(|(_, state)| *state == State::Staged);
            staged.map(|(id, _)| id.clone()).max_by_key(number).ok_or(Error::NothingStaged)
        };
        let id = id.map_or_else(staged, |id| Ok(id.clone()))?;
        let at = self.0.iter().position(|(known, _)| *known == id);
        let key = self.0.remove(at.ok_or_else(|| Error::Unknown(id.clone()))?);
        self.0.insert(0, key);
        Ok(id)
    }

    /// Names of the old keys, or the one name that is given.
    pub fn to_retire(&self, id: Option<&KeyId>) -> Result<Vec<KeyId>, Error> {
        if let Some(id) = id {
            return Ok(vec![id.clone()]);
        }
        let old = self.states().filter(|(_, state)| *state == State::Old);
        let old: Vec<_> = old.map(|(id, _)| id.clone()).collect();
        if old.is_empty() { Err(Error::NothingOld) } else { Ok(old) }
    }

    /// Removes a key; the one in use stays.
    pub fn retire(&mut self, id: &KeyId) -> Result<(), Error> {
        match self.0.iter().position(|(known, _)| known == id) {
            Some(0) => Err(Error::InUse(id.clone())),
            Some(at) => {
                self.0.remove(at);
                Ok(())
            }
            None => Err(Error::Unknown(id.clone())),
        }
    }

    /// Forgets a key, wherever it stands and whether it is there or not.
    pub fn forget(&mut self, id: &KeyId) {
        self.0.retain(|(known, _)| known != id);
    }

    /// The name of the first key that `other` does not have.
    pub fn missing_in(&self, other: &Self) -> Option<&KeyId> {
        self.0.iter().map(|(id, _)| id).find(|id| other.get(id).is_none())
    }

    /// The public ring of this private one: its own keys' public halves in the same order, then those that `public` knows
    /// besides, such as another edge's. So a ring that a crash left behind is mended by the next command.
    pub fn public(
        &self,
        public: &Self,
        derive: impl Fn(&KeyId, [u8; 32]) -> Result<[u8; 32], keys::Error>,
    ) -> Result<Self, Error> {
        let mut out = Self::default();
        for (id, key) in &self.0 {
            let derived = derive(id, *key)?;
            if public.get(id).is_some_and(|known| *known != derived) {
                return Err(Error::Mismatch(id.clone()));
            }
            out.stage(id.clone(), derived)?;
        }
        for (id, key) in &public.0 {
            if out.get(id).is_none() {
                out.stage(id.clone(), *key)?;
            }
        }
        Ok(out)
    }

    fn get(&self, id: &KeyId) -> Option<&[u8; 32]> {
        self.0.iter().find(|(known, _)| known == id).map(|(_, key)| key)
    }
}

/// Of `k12`, 12; of a name that was not made here, 0: such a key counts as older than any.
fn number(id: &KeyId) -> u32 {
    id.as_str().strip_prefix('k').and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
