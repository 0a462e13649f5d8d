//! `tiffin keys make`: every key of an installation, each in the file of who may hold it.

use std::fmt::Write as _;
use std::fs::DirBuilder;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use tiffin_shared::bytes;
use tiffin_shared::config;
use tiffin_shared::directory::ApiKey;
use tiffin_shared::directory::KeyKind;
use tiffin_shared::directory::key_digest;
use tiffin_shared::directory::write_key;
use tiffin_shared::id::KeyId;
use tiffin_shared::id::TenantId;
use tiffin_shared::keys::Signing;
use tiffin_shared::seal::PrivateKey;

use crate::config::API_KEYS;
use crate::config::Config;
use crate::config::gateway_token_name;
use crate::config::names;
use crate::host;

/// The first key of each ring.
const FIRST: &str = "k1";

/// Writes `core.env`, `edge.env` and `clients.env` into `dir`, readable by their owner alone.
pub fn make(config: &Config, dir: &Path, tenant: &str) -> anyhow::Result<()> {
    let tenant = TenantId::parse(tenant)?;
    anyhow::ensure!(
        config.file.tenants.contains_key(&tenant),
        "--tenant {tenant}: the settings have no such tenant"
    );
    let first = KeyId::parse(FIRST)?;
    let ring = |key: &[u8; 32]| format!("{FIRST}:{}", bytes::encode(key));
    let (edge_seed, core_seed, seal_seed) = (host::random()?, host::random()?, host::random()?);
    let edge_public = ring(&Signing::new(&first, edge_seed).public());
    let core_public = ring(&Signing::new(&first, core_seed).public());
    let seal_public = ring(&PrivateKey::new(seal_seed)?.public());
    let secret_key = write_key(KeyKind::Secret, host::random()?);
    let publishable_key = write_key(KeyKind::Publishable, host::random()?);
    let digests = [
        digest("dev-secret", &tenant, KeyKind::Secret, &secret_key)?,
        digest("dev-publishable", &tenant, KeyKind::Publishable, &publishable_key)?,
    ];

    let mut core = vec![
        (names::SEAL_KEYS.to_owned(), ring(&seal_seed)),
        (names::EDGE_PUBLIC_KEYS.to_owned(), edge_public),
        (names::CORE_SIGNING_KEYS.to_owned(), ring(&core_seed)),
        (names::OPERATOR_TOKEN.to_owned(), bytes::encode(&host::random::<32>()?)),
        (API_KEYS.to_owned(), serde_json::to_string(&digests)?),
    ];
    for gateway in &config.file.gateways {
        core.push((gateway_token_name(gateway.name()), bytes::encode(&host::random::<24>()?)));
    }
    let edge = [
        (config::PEPPERS.to_owned(), ring(&host::random()?)),
        (config::INDEX_KEY.to_owned(), bytes::encode(&host::random::<32>()?)),
        (config::SEAL_PUBLIC_KEYS.to_owned(), seal_public),
        (config::EDGE_SIGNING_KEYS.to_owned(), ring(&edge_seed)),
        (config::CORE_PUBLIC_KEYS.to_owned(), core_public),
    ];
    let clients = [
        ("TIFFIN_SECRET_KEY".to_owned(), secret_key),
        ("TIFFIN_PUBLISHABLE_KEY".to_owned(), publishable_key),
    ];
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    write(&dir.join("core.env"), "Core's keys: opens jobs, calls providers", &core)?;
    write(&dir.join("edge.env"), "The edge's keys: makes and checks codes, seals jobs", &edge)?;
    write(&dir.join("clients.env"), "API keys, shown this once: core holds their digests", &clients)
}

fn digest(id: &str, tenant: &TenantId, kind: KeyKind, key: &str) -> anyhow::Result<ApiKey> {
    let (digest, origins, services) = (key_digest(key), Vec::new(), Vec::new());
    Ok(ApiKey { id: KeyId::parse(id)?, tenant: tenant.clone(), kind, digest, origins, services })
}

fn write(path: &Path, title: &str, variables: &[(String, String)]) -> anyhow::Result<()> {
    let mut text = format!("# {title}. Keep it secret; never commit it.\n");
    for (name, value) in variables {
        writeln!(text, "{name}='{value}'")?;
    }
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).with_context(|| {
            format!(
                "{}: is it there already? Keys are never overwritten: remove it to make new ones",
                path.display()
            )
        })?;
    file.write_all(text.as_bytes())?;
    #[expect(clippy::print_stdout, reason = "tells where the keys are")]
    {
        println!("wrote {}", path.display());
    }
    Ok(())
}
