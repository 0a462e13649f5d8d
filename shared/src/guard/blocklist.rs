//! The verdicts that are in force, as they ride in the directory's snapshot to the edge.
//!
//! It is bounded: [`TENANT_ENTRIES_MAX`] a tenant, so that an attack on one tenant crowds out no other, and
//! [`ENTRIES_MAX`] in all. When it is full the challenge of a prefix that ends first is dropped: its country's challenge
//! stands for it when the attack is broad. A block, and a country's challenge, is never dropped for another; when only
//! such are left the newcomer is refused, and the caller is told so.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use super::Cause;
use super::Level;
use super::Mode;
use super::Standing;
use crate::bytes::Bytes;
use crate::country::Country;
use crate::id::TenantId;
use crate::time::UnixMs;

/// Verdicts in a snapshot: about 70 bytes each, 140 KB, far below the 25 MB of a KV value and quick to read.
pub const ENTRIES_MAX: usize = 2_000;
/// Verdicts of one tenant.
pub const TENANT_ENTRIES_MAX: usize = 500;

/// A keyed hash of (tenant, E.164 number without its last four digits), made at the edge.
pub type PrefixTag = Bytes<8>;

/// Whom a verdict is about, within a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Orders to a country.
    Country(Country),
    /// Guesses at codes.
    Guesses,
    /// Orders to the numbers of a prefix.
    Prefix(PrefixTag),
}

/// A verdict as a list of four, to be short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry(Level, UnixMs, Cause, Mode);

/// What a look-up finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// How to treat the order.
    pub level: Level,
    /// Why, unless it is open.
    pub because: Option<Cause>,
    /// In [`Mode::RecordOnly`] the order passes, and the cause is noted.
    pub mode: Mode,
}

/// One tenant's verdicts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listed {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    prefixes: BTreeMap<PrefixTag, Entry>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    countries: BTreeMap<Country, Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guesses: Option<Entry>,
}

/// What putting a verdict into a list did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// The list is as it was.
    Kept,
    /// It changed.
    Changed,
    /// It changed, and this prefix's challenge made room.
    Dropped(PrefixTag),
    /// It is full of stricter verdicts. Somebody should look.
    Full,
}

/// Every tenant's verdicts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Blocklist(BTreeMap<TenantId, Listed>);

impl Listed {
    /// Sets what stands for a subject; `None` for open. What is over makes room. A milder verdict that arrives late
    /// does not replace a stricter one, nor an earlier end a later one; only open does.
    pub fn put(&mut self, subject: Subject, standing: Option<Standing>, now: UnixMs) -> Put {
        let Some(standing) = standing.filter(|it| it.level > Level::Open) else { return self.take(subject) };
        if standing.until <= now {
            return Put::Kept;
        }
        let Standing { level, until, because, mode } = standing;
        let new = Entry(level, until, because, mode);
        if let Some(old) = self.get(subject).filter(|old| now < old.1) {
            if old == new || (old.0, old.1) > (level, until) {
                return Put::Kept;
            }
            self.insert(subject, new);
            return Put::Changed;
        }
        self.prune(now);
        if self.len() < TENANT_ENTRIES_MAX {
            self.insert(subject, new);
            return Put::Changed;
        }
        let weakest = self.prefixes.iter().filter(|(_, entry)| entry.0 == Level::Challenge);
        let weakest = weakest.min_by_key(|(_, entry)| entry.1).map(|(tag, entry)| (*tag, entry.1));
        let is_weaker =
            |end: UnixMs| matches!(subject, Subject::Prefix(_)) && level < Level::Block && until <= end;
        match weakest.filter(|(_, end)| !is_weaker(*end)) {
            Some((tag, _)) => {
                self.prefixes.remove(&tag);
                self.insert(subject, new);
                Put::Dropped(tag)
            }
            None => Put::Full,
        }
    }

    fn get(&self, subject: Subject) -> Option<Entry> {
        match subject {
            Subject::Country(country) => self.countries.get(&country).copied(),
            Subject::Guesses => self.guesses,
            Subject::Prefix(tag) => self.prefixes.get(&tag).copied(),
        }
    }

    fn insert(&mut self, subject: Subject, entry: Entry) {
        match subject {
            Subject::Country(country) => drop(self.countries.insert(country, entry)),
            Subject::Guesses => self.guesses = Some(entry),
            Subject::Prefix(tag) => drop(self.prefixes.insert(tag, entry)),
        }
    }

    fn take(&mut self, subject: Subject) -> Put {
        let old = match subject {
            Subject::Country(country) => self.countries.remove(&country),
            Subject::Guesses => self.guesses.take(),
            Subject::Prefix(tag) => self.prefixes.remove(&tag),
        };
        if old.is_some() { Put::Changed } else { Put::Kept }
    }

    /// What stands for an order: the stricter of its prefix's and its country's, and what is enforced above what is only
    /// recorded.
    pub fn lookup(&self, tag: PrefixTag, country: Country, now: UnixMs) -> Found {
        let found = [Subject::Prefix(tag), Subject::Country(country)];
        Found::strictest(found.into_iter().filter_map(|subject| self.get(subject)), now)
    }

    /// Each of them, for an operator.
    pub fn all(&self) -> Vec<(Subject, Standing)> {
        let prefixes = self.prefixes.iter().map(|(tag, entry)| (Subject::Prefix(*tag), entry));
        let countries = self.countries.iter().map(|(country, entry)| (Subject::Country(*country), entry));
        let guesses = self.guesses.iter().map(|entry| (Subject::Guesses, entry));
        prefixes
            .chain(countries)
            .chain(guesses)
            .map(|(subject, Entry(level, until, because, mode))| {
                (subject, Standing { level: *level, until: *until, because: *because, mode: *mode })
            })
            .collect()
    }

    /// Takes out what is over.
    pub fn prune(&mut self, now: UnixMs) {
        self.prefixes.retain(|_, entry| now < entry.1);
        self.countries.retain(|_, entry| now < entry.1);
        self.guesses = self.guesses.filter(|entry| now < entry.1);
    }

    /// Verdicts held.
    pub fn len(&self) -> usize {
        self.prefixes.len() + self.countries.len() + usize::from(self.guesses.is_some())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// When the last verdict ends.
    pub fn ends_at(&self) -> Option<UnixMs> {
        let all = self.prefixes.values().chain(self.countries.values()).chain(&self.guesses);
        all.map(|entry| entry.1).max()
    }
}

impl Blocklist {
    /// Puts the tenants' lists together, without what is over. Returns how many challenges of prefixes, those that end first,
    /// had to stay out for [`ENTRIES_MAX`]. Should stricter ones alone be more, all of them stay in.
    pub fn gather(lists: impl IntoIterator<Item = (TenantId, Listed)>, now: UnixMs) -> (Self, usize) {
        let mut all = BTreeMap::new();
        for (tenant, mut list) in lists {
            list.prune(now);
            if !list.is_empty() {
                all.insert(tenant, list);
            }
        }
        let over = all.values().map(Listed::len).sum::<usize>().saturating_sub(ENTRIES_MAX);
        let mut weak: Vec<_> = all
            .iter()
            .flat_map(|(tenant, list)| {
                list.prefixes.iter().map(move |(tag, entry)| (*entry, tenant.clone(), *tag))
            })
            .filter(|(entry, _, _)| entry.0 == Level::Challenge)
            .collect();
        weak.sort_by(|a, b| (a.0.1, &a.1, a.2).cmp(&(b.0.1, &b.1, b.2)));
        weak.truncate(over);
        for (_, tenant, tag) in &weak {
            if let Some(list) = all.get_mut(tenant) {
                list.prefixes.remove(tag);
            }
        }
        (Self(all), weak.len())
    }

    /// What stands for an order of this tenant.
    pub fn lookup(&self, tenant: &TenantId, tag: PrefixTag, country: Country, now: UnixMs) -> Found {
        self.0.get(tenant).map_or_else(Found::nothing, |list| list.lookup(tag, country, now))
    }

    /// One tenant's verdicts.
    pub fn of(&self, tenant: &TenantId) -> Listed {
        self.0.get(tenant).cloned().unwrap_or_default()
    }

    /// What stands for a guess.
    pub fn lookup_guess(&self, tenant: &TenantId, now: UnixMs) -> Found {
        Found::strictest(self.0.get(tenant).and_then(|list| list.guesses).into_iter(), now)
    }

    /// Verdicts held.
    pub fn len(&self) -> usize {
        self.0.values().map(Listed::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Found {
    fn strictest(entries: impl Iterator<Item = Entry>, now: UnixMs) -> Self {
        let alive = entries.filter(|entry| now < entry.1);
        let found = alive.max_by_key(|entry| (entry.3 == Mode::Enforce, entry.0));
        match found {
            Some(Entry(level, _, because, mode)) => Self { level, because: Some(because), mode },
            None => Self::nothing(),
        }
    }

    fn nothing() -> Self {
        Self { level: Level::Open, because: None, mode: Mode::Enforce }
    }
}
