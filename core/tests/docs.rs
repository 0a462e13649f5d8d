//! What the documents say of settings is what the program takes: every kind, key, secret and list in them, and every example.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;
use tiffin_core::gateways::account::Account;
use tiffin_core::gateways::kinds;
use tiffin_core::gateways::kinds::Kind;
use tiffin_shared::country::Country;
use tiffin_shared::route::Sender;
use tiffin_shared::sender;
use toml::Table;
use toml::Value;

/// Where the sections of the kinds begin.
const KINDS: &str = "\n# Kinds\n";
/// Secrets that `tiffin keys make` makes up, and that would be one too many beside the keys of the examples.
const UNUSED: [&str; 2] = ["TIFFIN_GATEWAY_OWN_SIGNATURE_SECRET", "TIFFIN_GATEWAY_OWN_FORM_SIGNATURE_SECRET"];
/// A key that no kind has: the refusal lists those that there are.
const NO_KEY: &str = "no_such_key";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap()
}

/// The contents of the fenced blocks of TOML.
fn examples(text: &str) -> Vec<&str> {
    text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// The section of each kind by its name, in their order.
fn sections(text: &str) -> Vec<(&str, &str)> {
    let (_, kinds) = text.split_once(KINDS).unwrap();
    let named = |section| {
        let heading = str::lines(section).next().unwrap();
        let name = heading.split('`').nth(1).unwrap_or_else(|| panic!("{heading:?} names no kind"));
        (name, section)
    };
    kinds.split("\n## ").skip(1).map(named).collect()
}

fn accounts(example: &str) -> Result<Vec<Account>, String> {
    let table: Table = example.parse().map_err(|error: toml::de::Error| error.to_string())?;
    let gateways = table.get("gateways").and_then(Value::as_array).cloned().unwrap_or_default();
    let account = |value: Value| value.try_into().map_err(|error: toml::de::Error| error.to_string());
    gateways.into_iter().map(account).collect()
}

/// `key = value` behind a `#`, where the line is one.
fn commented(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix("# ")?;
    let (key, _) = rest.split_once(" = ")?;
    key.bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        .then_some((key, rest))
}

/// The key that a line shows, commented out or not.
fn shown(line: &str) -> Option<&str> {
    let table = || line.strip_prefix("[gateways.")?.split_once(']').map(|(table, _)| table);
    let plain = || line.split_once(" = ").map(|(key, _)| key);
    commented(line).map(|(key, _)| key).or_else(table).or_else(plain)
}

/// The example with a line uncommented; and, for keys that go together, with all of its run of them.
fn uncommented(example: &str, at: usize) -> [String; 2] {
    let lines: Vec<_> = example.lines().collect();
    let is_run = |line: &&&str| commented(line).is_some();
    let first = at - lines[..at].iter().rev().take_while(is_run).count();
    let last = at + lines[at..].iter().take_while(is_run).count();
    [(at, at + 1), (first, last)].map(|(from, to)| {
        let line = |(n, line): (usize, &&str)| match commented(line) {
            Some((_, key_and_value)) if (from..to).contains(&n) => format!("{key_and_value}\n"),
            _ => format!("{line}\n"),
        };
        lines.iter().enumerate().map(line).collect()
    })
}

/// The keys of a kind, without those that every account has.
fn keys(example: &str) -> BTreeSet<String> {
    let mut table: Table = example.parse().unwrap();
    table["gateways"][0].as_table_mut().unwrap().insert(NO_KEY.into(), true.into());
    let refused = accounts(&table.to_string()).err().unwrap();
    let (_, known) = refused.split_once("expected ").unwrap_or_else(|| panic!("{refused}"));
    known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_kind_has_a_section_and_a_row() {
    let text = read("docs/GATEWAYS.md");
    let names: Vec<_> = kinds::ALL.iter().map(|kind| kind.name).collect();
    assert_eq!(sections(&text).into_iter().map(|(name, _)| name).collect::<Vec<_>>(), names);
    let rows = text.lines().filter_map(|line| line.strip_prefix("| [`")?.split_once('`'));
    assert_eq!(rows.map(|(name, _)| name).collect::<Vec<_>>(), names);
    for (name, section) in sections(&text) {
        for part in ["**At ", "```toml", "**Secrets**", "**Callbacks**", "**Receipts**", "**Limits**"] {
            assert!(section.contains(part), "{name}: {part} is missing");
        }
    }
}

#[test]
fn every_section_has_every_key_and_secret_of_its_kind() {
    let text = read("docs/GATEWAYS.md");
    for (name, section) in sections(&text) {
        let example = examples(section)[0];
        let shown: BTreeSet<_> =
            examples(section).into_iter().flat_map(str::lines).filter_map(shown).collect();
        let missing: Vec<_> = keys(example).into_iter().filter(|key| !shown.contains(key.as_str())).collect();
        assert!(missing.iter().all(|key| key == "base_url"), "{name}: {missing:?} are not in its example");
        let account = accounts(example).unwrap().remove(0);
        assert_eq!(account.kind.name, name);
        for variable in account.secret_variables() {
            assert!(section.contains(&format!("`{variable}`")), "{name}: {variable} is not in its section");
        }
    }
}

#[test]
fn every_example_is_read_with_each_of_its_optional_keys() {
    let mut tried = 0;
    let text = read("docs/GATEWAYS.md");
    for example in examples(&text).into_iter().filter(|example| example.contains("[[gateways]]")) {
        accounts(example).unwrap_or_else(|error| panic!("{error}\n{example}"));
        for (at, line) in example.lines().enumerate() {
            let Some((key, _)) = commented(line) else { continue };
            let [alone, with_others] = uncommented(example, at);
            let read = accounts(&alone).or_else(|_| accounts(&with_others));
            read.unwrap_or_else(|error| panic!("{key}: {error}\n{alone}"));
            tried += 1;
        }
    }
    assert!(tried > kinds::ALL.len(), "{tried}");
}

#[test]
fn the_countries_without_names_are_those_of_the_code() {
    let text = read("docs/GATEWAYS.md");
    let listed = text.split_once("**Names** do not arrive in ").unwrap().1.split_once('.').unwrap().0;
    let listed: BTreeSet<_> = listed.split_whitespace().map(str::to_owned).collect();
    let name = Sender::parse("Tiffin").unwrap();
    let letters = || 'A'..='Z';
    let codes = letters().flat_map(|first| letters().map(move |second| format!("{first}{second}")));
    let refuses =
        |code: &String| Country::parse(code).is_ok_and(|to| sender::allows(to, &name, None).is_err());
    assert_eq!(listed, codes.filter(refuses).collect());
}

#[test]
fn the_operators_secrets_and_the_apis_reasons_are_all_there() {
    let operations = read("docs/OPERATIONS.md");
    let secrets = kinds::ALL.iter().flat_map(|kind: &Kind| kind.secrets).map(|secret| secret.name);
    for secret in secrets.chain([kinds::CALLBACK_SECRET]) {
        let secret = secret.to_uppercase();
        assert!(operations.contains(&format!("`{secret}`")), "docs/OPERATIONS.md: {secret} is missing");
    }
    let described: serde_json::Value = serde_json::from_str(&read("shared/src/http/openapi.json")).unwrap();
    let reasons = &described["components"]["schemas"]["Reason"];
    let names = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let reasons: BTreeSet<_> = match reasons["oneOf"].as_array() {
        Some(each) => each.iter().flat_map(|one| names(&one["const"])).collect(),
        None => reasons["enum"].as_array().unwrap().iter().flat_map(names).collect(),
    };
    let api = read("docs/API.md");
    let listed = api.split_once("Reasons: `").unwrap().1.split_once('`').unwrap().0;
    assert_eq!(listed.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>(), reasons);
}

/// `tiffin` in an environment of its own: whether it went well, and what it said.
fn tiffin(arguments: &[&str], variables: &BTreeMap<String, String>) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tiffin"));
    let output = command.env_clear().envs(variables).args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// Makes keys for the settings, and checks them with these.
fn check_config(settings: &Path, tenant: &str, without: &[&str]) -> String {
    let dir = TempDir::new().unwrap();
    let keys = dir.path().join("keys");
    let (settings, folder) = (settings.to_str().unwrap(), keys.to_str().unwrap());
    let make = ["keys", "make", "--dir", folder, "--tenant", tenant, "--config", settings];
    let (is_made, said) = tiffin(&make, &BTreeMap::new());
    assert!(is_made, "{said}");
    let env = std::fs::read_to_string(keys.join("core.env")).unwrap();
    let pairs = env.lines().filter_map(|line| line.split_once('='));
    let pairs = pairs.filter(|(name, _)| !without.contains(name));
    let variables =
        pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned())).collect();
    let (is_good, said) = tiffin(&["check-config", "--config", settings], &variables);
    assert!(is_good, "{said}");
    said
}

#[test]
fn the_development_settings_boot_without_a_warning() {
    let said = check_config(&root().join("tiffin.toml"), "dev", &[]);
    assert!(said.starts_with("ok: ") && !said.contains("warning"), "{said}");
}

#[test]
fn all_examples_boot_together() {
    let dir = TempDir::new().unwrap();
    let text = read("docs/GATEWAYS.md");
    let (codes, examples): (Vec<_>, Vec<_>) =
        examples(&text).into_iter().partition(|example| example.starts_with("# codes.toml"));
    assert_eq!(codes.len(), 1);
    let codes_path = dir.path().join("codes.toml");
    std::fs::write(&codes_path, codes[0]).unwrap();
    let settings = dir.path().join("tiffin.toml");
    let delivery = format!("[delivery]\ncodes_path = {codes_path:?}\n");
    std::fs::write(&settings, [&[delivery.as_str()], &*examples].concat().join("\n")).unwrap();
    let said = check_config(&settings, "shop", &UNUSED);
    let gateways = examples.iter().flat_map(|example| example.matches("[[gateways]]")).count();
    assert!(said.starts_with(&format!("ok: 1 tenant, {gateways} gateways")), "{said}");
}
