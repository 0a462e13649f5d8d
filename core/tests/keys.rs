//! Keys are made and rotated as a person does it, and every stage boots.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;
use tiffin_core::config::Config;
use tiffin_core::config::Environment;
use tiffin_shared::directory::KeyKind;

const FILES: [&str; 3] = ["core.env", "edge.env", "clients.env"];
const RINGS: [&str; 6] = ["pepper", "seal", "edge-signing", "core-signing", "challenge", "factor"];
/// Each private ring's variable, its file, and where the public halves are.
const PAIRS: [(&str, &str, &str, &str, &str); 3] = [
    ("seal", "core.env", "TIFFIN_SEAL_KEYS", "edge.env", "TIFFIN_SEAL_PUBLIC_KEYS"),
    ("edge-signing", "edge.env", "TIFFIN_EDGE_SIGNING_KEYS", "core.env", "TIFFIN_EDGE_PUBLIC_KEYS"),
    ("core-signing", "core.env", "TIFFIN_CORE_SIGNING_KEYS", "edge.env", "TIFFIN_CORE_PUBLIC_KEYS"),
];

/// A folder with keys.
struct Keys {
    dir: TempDir,
}

fn settings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tiffin.toml")
}

fn command(arguments: &[&str], dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tiffin"));
    command.env_clear().arg("keys").args(arguments).arg("--dir").arg(dir).arg("--config").arg(settings());
    command
}

impl Keys {
    fn make() -> Self {
        let keys = Self { dir: TempDir::new().unwrap() };
        keys.run("make");
        keys
    }

    fn output(&self, words: &str) -> Output {
        let arguments: Vec<_> = words.split(' ').collect();
        command(&arguments, self.dir.path()).output().unwrap()
    }

    /// Its standard output and what it said beside it.
    fn run(&self, words: &str) -> (String, String) {
        let Output { status, stdout, stderr } = self.output(words);
        let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
        assert!(status.success(), "{words}: {stderr}");
        (stdout, stderr)
    }

    fn refused(&self, words: &str) -> String {
        let before = self.files();
        let output = self.output(words);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{words}: {said}");
        assert_eq!(self.files(), before, "{words} was refused, and changed the files");
        said
    }

    fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    fn files(&self) -> Vec<String> {
        FILES.iter().map(|file| fs::read_to_string(self.path(file)).unwrap()).collect()
    }

    fn value(&self, file: &str, name: &str) -> String {
        let text = fs::read_to_string(self.path(file)).unwrap();
        let prefix = format!("{name}='");
        let values: Vec<_> = text.lines().filter_map(|line| line.strip_prefix(&prefix)).collect();
        assert_eq!(values.len(), 1, "{name} in {file}");
        values.concat().trim_end_matches('\'').to_owned()
    }

    fn ids(&self, file: &str, name: &str) -> String {
        let ring = self.value(file, name);
        let ids: Vec<_> = ring.split(',').map(|key| key.split(':').next().unwrap()).collect();
        ids.join(" ")
    }

    /// The settings, read with all of these keys as a process does.
    fn config(&self) -> Config {
        let files = self.files();
        let pairs = files.iter().flat_map(|text| text.lines()).filter_map(|line| line.split_once('='));
        let variables: BTreeMap<_, _> =
            pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned())).collect();
        let config = Config::read(&settings(), Environment::new(variables).unwrap()).unwrap();
        assert!(config.edge().is_ok() && config.core_keys(true).is_ok() && config.core_public_keys().is_ok());
        config
    }

    fn list(&self) -> Value {
        serde_json::from_str(&self.run("list --json").0).unwrap()
    }
}

#[test]
fn every_ring_rotates_in_stages_and_each_stage_boots() {
    let keys = Keys::make();
    for ring in RINGS {
        keys.run(&format!("stage {ring}"));
        keys.config();
        let (_, said) = keys.run(&format!("promote {ring}"));
        assert!(said.contains("retire"), "{said}");
        keys.config();
        let (_, said) = keys.run(&format!("retire {ring}"));
        assert!(said.contains("only once") && said.contains("k1 removed"), "{said}");
        keys.config();
    }
    for listed in keys.list().as_array().unwrap().iter().take(RINGS.len()) {
        assert_eq!(listed.pointer("/keys"), Some(&serde_json::json!([{"id": "k2", "state": "in_use"}])));
        assert_eq!(listed.get("problem"), None);
    }
}

#[test]
fn both_rings_of_a_pair_know_a_key_at_every_stage() {
    let keys = Keys::make();
    for (ring, private_file, private, public_file, public) in PAIRS {
        let both = |expected: &str| {
            assert_eq!(keys.ids(private_file, private), expected, "{private}");
            assert_eq!(keys.ids(public_file, public), expected, "{public}");
        };
        both("k1");
        keys.run(&format!("stage {ring}"));
        both("k1 k2");
        keys.run(&format!("promote {ring}"));
        both("k2 k1");
        keys.run(&format!("retire {ring} --id k1"));
        both("k2");
    }
}

#[test]
fn a_command_that_was_cut_short_is_finished_by_the_next_one() {
    let keys = Keys::make();
    for (ring, _, _, public_file, _) in PAIRS {
        let before = fs::read_to_string(keys.path(public_file)).unwrap();
        keys.run(&format!("stage {ring}"));
        // As if it had died between the two files.
        fs::write(keys.path(public_file), &before).unwrap();
        let said = keys.run("list").0;
        assert!(said.contains("lacks k2"), "{said}");
        keys.run(&format!("promote {ring}"));
        assert!(!keys.run("list").0.contains('!'));
        let before = fs::read_to_string(keys.path(public_file)).unwrap();
        keys.run(&format!("retire {ring} --id k1"));
        fs::write(keys.path(public_file), &before).unwrap();
        keys.run(&format!("retire {ring} --id k1"));
        assert!(keys.refused(&format!("retire {ring} --id k1")).contains("no key k1"));
    }
    keys.config();
}

#[test]
fn comments_and_other_variables_stay_to_the_byte_and_files_stay_private() {
    let keys = Keys::make();
    let extra = "\n# Ours, since spring.\nexport OTHER=\"x y\" # why\n";
    for file in FILES {
        let text = fs::read_to_string(keys.path(file)).unwrap() + extra;
        fs::write(keys.path(file), text).unwrap();
        fs::set_permissions(keys.path(file), fs::Permissions::from_mode(0o644)).unwrap();
    }
    let before = keys.files();
    keys.run("stage seal");
    for (text, before) in keys.files().iter().zip(&before) {
        let changed = before.lines().zip(text.lines()).filter(|(before, after)| before != after);
        let changed: Vec<_> = changed.map(|(_, after)| after.split('=').next().unwrap()).collect();
        assert!(text.ends_with(extra) && text.lines().count() == before.lines().count());
        assert!(changed.is_empty() || changed.len() == 1 && changed.concat().contains("SEAL"), "{changed:?}");
    }
    for file in ["core.env", "edge.env"] {
        assert_eq!(fs::metadata(keys.path(file)).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
    let left: Vec<_> =
        fs::read_dir(keys.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), FILES.len(), "{left:?}");
}

#[test]
fn commands_at_the_same_time_lose_no_key() {
    let keys = Keys::make();
    let stage = |ring: &'static str| {
        command(&["stage", ring], keys.dir.path()).stderr(Stdio::null()).spawn().unwrap()
    };
    let children: Vec<_> = ["pepper", "challenge", "edge-signing", "core-signing"]
        .into_iter()
        .flat_map(|ring| [stage(ring), stage(ring), stage(ring)])
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(keys.ids("edge.env", "TIFFIN_PEPPERS"), "k1 k2 k3 k4");
    assert_eq!(keys.ids("edge.env", "TIFFIN_CHALLENGE_KEYS"), "k1 k2 k3 k4");
    for (_, private_file, private, public_file, public) in PAIRS.iter().skip(1) {
        assert_eq!(keys.ids(private_file, private), "k1 k2 k3 k4");
        assert_eq!(keys.ids(public_file, public), "k1 k2 k3 k4");
    }
    keys.config();
}

#[test]
fn the_key_in_use_is_never_removed_and_nothing_happens_out_of_turn() {
    let keys = Keys::make();
    for ring in RINGS {
        assert!(keys.refused(&format!("retire {ring} --id k1")).contains("k1 is in use"));
        assert!(keys.refused(&format!("retire {ring}")).contains("no key is old"));
        assert!(keys.refused(&format!("promote {ring}")).contains("no key is staged"));
    }
    for _ in 0..7 {
        keys.run("stage pepper");
    }
    assert!(keys.refused("stage pepper").contains("retire old ones first"));
    assert!(keys.refused("promote api").contains("no order"));
    assert!(keys.refused("retire api").contains("--id"));
    assert!(keys.refused("stage api --tenant dev").contains("--kind"));
    assert!(keys.refused("stage api --tenant nobody --kind secret").contains("nobody"));
    assert!(keys.refused("stage pepper --tenant dev").contains("stage api"));
}

#[test]
fn an_api_key_is_printed_once_works_at_once_and_is_revoked_by_its_name() {
    let keys = Keys::make();
    let (printed, _) = keys.run("stage api --tenant dev --kind secret --id backend-2");
    let key = printed.lines().find_map(|line| line.strip_prefix("TIFFIN_SECRET_KEY='")).unwrap();
    let key = key.trim_end_matches('\'');
    assert!(!keys.files().concat().contains(key), "the key itself was written");
    let directory = keys.config().directory().unwrap();
    let caller = directory.caller(key).unwrap();
    assert_eq!((caller.id.as_str(), caller.kind), ("dev", KeyKind::Secret));
    let first = keys.value("clients.env", "TIFFIN_SECRET_KEY");
    assert!(directory.caller(&first).is_some());

    assert!(keys.refused("stage api --tenant dev --kind secret --id backend-2").contains("already"));
    keys.run("retire api --id dev-secret");
    let directory = keys.config().directory().unwrap();
    assert!(directory.caller(&first).is_none() && directory.caller(key).is_some());
    assert!(keys.refused("retire api --id dev-secret").contains("no API key"));

    let (printed, _) = keys.run("stage api --tenant dev --kind publishable");
    assert!(printed.contains("TIFFIN_PUBLISHABLE_KEY='pk_"), "{printed}");
    assert_eq!(keys.config().directory().unwrap().keys.len(), 3);
}

#[test]
fn api_keys_may_stand_in_a_file_of_their_own() {
    let keys = Keys::make();
    let digests = keys.path("api-keys.json");
    fs::write(&digests, keys.value("core.env", "TIFFIN_API_KEYS") + "\n").unwrap();
    let path = digests.display().to_string();
    let variables = BTreeMap::from([("TIFFIN_API_KEYS_FILE".to_owned(), path.clone())]);
    let config = Config::read(&settings(), Environment::new(variables).unwrap()).unwrap();
    let key = keys.value("clients.env", "TIFFIN_SECRET_KEY");
    assert!(config.directory().unwrap().caller(&key).is_some());

    // The command changes env files only, and says so.
    let core = fs::read_to_string(keys.path("core.env")).unwrap();
    let other: String = core
        .lines()
        .filter(|line| !line.contains("API_KEYS"))
        .fold(String::new(), |text, line| text + line + "\n");
    fs::write(keys.path("core.env"), format!("{other}TIFFIN_API_KEYS_FILE='{path}'\n")).unwrap();
    assert!(keys.refused("stage api --tenant dev --kind secret").contains("TIFFIN_API_KEYS_FILE"));
}

#[test]
fn lists_never_hold_key_bytes() {
    let keys = Keys::make();
    for ring in RINGS {
        keys.run(&format!("stage {ring}"));
    }
    let text = keys.files().concat();
    let secrets: Vec<_> = text
        .split(['\'', ',', ':', '"'])
        .filter(|word| word.len() >= 32 && !word.contains([' ', '\n']))
        .collect();
    assert!(secrets.len() > 15);
    for words in ["list", "list --json"] {
        let (printed, said) = keys.run(words);
        assert!(secrets.iter().all(|secret| !printed.contains(secret)), "{printed}");
        assert!(said.is_empty(), "{said}");
    }
    let (table, _) = keys.run("list");
    for row in ["pepper        k1", "in use", "factor        k2", "staged", "dev-secret", "publishable, dev"]
    {
        assert!(table.contains(row), "{row:?} is missing in:\n{table}");
    }
    assert_eq!(keys.list().pointer("/0/keys/1/state"), Some(&Value::from("staged")));
}

#[test]
fn what_does_not_parse_is_refused_without_repeating_it() {
    let keys = Keys::make();
    let good = keys.files().concat();
    for value in ["hunter2", "k1:hunter2", "k1:hunter2,k1:hunter2"] {
        let text = fs::read_to_string(keys.path("edge.env")).unwrap();
        let old = keys.value("edge.env", "TIFFIN_PEPPERS");
        fs::write(keys.path("edge.env"), text.replace(&old, value)).unwrap();
        for words in ["stage pepper", "promote pepper", "retire pepper"] {
            let said = keys.refused(words);
            assert!(said.contains("TIFFIN_PEPPERS") && !said.contains("hunter2"), "{said}");
        }
        assert!(!keys.run("list").0.contains("hunter2"));
        fs::write(keys.path("edge.env"), text).unwrap();
    }
    assert_eq!(keys.files().concat(), good);
}

#[test]
fn keys_of_an_older_version_get_what_is_new_and_keep_what_they_have() {
    let keys = Keys::make();
    let whole = keys.files();
    assert!(keys.refused("make").contains("--missing"));
    keys.run("make --missing");
    assert_eq!(keys.files(), whole, "nothing was missing");

    let is_new = |line: &&str| {
        ["TIFFIN_CHALLENGE_KEYS", "TIFFIN_FACTOR_KEYS", "TIFFIN_GATEWAY_TWILIO_SMS_AUTH_TOKEN"]
            .iter()
            .any(|name| line.starts_with(name))
    };
    for (file, text) in FILES.iter().zip(&whole) {
        let old: String =
            text.lines().filter(|line| !is_new(line)).fold(String::new(), |text, line| text + line + "\n");
        fs::write(keys.path(file), old).unwrap();
    }
    assert!(keys.run("list").0.contains("make --missing"));
    assert!(keys.refused("stage challenge").contains("make --missing"));
    let old = keys.files();
    let (_, said) = keys.run("make --missing --tenant whoever");
    assert!(said.contains("TIFFIN_CHALLENGE_KEYS, TIFFIN_FACTOR_KEYS"), "{said}");
    for (text, old) in keys.files().iter().zip(&old) {
        assert!(text.starts_with(old.as_str()));
    }
    assert_eq!(keys.files()[0].lines().count(), whole[0].lines().count());
    keys.run("stage challenge");

    fs::remove_file(keys.path("core.env")).unwrap();
    for words in ["make", "make --missing"] {
        let output = keys.output(words);
        assert!(!output.status.success() && !keys.path("core.env").exists());
        assert!(String::from_utf8_lossy(&output.stderr).contains("core.env is missing"));
    }
}
