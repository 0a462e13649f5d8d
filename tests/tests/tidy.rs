//! House rules that no compiler checks.

use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

use tiffin_tests::servers::root;

/// A file this long does more than one thing.
const FILE_LINES_MAX: usize = 400;
/// A function this long hides its branches.
const FUNCTION_LINES_MAX: usize = 70;
/// What the pure crate may stand on: small, without clock or randomness of its own, at home in wasm.
const SHARED_DEPENDENCIES: [&str; 17] = [
    "base64",
    "chacha20poly1305",
    "chrono",
    "ed25519-dalek",
    "hkdf",
    "hmac",
    "hpke",
    "qrcodegen",
    "rand_core",
    // Only with the feature `openapi`, which the edge does not have.
    "schemars",
    "serde",
    "serde_json",
    "sha1",
    "sha2",
    "subtle",
    "thiserror",
    "zeroize",
];

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = ["shared", "edge", "core", "tests"].map(|name| root().join(name)).into();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name();
            if path.is_dir() && name != "node_modules" && name != "target" && name != "build" {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                found.push((path, text));
            }
        }
    }
    found
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

#[test]
fn files_and_functions_are_short() {
    let mut long = Vec::new();
    for (path, text) in sources() {
        let lines: Vec<_> = text.lines().collect();
        if lines.len() > FILE_LINES_MAX {
            long.push(format!("{}: {} lines", shown(&path), lines.len()));
        }
        // rustfmt puts a function's closing brace under its first character.
        for (start, line) in lines.iter().enumerate() {
            let body = line.trim_start();
            let indent = line.len() - body.len();
            let is_function = [
                "fn ",
                "pub fn ",
                "async fn ",
                "pub async fn ",
                "pub(super) fn ",
                "pub(super) async fn ",
                "pub(crate) fn ",
                "const fn ",
                "pub const fn ",
            ];
            if !is_function.iter().any(|start| body.starts_with(start)) {
                continue;
            }
            let end = format!("{}}}", " ".repeat(indent));
            let length = lines.iter().skip(start).position(|line| *line == end).unwrap_or(0);
            if length > FUNCTION_LINES_MAX {
                long.push(format!("{}:{}: {length} lines", shown(&path), start + 1));
            }
        }
    }
    assert!(long.is_empty(), "too long:\n{}", long.join("\n"));
}

#[test]
fn shared_stands_on_its_allow_list_and_reads_no_clock() {
    let manifest = std::fs::read_to_string(root().join("shared/Cargo.toml")).unwrap_or_default();
    let own =
        manifest.split("[dependencies]").nth(1).and_then(|rest| rest.split('[').next()).unwrap_or_default();
    let names: BTreeSet<_> = own.lines().filter_map(|line| line.split(['.', ' ', '=']).next()).collect();
    let allowed: BTreeSet<_> = SHARED_DEPENDENCIES.into_iter().chain([""]).collect();
    assert!(names.len() > 5 && names.is_subset(&allowed), "{:?}", names.difference(&allowed));
    for (path, text) in sources().iter().filter(|(path, _)| path.starts_with(root().join("shared/src"))) {
        let code: Vec<_> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        for banned in
            ["async fn", "SystemTime", "Instant::", "std::env", "std::thread", "getrandom", "println!"]
        {
            assert!(!code.iter().any(|line| line.contains(banned)), "{} has {banned}", shown(path));
        }
    }
}

/// A decision that no law was ever tried on is one that a host may play twice, or late, to another end.
#[test]
fn every_machine_is_under_the_laws() {
    let named = |text: &str, before: &str, end: char| -> BTreeSet<String> {
        text.split(before).skip(1).filter_map(|rest| Some(rest.split_once(end)?.0.to_owned())).collect()
    };
    let (mut machines, mut lawful) = (BTreeSet::new(), BTreeSet::new());
    for (path, text) in sources() {
        match shown(&path) {
            path if path.starts_with("shared/src") => machines.extend(named(&text, "impl Machine for ", ' ')),
            path if path.starts_with("shared/tests/laws") => lawful.extend(named(&text, "check::<", '>')),
            _ => {}
        }
    }
    assert!(machines.len() > 20, "{machines:?}");
    assert_eq!(machines, lawful);
}

#[test]
fn no_crate_reaches_around_another() {
    for (path, text) in sources() {
        let shown = shown(&path);
        let banned: &[&str] = if shown.starts_with("shared/src") {
            &["tiffin_core", "tiffin_edge", "worker::"]
        } else if shown.starts_with("edge/src") {
            &["tiffin_core"]
        } else if shown.starts_with("core/src") {
            &["tiffin_edge", "worker::"]
        } else {
            &[]
        };
        for word in banned {
            assert!(!text.contains(word), "{shown} has {word}");
        }
    }
}

/// `make test` does not build the fuzzer: what its harness takes from the tests must be there, and need nothing more.
#[test]
fn the_fuzzer_has_what_its_harness_needs() {
    let common = std::fs::read_to_string(root().join("tests/fuzz/src/common.rs")).unwrap_or_default();
    for (path, text) in sources() {
        let shown = shown(&path);
        let needed = text.split("crate::common::").skip(1).filter(|_| shown.contains("parsers/harness/"));
        for name in
            needed.filter_map(|rest| rest.split(|char: char| !char.is_alphanumeric() && char != '_').next())
        {
            assert!(common.contains(&format!("pub mod {name};")), "{shown}: {name} is not the fuzzer's");
        }
        let name = shown.rsplit_once("shared/tests/common/").map_or("", |(_, name)| name);
        if common.contains(&format!("common/{name}\"")) && !name.is_empty() {
            assert!(!text.contains("super::") && !text.contains("proptest"), "{shown} is the fuzzer's too");
        }
    }
}

#[test]
fn the_pinned_wasm_bindgen_is_the_one_in_the_lock_file() {
    let versions = std::fs::read_to_string(root().join("scripts/versions.sh")).unwrap_or_default();
    let pinned =
        versions.lines().find_map(|line| line.strip_prefix("WASM_BINDGEN_VERSION=")).unwrap_or_default();
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap_or_default();
    assert!(lock.contains(&format!("name = \"wasm-bindgen\"\nversion = \"{pinned}\"")), "{pinned}");
}

/// Schemas are for whoever writes the API's description down, and not for each isolate.
#[test]
fn the_wasm_holds_no_schemas() {
    let manifest = |name: &str| std::fs::read_to_string(root().join(name)).unwrap_or_default();
    assert!(manifest("core/Cargo.toml").contains("features = [\"openapi\"]"));
    for name in ["Cargo.toml", "edge/Cargo.toml"] {
        assert!(!manifest(name).contains("\"openapi\""), "{name}");
    }
    let shared = manifest("shared/Cargo.toml");
    assert!(shared.contains("schemars = { workspace = true, optional = true }"));
    assert!(!shared.contains("default = ["), "a feature that is on by default is on in the wasm");
}
