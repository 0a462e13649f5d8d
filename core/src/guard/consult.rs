//! One question to one guard, and what becomes of a changed verdict.

use tiffin_shared::guard::Around;
use tiffin_shared::guard::Ask;
use tiffin_shared::guard::Command;
use tiffin_shared::guard::Guard;
use tiffin_shared::guard::Rates;
use tiffin_shared::guard::Reply;
use tiffin_shared::guard::blocklist::Put;
use tiffin_shared::guard::verdicts;
use tiffin_shared::guard::verdicts::Verdicts;

use super::Countries;
use super::watched::Watched;
use super::watched::What;
use crate::app::App;
use crate::host;
use crate::store;
use crate::store::Key;

/// Asks a guard, and puts a changed verdict into the tenant's list.
pub(super) async fn consult(
    app: &App,
    watched: &Watched,
    ask: Ask,
    countries: &Countries,
) -> Result<Reply, store::Error> {
    let country = match watched.what {
        What::Country(_) | What::Guesses => None,
        What::Prefix(country, _) => match countries.get(&(watched.tenant.clone(), country)) {
            Some(rates) => Some(*rates),
            None => {
                let around = Watched { what: What::Country(country), ..watched.clone() };
                // The very first change has a higher number: this only looks.
                Some(apply(app, &around, Ask::Told(0), None).await?.figures.settled)
            }
        },
    };
    let reply = apply(app, watched, ask, country).await?;
    if let Some(seq) = reply.change
        && let Err(error) = tell(app, watched, seq, &reply, country).await
    {
        tracing::warn!(%error, subject = %watched, "a verdict is not in the list yet; the guard says it again");
    }
    Ok(reply)
}

/// Asks a guard, and no more.
pub(super) async fn apply(
    app: &App,
    watched: &Watched,
    ask: Ask,
    country: Option<Rates>,
) -> Result<Reply, store::Error> {
    let around = Around { country, sound_since: app.guards.sound_since() };
    let command = Command { kind: watched.what.kind(), policy: app.config.file.guard, around, ask };
    app.store.apply::<Guard>(&Key::guard(watched), &command, host::now()).await
}

async fn tell(
    app: &App,
    watched: &Watched,
    seq: u64,
    reply: &Reply,
    country: Option<Rates>,
) -> Result<(), store::Error> {
    let subject = watched.what.subject();
    let set = verdicts::Command::Set { subject, standing: reply.verdict };
    let list = app.store.apply::<Verdicts>(&Key::verdicts(&watched.tenant), &set, host::now()).await?;
    match list.put {
        Put::Changed | Put::Dropped(_) => log(watched, reply),
        Put::Full => {
            tracing::warn!(subject = %watched, "the tenant's list of verdicts is full of stricter ones");
            return Ok(());
        }
        Put::Kept => {}
    }
    if matches!(list.put, Put::Dropped(_)) {
        tracing::warn!(tenant = %watched.tenant, "the challenge of another prefix made room for this verdict");
    }
    apply(app, watched, Ask::Told(seq), country).await.map(drop)
}

fn log(watched: &Watched, reply: &Reply) {
    let Some(standing) = reply.verdict else {
        tracing::info!(subject = %watched, "the guard against pumping lets orders pass again");
        return;
    };
    let figures = &reply.figures;
    tracing::warn!(
        subject = %watched,
        level = ?standing.level,
        because = ?standing.because,
        mode = ?standing.mode,
        until = standing.until.rfc3339(),
        recent = ?figures.recent,
        settled = ?figures.settled,
        day = ?figures.day,
        best = figures.best,
        right_guesses = figures.right_guesses,
        wrong_guesses = figures.wrong_guesses,
        "the guard against pumping speaks up"
    );
}
