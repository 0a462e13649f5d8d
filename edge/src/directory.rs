//! The directory as this isolate has it: looked up anew now and then, and served on when nothing newer can be had.

use std::cell::Cell;
use std::cell::RefCell;
use std::sync::Arc;

use tiffin_shared::config;
use tiffin_shared::directory::Directory;
use tiffin_shared::directory::snapshot::Ask;
use tiffin_shared::directory::snapshot::FRESH_MS;
use tiffin_shared::directory::snapshot::Reply;
use tiffin_shared::directory::snapshot::Snapshot;
use tiffin_shared::time::UnixMs;
use worker::Env;
use worker::console_error;
use worker::console_warn;

use crate::objects;
use crate::settings::Settings;

/// The binding of the key-value store: a second copy, near every isolate, for when the first cannot be reached.
const STORE: &str = "DIRECTORY_COPY";
/// There is one directory.
const KEY: &str = "directory";

struct Known {
    directory: Arc<Directory>,
    version: u64,
    looked_at: UnixMs,
}

thread_local! {
    static KNOWN: RefCell<Option<Known>> = const { RefCell::new(None) };
    static IS_LOOKING: Cell<bool> = const { Cell::new(false) };
}

/// The directory to serve by. Looks for a newer one at most once in [`FRESH_MS`]; who comes meanwhile does not wait.
pub async fn current(env: &Env, settings: &Settings, now: UnixMs) -> Result<Arc<Directory>, config::Error> {
    let known = KNOWN.with_borrow(|known| {
        let fresh = |known: &Known| now.since(known.looked_at) < FRESH_MS || IS_LOOKING.get();
        known.as_ref().filter(|known| fresh(known)).map(|known| known.directory.clone())
    });
    if let Some(directory) = known {
        return Ok(directory);
    }
    IS_LOOKING.set(true);
    let since = KNOWN.with_borrow(|known| known.as_ref().map_or(0, |known| known.version));
    let newer = look(env, settings, since).await;
    IS_LOOKING.set(false);
    keep(env, newer, now)
}

/// Something newer, if there is something and it can be had.
async fn look(env: &Env, settings: &Settings, since: u64) -> Option<(u64, Directory)> {
    let text = match objects::directory(env, &Ask::Read { since }).await {
        Ok(Reply::Newer(text)) => Some(text),
        // An object that has nothing yet, as after a restore.
        Ok(Reply::Same) if since == 0 => copy(env).await,
        Ok(Reply::Kept(_) | Reply::Same) => None,
        Err(error) => {
            console_warn!("the directory's object did not answer, its copy is read: {error}");
            copy(env).await
        }
    }?;
    match Snapshot::open(&text, &settings.cores) {
        Ok((version, directory)) => (version > since).then_some((version, directory)),
        Err(error) => {
            console_error!("a directory was refused: {error}");
            None
        }
    }
}

async fn copy(env: &Env) -> Option<String> {
    let read = async { env.kv(STORE).ok()?.get(KEY).text().await.ok()? };
    read.await
}

fn keep(env: &Env, newer: Option<(u64, Directory)>, now: UnixMs) -> Result<Arc<Directory>, config::Error> {
    KNOWN.with_borrow_mut(|known| {
        if let Some(known) = known {
            known.looked_at = now;
        }
        let is_newer = |version: u64| known.as_ref().is_none_or(|known| version > known.version);
        match newer.filter(|(version, _)| is_newer(*version)) {
            Some((version, directory)) => {
                *known = Some(Known { directory: Arc::new(directory), version, looked_at: now });
            }
            // Deployed with the worker, for the time before core has pushed one.
            None if known.is_none() => {
                let variable = |name: &str| env.var(name).ok().map(|value| value.to_string());
                let directory = Arc::new(config::directory(variable)?);
                *known = Some(Known { directory, version: 0, looked_at: now });
            }
            None => {}
        }
        known.as_ref().map(|known| known.directory.clone()).ok_or(config::Error::Missing(config::DIRECTORY))
    })
}

/// Keeps what core pushed, in both places. The version that is kept now.
pub async fn push(env: &Env, version: u64, text: String) -> worker::Result<u64> {
    let Reply::Kept(kept) = objects::directory(env, &Ask::Push { version, text: text.clone() }).await? else {
        return Err(worker::Error::RustError("the directory's object answered something else".into()));
    };
    if kept == version {
        // A copy only: without it the directory is still served.
        let written = async { env.kv(STORE).ok()?.put(KEY, text).ok()?.execute().await.ok() };
        if written.await.is_none() {
            console_warn!("the directory's copy could not be written");
        }
    }
    Ok(kept)
}
