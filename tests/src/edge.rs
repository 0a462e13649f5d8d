//! The edge's wasm under `workerd serve`: the very modules that are deployed, without a development proxy.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;

use crate::keys::Variables;
use crate::process::Process;
use crate::servers::root;

/// A worker on top of the edge's modules, for tests that speak to a Durable Object without the front door.
const ENTRY: &str = "index.js";

/// Where Cloudflare's own word on a request stands, as JSON: only a test can write it.
pub const CF_HEADER: &str = "cf-blob";

/// Bindings and classes, as in `wrangler.toml`.
const OBJECTS: [(&str, &str); 4] = [
    ("DIRECTORY", "DirectoryObject"),
    ("FACTORS", "FactorObject"),
    ("LEDGERS", "LedgerObject"),
    ("VISITORS", "VisitorObject"),
];

/// Starts the edge on `port` with its Durable Objects' files in `dir`/ledgers.
pub fn start(dir: &Path, port: u16, variables: &Variables) -> anyhow::Result<Process> {
    start_built(&root().join("edge/build"), dir, port, variables)
}

/// Starts an edge that was built elsewhere: another version.
pub fn start_built(build: &Path, dir: &Path, port: u16, variables: &Variables) -> anyhow::Result<Process> {
    start_with(build, dir, port, variables, (ENTRY, None))
}

/// Starts the edge's Durable Object class behind a module of the test's own, which imports `./index.js`.
pub fn start_behind(dir: &Path, port: u16, variables: &Variables, module: &str) -> anyhow::Result<Process> {
    start_with(&root().join("edge/build"), dir, port, variables, ("driver.js", Some(module)))
}

fn start_with(
    build: &Path,
    dir: &Path,
    port: u16,
    variables: &Variables,
    (main, driver): (&str, Option<&str>),
) -> anyhow::Result<Process> {
    std::fs::create_dir_all(dir.join("ledgers"))?;
    std::fs::create_dir_all(dir.join("kv"))?;
    for file in [ENTRY, "index_bg.wasm"] {
        std::fs::copy(build.join(file), dir.join(file))
            .with_context(|| format!("edge/build/{file} is missing: run scripts/build-edge.sh first"))?;
    }
    let mut modules = Vec::new();
    if let Some(module) = driver {
        std::fs::write(dir.join(main), module)?;
        modules.push(format!(r#"(name = "{main}", esModule = embed "{main}")"#));
    }
    modules.push(format!(r#"(name = "{ENTRY}", esModule = embed "{ENTRY}")"#));
    modules.push(r#"(name = "index_bg.wasm", wasm = embed "index_bg.wasm")"#.to_owned());
    std::fs::write(dir.join("edge.capnp"), config(dir, port, &modules, variables)?)?;
    let mut command = Command::new(workerd()?);
    command.env_clear().arg("serve").arg(dir.join("edge.capnp"));
    Process::start(&mut command, &dir.join("edge.log"))
}

fn workerd() -> anyhow::Result<PathBuf> {
    let program = root().join("edge/node_modules/.bin/workerd");
    anyhow::ensure!(program.exists(), "workerd is missing: run scripts/setup.sh node first");
    Ok(program)
}

fn config(dir: &Path, port: u16, modules: &[String], variables: &Variables) -> anyhow::Result<String> {
    let mut bindings: Vec<_> = OBJECTS
        .iter()
        .map(|(binding, class)| format!(r#"(name = "{binding}", durableObjectNamespace = "{class}")"#))
        .collect();
    bindings.push(r#"(name = "DIRECTORY_COPY", kvNamespace = "kv")"#.to_owned());
    for (name, value) in variables {
        // Cap'n Proto text takes JSON's escapes.
        let (name, value) = (serde_json::to_string(name)?, serde_json::to_string(value)?);
        bindings.push(format!("(name = {name}, text = {value})"));
    }
    let bindings = bindings.join(",\n    ");
    let objects = OBJECTS.map(|(_, class)| {
        format!(r#"(className = "{class}", uniqueKey = "tiffin-{class}", enableSql = true)"#)
    });
    let objects = objects.join(",\n    ");
    let kv = serde_json::to_string(&dir.join("kv"))?;
    let ledgers = serde_json::to_string(&dir.join("ledgers"))?;
    let modules = modules.join(",\n    ");
    Ok(format!(
        r#"using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "edge", worker = .edge),
    (name = "internet", network = (allow = ["private"])),
    (name = "ledgers", disk = (path = {ledgers}, writable = true)),
    (name = "kv", disk = (path = {kv}, writable = true))
  ],
  sockets = [(name = "http", address = "127.0.0.1:{port}", http = (cfBlobHeader = "{CF_HEADER}"), service = "edge")]
);
const edge :Workerd.Worker = (
  modules = [
    {modules}
  ],
  compatibilityDate = "2026-11-01",
  bindings = [
    {bindings}
  ],
  durableObjectNamespaces = [
    {objects}
  ],
  durableObjectStorage = (localDisk = "ledgers")
);
"#
    ))
}
