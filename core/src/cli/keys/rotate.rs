//! Rotation of rings. The private ring is written first: it alone says which keys there are, and the public ring
//! is made to follow it, so a command that was cut short is finished by the next one.

use std::path::Path;

use anyhow::Context;
use tiffin_shared::id::KeyId;

use super::Kind;
use super::env_text;
use super::folder::Folder;
use super::kinds::Place;
use super::kinds::Rotation;
use super::ring;
use super::ring::Keys;
use super::ring::State;
use super::say;
use super::since;
use crate::host;

/// A kind's rings as the files have them.
pub struct Rings {
    rotation: Rotation,
    private: Keys,
    public: Option<Keys>,
}

/// Adds a fresh key behind the others.
pub fn stage(dir: &Path, kind: Kind) -> anyhow::Result<()> {
    let folder = Folder::open(dir)?;
    let mut rings = Rings::read(&folder, kind)?;
    let id = rings.next_id();
    rings.private.stage(id.clone(), host::random()?)?;
    let files = rings.write(&folder)?;
    let kind = kind.name();
    say(&format!("{kind}: {id} is staged in {files}; {} stays in use", rings.in_use()));
    say(&format!("next: load {files} into every process that reads it, then `tiffin keys promote {kind}`"));
    Ok(())
}

/// Puts the newest staged key, or the one that is named, in front.
pub fn promote(dir: &Path, kind: Kind, id: Option<&KeyId>) -> anyhow::Result<()> {
    let folder = Folder::open(dir)?;
    let mut rings = Rings::read(&folder, kind)?;
    let before = rings.in_use().to_owned();
    let id = rings.private.promote(id)?;
    let files = rings.write(&folder)?;
    // After the keys: what is told of them must not come before them.
    if before != id.as_str() {
        since::note(&folder, &[kind])?;
    }
    say(&format!("{}: {id} is in use in {files}; the others are still accepted", kind.name()));
    say(&format!(
        "next: load {files} into every process that reads it. `tiffin keys retire {}` once {}",
        kind.name(),
        kind.wait()
    ));
    Ok(())
}

/// Removes the old keys, or the one that is named.
pub fn retire(dir: &Path, kind: Kind, id: Option<&KeyId>) -> anyhow::Result<()> {
    let folder = Folder::open(dir)?;
    let mut rings = Rings::read(&folder, kind)?;
    let retired = rings.private.to_retire(id)?;
    for id in &retired {
        let only_public = rings.public.as_mut().is_some_and(|public| {
            let known = public.states().any(|(known, _)| known == id);
            public.forget(id);
            known
        });
        match rings.private.retire(id) {
            // Another's public key, or what a command that was cut short left behind.
            Err(ring::Error::Unknown(_)) if only_public => {}
            answer => answer?,
        }
    }
    let files = rings.write(&folder)?;
    let names: Vec<_> = retired.iter().map(KeyId::as_str).collect();
    say(&format!("{}: {} removed from {files}; {} is in use", kind.name(), names.join(", "), rings.in_use()));
    say(&format!("wait: load {files} only once {}", kind.wait()));
    Ok(())
}

impl Rings {
    /// Reads a kind's rings; API keys have none.
    pub fn read(folder: &Folder, kind: Kind) -> anyhow::Result<Self> {
        let rotation = kind.rotation().context("API keys have no order: all of them are in use")?;
        let private = ring(folder, rotation.private)?;
        let public = rotation.public.map(|(place, _)| ring(folder, place)).transpose()?;
        Ok(Self { rotation, private, public })
    }

    /// Each key of the private ring, and how far it has come.
    pub fn states(&self) -> impl Iterator<Item = (&KeyId, State)> {
        self.private.states()
    }

    /// What is wrong with the pair.
    pub fn problem(&self) -> Option<String> {
        let (place, derive) = self.rotation.public?;
        let known = self.public.as_ref()?;
        match self.private.public(known, derive) {
            Err(error) => Some(format!("{}: {error}", place.name)),
            Ok(_) => self.private.missing_in(known).map(|id| {
                format!("{} in {} lacks {id}: staging or promoting a key mends it", place.name, place.file)
            }),
        }
    }

    fn next_id(&self) -> KeyId {
        let ids = [Some(&self.private), self.public.as_ref()].into_iter().flatten().map(Keys::next_id);
        // The longer one counts higher: both are `k` and a number.
        ids.max_by_key(|id| (id.as_str().len(), id.clone())).unwrap_or_else(|| self.private.next_id())
    }

    fn in_use(&self) -> &str {
        self.private.states().next().map_or("none", |(id, _)| id.as_str())
    }

    /// Writes both rings. Names the files.
    fn write(&self, folder: &Folder) -> anyhow::Result<String> {
        let public = match (self.rotation.public, &self.public) {
            (Some((place, derive)), Some(known)) => Some((place, self.private.public(known, derive)?)),
            _ => None,
        };
        write_ring(folder, self.rotation.private, &self.private)?;
        let Some((place, public)) = public else { return Ok(self.rotation.private.file.to_owned()) };
        write_ring(folder, place, &public)?;
        Ok(format!("{} and {}", self.rotation.private.file, place.file))
    }
}

/// The variable's value; says what to do where it is not set in the file itself.
pub fn variable(folder: &Folder, place: Place) -> anyhow::Result<Option<String>> {
    let text = folder.read(place.file)?;
    let value = env_text::get(&text, place.name).with_context(|| folder.place(place.file))?;
    let file_name = format!("{}_FILE", place.name);
    if value.is_none() && env_text::get(&text, &file_name)?.is_some() {
        anyhow::bail!(
            "{}: {file_name} names another file, which this command does not change: put the value into {} for it",
            folder.place(place.file),
            place.name
        );
    }
    Ok(value)
}

fn ring(folder: &Folder, place: Place) -> anyhow::Result<Keys> {
    let at = || format!("{}: {}", folder.place(place.file), place.name);
    let text = variable(folder, place)?.with_context(|| {
        format!("{} is not set there. `tiffin keys make --missing` adds rings that are new", at())
    })?;
    Keys::parse(&text).with_context(at)
}

fn write_ring(folder: &Folder, place: Place, ring: &Keys) -> anyhow::Result<()> {
    let text = env_text::set(&folder.read(place.file)?, place.name, &ring.text())?;
    folder.write(place.file, &text)
}
