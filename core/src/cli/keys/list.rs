//! `tiffin keys list`: names and states. Key bytes never come this far.

use std::path::Path;

use serde::Serialize;
use tiffin_shared::directory::KeyKind;
use tiffin_shared::id::TenantId;

use super::Kind;
use super::api;
use super::folder::Folder;
use super::kinds::RINGS;
use super::ring::State;
use super::rotate::Rings;

#[derive(Serialize)]
struct Listed {
    ring: &'static str,
    keys: Vec<Key>,
    /// Why the ring is not in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

#[derive(Serialize)]
struct Key {
    id: String,
    #[serde(flatten)]
    is: Is,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Is {
    Ring {
        state: State,
    },
    Api {
        tenant: TenantId,
        kind: KeyKind,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        revoked: bool,
    },
}

/// Prints a table, or JSON.
pub fn list(dir: &Path, json: bool) -> anyhow::Result<()> {
    let folder = Folder::open(dir)?;
    let mut listed: Vec<_> = RINGS.into_iter().map(|kind| ring(&folder, kind)).collect();
    listed.push(api_keys(&folder));
    let text = if json { serde_json::to_string_pretty(&listed)? + "\n" } else { table(&listed) };
    #[expect(clippy::print_stdout, reason = "what was asked for")]
    {
        print!("{text}");
    }
    Ok(())
}

fn ring(folder: &Folder, kind: Kind) -> Listed {
    let ring = kind.name();
    match Rings::read(folder, kind) {
        Ok(rings) => {
            let key = |(id, state): (&_, _)| Key { id: ToString::to_string(id), is: Is::Ring { state } };
            Listed { ring, keys: rings.states().map(key).collect(), problem: rings.problem() }
        }
        Err(error) => Listed { ring, keys: Vec::new(), problem: Some(format!("{error:#}")) },
    }
}

fn api_keys(folder: &Folder) -> Listed {
    let ring = Kind::Api.name();
    match api::read(folder) {
        Ok(keys) => {
            let keys = keys.into_iter().map(|key| Key {
                id: key.id.to_string(),
                is: Is::Api { tenant: key.tenant, kind: key.kind, revoked: key.revoked },
            });
            Listed { ring, keys: keys.collect(), problem: None }
        }
        Err(error) => Listed { ring, keys: Vec::new(), problem: Some(format!("{error:#}")) },
    }
}

fn table(listed: &[Listed]) -> String {
    let mut rows = vec![["RING".to_owned(), "KEY".to_owned(), "STATE".to_owned()]];
    for Listed { ring, keys, problem } in listed {
        for Key { id, is } in keys {
            let state = match is {
                Is::Ring { state: State::InUse } => "in use".to_owned(),
                Is::Ring { state: State::Staged } => "staged".to_owned(),
                Is::Ring { state: State::Old } => "old, still accepted".to_owned(),
                Is::Api { tenant, revoked: true, .. } => format!("revoked, {tenant}"),
                Is::Api { tenant, kind: KeyKind::Secret, .. } => format!("secret, {tenant}"),
                Is::Api { tenant, kind: KeyKind::Publishable, .. } => format!("publishable, {tenant}"),
            };
            rows.push([(*ring).to_owned(), id.clone(), state]);
        }
        if let Some(problem) = problem {
            rows.push([(*ring).to_owned(), "!".to_owned(), problem.clone()]);
        }
    }
    let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(String::len).max().unwrap_or(0);
    let (ring, key) = (width(0), width(1));
    let line = |[name, id, state]: &[String; 3]| format!("{name:ring$}  {id:key$}  {state}\n");
    rows.iter().map(line).collect()
}
