//! The directory as this isolate has it: looked up anew now and then, and served on when nothing newer can be had.

use std::cell::RefCell;
use std::sync::Arc;

use tiffin_shared::config;
use tiffin_shared::directory::Directory;
use tiffin_shared::directory::Lookout;
use tiffin_shared::directory::publication::Ask;
use tiffin_shared::directory::publication::Push;
use tiffin_shared::directory::publication::Reply;
use tiffin_shared::directory::snapshot::Snapshot;
use tiffin_shared::http::internal::Pushed;
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
}

thread_local! {
    static KNOWN: RefCell<Option<Known>> = const { RefCell::new(None) };
    static LOOKOUT: RefCell<Lookout> = const { RefCell::new(Lookout::new()) };
}

/// Why there is no directory to serve by.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The deployed one is missing or unusable.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// There may be a newer one than the deployed, in which keys are revoked.
    #[error("neither the directory's object nor its copy could be read")]
    Stores,
}

/// What looking came to.
enum Found {
    /// Nothing was ever pushed, or nothing newer.
    Nothing,
    /// Something newer.
    Newer(u64, Box<Directory>),
    /// Nobody could tell.
    Unknown,
}

/// A look under way. Given up when it is dropped early: its request was cancelled, or panicked.
struct Looking(UnixMs);

impl Drop for Looking {
    fn drop(&mut self) {
        LOOKOUT.with_borrow_mut(|lookout| lookout.give_up(self.0));
    }
}

/// The directory to serve by. Looks for a newer one at most once in
/// [`FRESH_MS`](tiffin_shared::directory::snapshot::FRESH_MS); who comes meanwhile does not wait.
pub async fn current(env: &Env, settings: &Settings, now: UnixMs) -> Result<Arc<Directory>, Error> {
    let is_due = LOOKOUT.with_borrow(|lookout| lookout.is_due(now));
    let known = KNOWN.with_borrow(|known| known.as_ref().map(|known| known.directory.clone()));
    if let Some(directory) = known.filter(|_| !is_due) {
        return Ok(directory);
    }
    LOOKOUT.with_borrow_mut(|lookout| lookout.begin(now));
    let looking = Looking(now);
    let since = KNOWN.with_borrow(|known| known.as_ref().map_or(0, |known| known.version));
    let found = look(env, settings, since).await;
    let kept = keep(env, found);
    if kept.is_ok() {
        LOOKOUT.with_borrow_mut(|lookout| lookout.end(now));
    }
    drop(looking);
    kept
}

/// Something newer, if there is something and it can be had.
async fn look(env: &Env, settings: &Settings, since: u64) -> Found {
    let text = match objects::directory(env, &Ask::Read { since }).await {
        Ok(Reply::Newer(text)) => text,
        // An object that has nothing yet, as after a restore.
        Ok(Reply::Same) if since == 0 => match copy(env).await {
            Ok(Some(text)) => text,
            Ok(None) => return Found::Nothing,
            Err(error) => {
                console_error!("the directory's copy could not be read: {error}");
                return Found::Unknown;
            }
        },
        Ok(_) => return Found::Nothing,
        Err(error) => {
            console_warn!("the directory's object did not answer, its copy is read: {error}");
            match copy(env).await {
                Ok(Some(text)) => text,
                Ok(None) => return Found::Unknown,
                Err(error) => {
                    console_error!("nor could the directory's copy be read: {error}");
                    return Found::Unknown;
                }
            }
        }
    };
    match Snapshot::open(&text, &settings.cores) {
        Ok((snapshot, directory)) if snapshot.version > since => {
            Found::Newer(snapshot.version, Box::new(directory))
        }
        Ok(_) => Found::Nothing,
        Err(error) => {
            console_error!("a directory was refused: {error}");
            Found::Unknown
        }
    }
}

/// The second copy, if there is one. One that cannot be read may be there, and newer than what was deployed.
async fn copy(env: &Env) -> worker::Result<Option<String>> {
    Ok(env.kv(STORE)?.get(KEY).text().await?)
}

fn keep(env: &Env, found: Found) -> Result<Arc<Directory>, Error> {
    KNOWN.with_borrow_mut(|known| {
        let served = known.as_ref().map(|known| known.version);
        match found {
            Found::Newer(version, directory) if served.is_none_or(|served| version > served) => {
                *known = Some(Known { directory: Arc::new(*directory), version });
            }
            // Deployed with the worker, for the time before core has pushed one. Keys may have been revoked since, so it
            // is not served where that cannot be known; without objects there is nothing to order with either.
            Found::Nothing if served.is_none() => {
                let variable = |name: &str| env.var(name).ok().map(|value| value.to_string());
                let directory = Arc::new(config::directory(variable)?);
                *known = Some(Known { directory, version: 0 });
            }
            Found::Newer(..) | Found::Nothing | Found::Unknown => {}
        }
        known.as_ref().map(|known| known.directory.clone()).ok_or(Error::Stores)
    })
}

/// Keeps what core pushed, in both places. What is kept now.
pub async fn push(env: &Env, push: Push) -> worker::Result<Pushed> {
    let (version, text) = (push.version, push.text.clone());
    match objects::directory(env, &Ask::Push(push)).await? {
        Reply::Kept { version: kept, same } => {
            if kept == version && same {
                // A copy only: without it the directory is still served.
                let written = async { env.kv(STORE).ok()?.put(KEY, text).ok()?.execute().await.ok() };
                if written.await.is_none() {
                    console_warn!("the directory's copy could not be written");
                }
            }
            Ok(Pushed { version: kept, same, revoked: Vec::new() })
        }
        Reply::Revoked(revoked) => Ok(Pushed { version, same: false, revoked }),
        Reply::Newer(_) | Reply::Same => {
            Err(worker::Error::RustError("the directory's object answered something else".into()))
        }
    }
}
