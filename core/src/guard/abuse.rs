//! What the guards stop and watch, for operators; and letting it go.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

use futures::StreamExt;
use futures::TryStreamExt;
use futures::stream;
use serde::Serialize;
use tiffin_shared::bytes;
use tiffin_shared::bytes::Bytes;
use tiffin_shared::guard::Ask;
use tiffin_shared::guard::Grounds;
use tiffin_shared::guard::Kind;
use tiffin_shared::guard::Level;
use tiffin_shared::guard::Mode;
use tiffin_shared::guard::Rates;
use tiffin_shared::guard::Reply;
use tiffin_shared::guard::Standing;
use tiffin_shared::guard::blocklist::ENTRIES_MAX;
use tiffin_shared::guard::blocklist::PrefixTag;
use tiffin_shared::guard::blocklist::Put;
use tiffin_shared::guard::blocklist::Subject;
use tiffin_shared::guard::verdicts;
use tiffin_shared::guard::verdicts::Verdicts;
use tiffin_shared::id::TenantId;
use tiffin_shared::time::UnixMs;

use super::Countries;
use super::consult::apply;
use super::consult::consult;
use super::watched::Watched;
use super::watched::What;
use crate::app::App;
use crate::host;
use crate::store;
use crate::store::Key;
use crate::store::Space;

/// Verdicts of one answer: blocks first, then those that end last.
const VERDICTS_MAX: usize = 200;
/// Watched things of one answer: more than a person looks through.
const WATCHED_MAX: usize = 50;
/// Guards that are listed: each verdict has one, and as many again that have none.
const GUARDS_MAX: usize = 2 * ENTRIES_MAX;
/// Guards without a verdict that are read, those that are judged next first.
const READ_MAX: usize = 500;
/// Guards, or tenants' lists, read at once.
const READS: usize = 16;
/// Before the tag of a prefix whose guard is gone: its country is no longer known.
const NOWHERE: &str = "-";

/// What is stopped, and what is watched.
#[derive(Serialize)]
pub struct Board {
    verdicts: Vec<Verdict>,
    watched: Vec<Suspect>,
}

#[derive(Serialize)]
struct Verdict {
    tenant: TenantId,
    /// To be sent back for the release.
    subject: String,
    label: String,
    verdict: Level,
    /// Whether the edge acts on it.
    enforced: bool,
    /// Null where what led to it is not known.
    why: Option<String>,
    since: Option<UnixMs>,
    until: UnixMs,
}

#[derive(Serialize)]
struct Suspect {
    tenant: TenantId,
    subject: String,
    label: String,
    /// Orders of the last ten minutes; of guesses all.
    sent: u32,
    /// Of them verified; of guesses the right ones.
    verified: u32,
    unverified_permille: Option<u32>,
    /// The seven days before today; null where there is no past.
    baseline_permille: Option<u32>,
    /// How orders are treated, or would be if verdicts were not only recorded; null where nothing stands.
    verdict: Option<Level>,
}

/// Something of a tenant's that an operator names.
#[derive(Clone, Copy)]
pub enum Named {
    /// It has a guard.
    Watched(What),
    /// Only its verdict is known.
    Listed(PrefixTag),
}

impl Named {
    /// Reads what [`Board`] told.
    pub fn parse(tenant: &TenantId, text: &str) -> Option<Self> {
        if let Some(tag) = text.strip_prefix(NOWHERE).and_then(|rest| rest.strip_prefix('/')) {
            return Some(Self::Listed(Bytes(bytes::decode_array(tag)?)));
        }
        Watched::parse(&format!("{tenant}/{text}")).map(|watched| Self::Watched(watched.what))
    }

    fn subject(self) -> Subject {
        match self {
            Self::Watched(what) => what.subject(),
            Self::Listed(tag) => Subject::Prefix(tag),
        }
    }

    fn label(self) -> String {
        match self {
            Self::Watched(What::Country(country)) => format!("country {country}"),
            Self::Watched(What::Guesses) => "guesses".to_owned(),
            Self::Watched(What::Prefix(country, tag)) => format!("prefix {}…, {country}", short(tag)),
            Self::Listed(tag) => format!("prefix {}…", short(tag)),
        }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Watched(what) => what.fmt(f),
            Self::Listed(tag) => write!(f, "{NOWHERE}/{}", bytes::encode(&tag.0)),
        }
    }
}

/// A keyed hash; its beginning tells two of a page apart.
fn short(tag: PrefixTag) -> String {
    bytes::encode(&tag.0).chars().take(6).collect()
}

/// Looks at the lists of all tenants, and at the guards that the store is to wake: those have a verdict, or enough orders of
/// the last ten minutes to be judged.
pub async fn board(app: &App) -> Result<Board, store::Error> {
    let due = app.store.due(Space::Guard, UnixMs(u64::MAX), GUARDS_MAX).await?;
    let guards: Vec<Watched> = due.iter().filter_map(|due| Watched::parse(due.key.id())).collect();
    let known: BTreeMap<(&TenantId, Subject), What> =
        guards.iter().map(|watched| ((&watched.tenant, watched.what.subject()), watched.what)).collect();
    let mut standing = listed(app).await?;
    standing.sort_by_key(|(_, (_, standing))| Reverse((standing.level, standing.until)));
    standing.truncate(VERDICTS_MAX);
    let verdicts = stream::iter(standing).map(|(tenant, (subject, standing))| {
        let what = match subject {
            Subject::Country(country) => Some(What::Country(country)),
            Subject::Guesses => Some(What::Guesses),
            Subject::Prefix(_) => known.get(&(&tenant, subject)).copied(),
        };
        verdict(app, tenant, subject, what, standing)
    });
    let read: Vec<Watched> = guards.iter().take(READ_MAX).cloned().collect();
    let watched = stream::iter(read).map(|watched| suspect(app, watched));
    let mut watched: Vec<Suspect> =
        watched.buffered(READS).try_filter_map(|found| async { Ok(found) }).try_collect().await?;
    watched.sort_by_key(|suspect| {
        Reverse((suspect.verdict, suspect.sent.saturating_sub(suspect.verified), suspect.sent))
    });
    watched.truncate(WATCHED_MAX);
    Ok(Board { verdicts: verdicts.buffered(READS).try_collect().await?, watched })
}

/// The lists of all tenants.
async fn listed(app: &App) -> Result<Vec<(TenantId, (Subject, Standing))>, store::Error> {
    let tenants: Vec<TenantId> = app.directory.current().tenants.keys().cloned().collect();
    let lists = stream::iter(tenants).map(|tenant| async move {
        let key = Key::verdicts(&tenant);
        let reply = app.store.apply::<Verdicts>(&key, &verdicts::Command::List, host::now()).await?;
        let all = reply.list.all().into_iter().map(|found| (tenant.clone(), found));
        Ok::<Vec<_>, store::Error>(all.collect())
    });
    lists.buffered(READS).try_concat().await
}

async fn verdict(
    app: &App,
    tenant: TenantId,
    subject: Subject,
    what: Option<What>,
    standing: Standing,
) -> Result<Verdict, store::Error> {
    let named = match (what, subject) {
        (Some(what), _) => Named::Watched(what),
        (None, Subject::Prefix(tag)) => Named::Listed(tag),
        (None, Subject::Country(country)) => Named::Watched(What::Country(country)),
        (None, Subject::Guesses) => Named::Watched(What::Guesses),
    };
    let grounds: Option<Grounds> = match named {
        Named::Watched(what) => {
            let watched = Watched { tenant: tenant.clone(), what };
            look(app, &watched).await?.and_then(|reply| reply.grounds)
        }
        Named::Listed(_) => None,
    };
    Ok(Verdict {
        tenant,
        subject: named.to_string(),
        label: named.label(),
        verdict: standing.level,
        enforced: standing.mode == Mode::Enforce,
        why: grounds.map(|grounds| grounds.why(standing.because)),
        since: grounds.map(|grounds| grounds.since),
        until: standing.until,
    })
}

/// Nothing where nothing happened of late.
async fn suspect(app: &App, watched: Watched) -> Result<Option<Suspect>, store::Error> {
    let Some(Reply { verdict, figures, .. }) = look(app, &watched).await? else { return Ok(None) };
    let (recent, past) = match watched.what.kind() {
        Kind::Guesses => {
            let sends = figures.right_guesses.saturating_add(figures.wrong_guesses);
            (Rates { sends, verified: figures.right_guesses }, Rates::default())
        }
        Kind::Country | Kind::Prefix => (figures.recent, figures.past),
    };
    let named = Named::Watched(watched.what);
    Ok((recent.sends > 0).then(|| Suspect {
        tenant: watched.tenant,
        subject: named.to_string(),
        label: named.label(),
        sent: recent.sends,
        verified: recent.verified,
        unverified_permille: permille(recent),
        baseline_permille: permille(past),
        verdict: verdict.map(|standing| standing.level),
    }))
}

/// Nothing where it cannot be read: that hides no other.
async fn look(app: &App, watched: &Watched) -> Result<Option<Reply>, store::Error> {
    match apply(app, watched, Ask::Look, None).await {
        Ok(reply) => Ok(Some(reply)),
        Err(error @ store::Error::State { .. }) => {
            tracing::error!(%error, "a guard cannot be read");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// What of it was not verified, in thousandths.
fn permille(rates: Rates) -> Option<u32> {
    let share = u64::from(rates.unverified()) * 1_000;
    share.checked_div(u64::from(rates.sends)).and_then(|share| u32::try_from(share).ok())
}

/// Lifts the verdict and forgives the evidence. False where no verdict stood.
pub async fn release(app: &App, tenant: &TenantId, named: Named) -> Result<bool, store::Error> {
    let mut stood = false;
    if let Named::Watched(what) = named {
        let watched = Watched { tenant: tenant.clone(), what };
        stood = apply(app, &watched, Ask::Look, None).await?.verdict.is_some();
        consult(app, &watched, Ask::Release, &Countries::new()).await?;
    }
    // The guard's own word may have been lost, or the guard itself.
    let set = verdicts::Command::Set { subject: named.subject(), standing: None };
    let list = app.store.apply::<Verdicts>(&Key::verdicts(tenant), &set, host::now()).await?;
    Ok(stood || list.put == Put::Changed)
}
