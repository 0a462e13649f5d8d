//! API keys. They have no order: each is accepted from when core and edge know its digest until it is revoked.

use std::path::Path;

use anyhow::Context;
use clap::ValueEnum;
use tiffin_shared::directory::ApiKey;
use tiffin_shared::directory::KeyKind;
use tiffin_shared::directory::key_digest;
use tiffin_shared::directory::write_key;
use tiffin_shared::id::KeyId;
use tiffin_shared::id::TenantId;

use super::env_text;
use super::folder::Folder;
use super::kinds::CORE;
use super::kinds::Place;
use super::rotate::variable;
use super::say;
use crate::config::API_KEYS;
use crate::config::Config;
use crate::host;

const PLACE: Place = Place { file: CORE, name: API_KEYS };
const NEXT: &str = "next: restart core with core.env, and give the edge what `tiffin edge-env` prints then";

/// Where a key may be used.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ApiKind {
    /// In apps and pages
    Publishable,
    /// On servers
    Secret,
}

impl ApiKind {
    fn name(self) -> (&'static str, &'static str, KeyKind) {
        match self {
            Self::Publishable => ("publishable", "TIFFIN_PUBLISHABLE_KEY", KeyKind::Publishable),
            Self::Secret => ("secret", "TIFFIN_SECRET_KEY", KeyKind::Secret),
        }
    }
}

/// Makes a key, keeps its digest, and prints the key this once, as a line of `clients.env`.
pub fn stage(
    config: &Config,
    dir: &Path,
    tenant: &str,
    kind: ApiKind,
    id: Option<KeyId>,
) -> anyhow::Result<()> {
    let tenant = TenantId::parse(tenant)?;
    anyhow::ensure!(
        config.file.tenants.contains_key(&tenant),
        "--tenant {tenant}: the settings have no such tenant"
    );
    let folder = Folder::open(dir)?;
    let mut keys = read(&folder)?;
    let (kind_name, variable, kind) = kind.name();
    // Random: the name of a revoked key must never come to mean another one in old logs.
    let made_up = || {
        KeyId::parse(&format!("{kind_name}-{:08x}", u32::from_be_bytes(host::random()?)))
            .map_err(anyhow::Error::from)
    };
    let id = id.map_or_else(made_up, Ok)?;
    anyhow::ensure!(keys.iter().all(|key| key.id != id), "--id {id}: there is such a key already");
    let key = write_key(kind, host::random()?);
    keys.push(ApiKey {
        id: id.clone(),
        tenant: tenant.clone(),
        kind,
        digest: key_digest(&key),
        origins: Vec::new(),
        services: Vec::new(),
        revoked: false,
    });
    write(&folder, &keys)?;
    #[expect(clippy::print_stdout, reason = "what was asked for")]
    {
        println!("# API key {id} of {tenant}, shown this once: {CORE} holds its digest.");
        print!("{}", env_text::line(variable, &key));
    }
    say(&format!("api: {id} is added to {CORE}"));
    say(NEXT);
    Ok(())
}

/// Revokes a key. Its line stays, so that a core with an older list cannot bring it back; a second time removes it.
pub fn retire(dir: &Path, id: Option<&KeyId>) -> anyhow::Result<()> {
    let id = id.context("name the key with --id: `tiffin keys list` tells which there are")?;
    let folder = Folder::open(dir)?;
    let mut keys = read(&folder)?;
    let found = keys.iter_mut().find(|key| key.id == *id);
    let found = found.with_context(|| format!("there is no API key {id}"))?;
    let was_revoked = std::mem::replace(&mut found.revoked, true);
    let revoked = found.clone();
    if was_revoked {
        keys.retain(|key| key.id != *id);
    }
    write(&folder, &keys)?;
    let done = if was_revoked { "removed from" } else { "revoked in" };
    say(&format!("api: {id} of {} is {done} {CORE}", revoked.tenant));
    let is_like = |key: &ApiKey| key.tenant == revoked.tenant && key.kind == revoked.kind;
    if !keys.iter().any(|key| is_like(key) && !key.revoked) {
        say(&format!("{} has no other key of this kind", revoked.tenant));
    }
    say(NEXT);
    Ok(())
}

/// The digests that core knows.
pub fn read(folder: &Folder) -> anyhow::Result<Vec<ApiKey>> {
    let Some(text) = variable(folder, PLACE)? else { return Ok(Vec::new()) };
    // Not the parser's words: they repeat what they stumbled over.
    serde_json::from_str(&text).map_err(|error| {
        let at = folder.place(CORE);
        anyhow::anyhow!("{at}: {API_KEYS} is not a JSON list of digests (column {})", error.column())
    })
}

fn write(folder: &Folder, keys: &[ApiKey]) -> anyhow::Result<()> {
    let text = env_text::set(&folder.read(CORE)?, API_KEYS, &serde_json::to_string(keys)?)?;
    folder.write(CORE, &text)
}
