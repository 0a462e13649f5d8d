//! What `ops/` and `wrangler.toml` say of a deployment is what the code, the scripts and the tests say.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use tiffin_tests::servers::root;
use toml::Table;
use toml::Value;

/// `systemd-analyze security`, in tenths: what is left is the network, and a root that is not the service's own.
const EXPOSURE_MAX: f64 = 1.5;

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_default()
}

#[test]
fn every_environment_of_the_edge_binds_what_the_worker_needs() {
    let settings: Table = read("wrangler.toml").parse().unwrap();
    let names: Vec<&String> = settings["env"].as_table().unwrap().keys().collect();
    assert_eq!(names, ["production", "staging"]);
    let mut places = Vec::new();
    for of in
        std::iter::once(&settings).chain(names.iter().map(|name| settings["env"][*name].as_table().unwrap()))
    {
        assert_eq!(of["durable_objects"], settings["durable_objects"]);
        let [limit] = of["ratelimits"].as_array().unwrap().as_slice() else { panic!("one rate limit") };
        assert_eq!((&limit["name"], &limit["simple"]), {
            let ours = &settings["ratelimits"][0];
            (&ours["name"], &ours["simple"])
        });
        let copy = &of["kv_namespaces"][0];
        assert_eq!(copy["binding"].as_str(), Some("DIRECTORY_COPY"));
        places.push((limit["namespace_id"].clone(), copy["id"].clone()));
    }
    // None of them shares anything with another.
    for (at, (limit, copy)) in places.iter().enumerate() {
        assert!(places.iter().skip(at + 1).all(|(other, its_copy)| limit != other && copy != its_copy));
    }
}

#[test]
fn every_class_with_storage_is_made_by_one_migration() {
    let settings: Table = read("wrangler.toml").parse().unwrap();
    let migrations = settings["migrations"].as_array().unwrap();
    let tags: Vec<&str> = migrations.iter().filter_map(|it| it["tag"].as_str()).collect();
    assert_eq!(tags, ["v1", "v2"]);
    let classes = |it: &Value| it["new_sqlite_classes"].as_array().unwrap().clone();
    let mut made: Vec<Value> = migrations.iter().flat_map(classes).collect();
    let bound = settings["durable_objects"]["bindings"].as_array().unwrap().iter();
    let mut bound: Vec<Value> = bound.map(|it| it["class_name"].clone()).collect();
    made.sort_by_key(ToString::to_string);
    bound.sort_by_key(ToString::to_string);
    assert_eq!(made, bound);
}

#[test]
fn containers_run_what_the_scripts_run() {
    let toolchain: Table = read("rust-toolchain.toml").parse().unwrap();
    let version = toolchain["toolchain"]["channel"].as_str().unwrap();
    assert!(read("ops/container/Containerfile").contains(&format!("rust:{version}-slim-bookworm")));
    let script = read("scripts/serve/redis.sh");
    let (composed, unit) =
        (read("ops/container/compose.yaml"), read("ops/systemd/redis-server.service.d/tiffin.conf"));
    let cluster = read("ops/container/redis.sh");
    for (option, value) in
        [("appendonly", "yes"), ("appendfsync", "everysec"), ("maxmemory-policy", "noeviction")]
    {
        assert!(script.contains(&format!("--{option} {value}")), "{option}");
        assert!(unit.contains(&format!("--{option} {value}")), "{option}");
        assert!(cluster.contains(&format!("{option} {value}")), "{option}");
        let quoted = [format!("--{option}, {value}"), format!("--{option}, \"{value}\"")];
        assert!(quoted.iter().any(|it| composed.contains(it)), "{option}");
    }
}

/// As an operator installs them, in a folder of its own.
fn install(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let program = dir.join("tiffin");
    std::fs::write(&program, "#!/bin/sh\n")?;
    Command::new("chmod").arg("+x").arg(&program).status()?;
    let mut units = Vec::new();
    for name in ["tiffin-core@.service", "tiffin-public@.service", "tiffin.target"] {
        let text = read(&format!("ops/systemd/{name}"));
        let text = text.replace("/usr/local/bin/tiffin", &program.display().to_string());
        let path = dir.join(name);
        std::fs::write(&path, text)?;
        units.push(path);
    }
    Ok(units)
}

#[test]
fn systemd_takes_the_units_and_finds_little_exposed() {
    let dir = tempfile::TempDir::with_prefix("tiffin-units-").unwrap();
    let units = install(dir.path()).unwrap();
    let instance = dir.path().join("tiffin-core@1.service");
    let public = dir.path().join("tiffin-public@1.service");
    let output = Command::new("systemd-analyze").arg("verify").args([&instance, &public]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let about_ours = said.lines().filter(|line| line.contains("tiffin"));
    assert_eq!(about_ours.collect::<Vec<_>>(), Vec::<&str>::new());
    for unit in units.iter().filter(|unit| unit.extension().is_some_and(|it| it == "service")) {
        let output = Command::new("systemd-analyze")
            .args(["security", "--offline=true", "--no-pager"])
            .arg(unit)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let level = said.split("exposure level for").nth(1).and_then(|rest| rest.split(": ").nth(1));
        let level: f64 = level.and_then(|rest| rest.split(' ').next()).unwrap().parse().unwrap();
        assert!(level <= EXPOSURE_MAX, "{}: {level}", unit.display());
    }
}
