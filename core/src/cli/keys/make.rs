//! `tiffin keys make`: every key of an installation, each in the file of who may hold it.

use std::path::Path;

use tiffin_shared::bytes;
use tiffin_shared::config;
use tiffin_shared::directory::ApiKey;
use tiffin_shared::directory::KeyKind;
use tiffin_shared::directory::key_digest;
use tiffin_shared::directory::write_key;
use tiffin_shared::id::KeyId;
use tiffin_shared::id::TenantId;

use super::env_text;
use super::folder::Folder;
use super::kinds::CLIENTS;
use super::kinds::CORE;
use super::kinds::EDGE;
use super::kinds::Place;
use super::kinds::RINGS;
use super::ring;
use super::ring::Keys;
use super::since;
use crate::config::API_KEYS;
use crate::config::CLIENT_SECRET;
use crate::config::Config;
use crate::config::names;
use crate::gateways::account::secret_variable;
use crate::gateways::kinds::SecretName;
use crate::host;

const FILES: [(&str, &str); 3] = [
    (CORE, "Core's keys: opens jobs, calls providers"),
    (EDGE, "The edge's keys: makes and checks codes, seals jobs"),
    (CLIENTS, "API keys, shown this once: core holds their digests"),
];

/// Writes the three files where there are none. Where they are, adds what is `missing` when asked to, and changes nothing.
pub fn make(config: &Config, dir: &Path, tenant: &str, missing: bool) -> anyhow::Result<()> {
    let folder = Folder::create(dir)?;
    let there = FILES.iter().filter(|(file, _)| folder.has(file)).count();
    let absent = FILES.iter().find(|(file, _)| !folder.has(file)).map(|(file, _)| *file);
    match absent {
        _ if there == 0 => make_all(config, &folder, tenant),
        None if missing => add_missing(config, &folder),
        None => anyhow::bail!(
            "{}: keys are there already, and never overwritten. Add what is missing with `tiffin keys make --missing`, \
             replace single keys with `tiffin keys stage`, or remove the files to make new ones",
            dir.display()
        ),
        Some(file) => anyhow::bail!(
            "{} is missing, and the other files are there: keys are never overwritten. Put it back, or remove the others \
             to make new ones",
            folder.place(file)
        ),
    }
}

/// Variables by file, in the order they are written.
type Variables = Vec<(Place, String)>;

fn make_all(config: &Config, folder: &Folder, tenant: &str) -> anyhow::Result<()> {
    let tenant = TenantId::parse(tenant)?;
    anyhow::ensure!(
        config.file.tenants.contains_key(&tenant),
        "--tenant {tenant}: the settings have no such tenant"
    );
    let secret_key = write_key(KeyKind::Secret, host::random()?);
    let publishable_key = write_key(KeyKind::Publishable, host::random()?);
    let digests = [
        digest("dev-secret", &tenant, KeyKind::Secret, &secret_key)?,
        digest("dev-publishable", &tenant, KeyKind::Publishable, &publishable_key)?,
    ];
    let mut variables = rings()?;
    variables.push((core(API_KEYS), serde_json::to_string(&digests)?));
    let index = Place { file: EDGE, name: config::INDEX_KEY };
    variables.push((index, bytes::encode(&host::random::<32>()?)));
    let client = |name| Place { file: CLIENTS, name };
    variables.push((client("TIFFIN_SECRET_KEY"), secret_key));
    variables.push((client("TIFFIN_PUBLISHABLE_KEY"), publishable_key));
    let tokens = tokens(config)?;
    for (file, title) in FILES {
        let mut text = format!("# {title}. Keep it secret; never commit it.\n");
        for (place, value) in variables.iter().filter(|(place, _)| place.file == file) {
            text.push_str(&env_text::line(place.name, value));
        }
        for (name, token) in tokens.iter().filter(|_| file == CORE) {
            text.push_str(&env_text::line(name, token));
        }
        folder.write(file, &text)?;
        super::say(&format!("wrote {}", folder.place(file)));
    }
    since::note(folder, &RINGS)
}

/// Only what stands alone: half a pair, or another index key, would fit nothing that is there.
fn add_missing(config: &Config, folder: &Folder) -> anyhow::Result<()> {
    let mut added: Vec<(&str, String, String)> = Vec::new();
    for kind in RINGS {
        if let Some(rotation) = kind.rotation().filter(|rotation| rotation.public.is_none()) {
            let Place { file, name } = rotation.private;
            added.push((file, name.to_owned(), fresh_ring()?.text()));
        }
    }
    for (name, token) in tokens(config)? {
        added.push((CORE, name, token));
    }
    for (file, _) in FILES {
        let mut text = folder.read(file)?;
        let mut names = Vec::new();
        for (_, name, value) in added.iter().filter(|(of, _, _)| *of == file) {
            // A secret in a file of its own is there too.
            let is_set = |name: &str| env_text::get(&text, name).map(|value| value.is_some());
            if !is_set(name)? && !is_set(&format!("{name}_FILE"))? {
                text = env_text::set(&text, name, value)?;
                names.push(name.as_str());
            }
        }
        if !names.is_empty() {
            folder.write(file, &text)?;
            super::say(&format!("added {} to {}", names.join(", "), folder.place(file)));
        }
    }
    Ok(())
}

/// Each ring with its first key, and the public rings that go with them.
fn rings() -> anyhow::Result<Variables> {
    let mut variables = Variables::new();
    for rotation in RINGS.into_iter().filter_map(super::Kind::rotation) {
        let private = fresh_ring()?;
        variables.push((rotation.private, private.text()));
        if let Some((place, derive)) = rotation.public {
            variables.push((place, private.public(&Keys::default(), derive)?.text()));
        }
    }
    Ok(variables)
}

fn fresh_ring() -> anyhow::Result<Keys> {
    Keys::first(host::random()?).map_err(ring::Error::into)
}

/// What a process cannot start without: the sandbox takes any token.
fn tokens(config: &Config) -> anyhow::Result<Vec<(String, String)>> {
    let mut tokens = Vec::new();
    for name in [names::OPERATOR_TOKEN, names::METRICS_TOKEN] {
        tokens.push((name.to_owned(), bytes::encode(&host::random::<32>()?)));
    }
    if config.file.sim_swap.is_some() {
        tokens.push((CLIENT_SECRET.to_owned(), bytes::encode(&host::random::<24>()?)));
    }
    for gateway in &config.file.gateways {
        for name in gateway.usual_secret_variables() {
            let is_it = |secret: &&SecretName| secret_variable(&gateway.name, secret.name) == name;
            let secret = gateway.kind.secrets.iter().find(is_it);
            let mut token = bytes::encode(&host::random::<24>()?);
            token.truncate(secret.map_or(usize::MAX, |secret| secret.chars_max));
            tokens.push((name, token));
        }
    }
    Ok(tokens)
}

fn core(name: &'static str) -> Place {
    Place { file: CORE, name }
}

fn digest(id: &str, tenant: &TenantId, kind: KeyKind, key: &str) -> anyhow::Result<ApiKey> {
    Ok(ApiKey {
        id: KeyId::parse(id)?,
        tenant: tenant.clone(),
        kind,
        digest: key_digest(key),
        origins: Vec::new(),
        services: Vec::new(),
        revoked: false,
    })
}
