//! `tiffin keys`: makes the keys of an installation, and rotates them in stages.
//!
//! Isolates of the edge, core processes and codes under way overlap, so a key is known everywhere (stage) before one
//! process uses it (promote), and is known everywhere until nothing it made is alive (retire).

mod api;
mod env_text;
mod folder;
mod kinds;
mod list;
mod make;
mod ring;
mod rotate;
mod since;

use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;
use tiffin_shared::id::KeyId;

use self::api::ApiKind;
use self::kinds::Kind;
use crate::config;
use crate::config::Config;

#[derive(Subcommand)]
pub enum Command {
    /// Write core.env, edge.env and clients.env with fresh keys; never overwrites
    Make {
        #[command(flatten)]
        folder: Dir,
        /// The tenant that gets a secret and a publishable API key
        #[arg(long, default_value = "dev")]
        tenant: String,
        /// Where the files are there: add the rings and tokens that they lack
        #[arg(long)]
        missing: bool,
    },
    /// Print which keys there are and which is in use, never the keys
    List {
        #[command(flatten)]
        folder: Dir,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Add a fresh key that is accepted, but not used yet; or make an API key
    Stage {
        /// Which ring
        #[arg(value_enum, value_name = "KIND")]
        ring: Kind,
        #[command(flatten)]
        folder: Dir,
        /// Of an API key: whose
        #[arg(long)]
        tenant: Option<String>,
        /// Of an API key: where it may be used
        #[arg(long, value_enum)]
        kind: Option<ApiKind>,
        /// Of an API key: its name; otherwise one is made up
        #[arg(long, value_parser = key_id)]
        id: Option<KeyId>,
    },
    /// Use the newest staged key; the others are still accepted
    Promote {
        /// Which ring
        #[arg(value_enum, value_name = "KIND")]
        ring: Kind,
        #[command(flatten)]
        folder: Dir,
        /// This key instead, such as an old one, to go back
        #[arg(long, value_parser = key_id)]
        id: Option<KeyId>,
    },
    /// Remove the old keys; or revoke an API key
    Retire {
        /// Which ring
        #[arg(value_enum, value_name = "KIND")]
        ring: Kind,
        #[command(flatten)]
        folder: Dir,
        /// This key alone
        #[arg(long, value_parser = key_id)]
        id: Option<KeyId>,
    },
}

#[derive(Args)]
pub struct Dir {
    /// The folder of core.env, edge.env and clients.env
    #[arg(long, default_value = ".tiffin")]
    dir: PathBuf,
}

fn key_id(text: &str) -> Result<KeyId, tiffin_shared::id::Error> {
    KeyId::parse(text)
}

/// Runs one. Only what knows tenants reads the settings.
pub fn run(command: Command, load: impl Fn() -> Result<Config, config::Error>) -> anyhow::Result<()> {
    match command {
        Command::Make { folder, tenant, missing } => make::make(&load()?, &folder.dir, &tenant, missing),
        Command::List { folder, json } => list::list(&folder.dir, json),
        Command::Stage { ring: Kind::Api, folder, tenant, kind, id } => {
            let (Some(tenant), Some(kind)) = (tenant, kind) else {
                anyhow::bail!("an API key needs --tenant, and --kind secret or publishable")
            };
            api::stage(&load()?, &folder.dir, &tenant, kind, id)
        }
        Command::Stage { ring, folder, tenant, kind, id } => {
            let of_api_keys = tenant.is_some() || kind.is_some() || id.is_some();
            anyhow::ensure!(
                !of_api_keys,
                "--tenant, --kind and --id are for API keys: `tiffin keys stage api`"
            );
            rotate::stage(&folder.dir, ring)
        }
        Command::Promote { ring, folder, id } => rotate::promote(&folder.dir, ring, id.as_ref()),
        Command::Retire { ring: Kind::Api, folder, id } => api::retire(&folder.dir, id.as_ref()),
        Command::Retire { ring, folder, id } => rotate::retire(&folder.dir, ring, id.as_ref()),
    }
}

/// To the person at the terminal. Not on standard output: that is for what was asked for.
fn say(line: &str) {
    #[expect(clippy::print_stderr, reason = "the person at the terminal is who must read this")]
    {
        eprintln!("{line}");
    }
}
