//! Keys are made, listed and rotated as a person does it.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;
mod rotation;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use serde_json::Value;
use tiffin_core::config::Config;
use tiffin_core::config::Environment;
use tiffin_shared::directory::KeyKind;

use crate::common::FILES;
use crate::common::Keys;
use crate::common::PAIRS;
use crate::common::RINGS;
use crate::common::command;
use crate::common::settings;

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
fn an_api_key_is_printed_once_works_at_once_and_is_revoked_by_its_name() {
    let keys = Keys::make();
    let (printed, _) = keys.run("stage api --tenant dev --kind secret --id backend-2");
    let key = printed.lines().find_map(|line| line.strip_prefix("TIFFIN_SECRET_KEY='")).unwrap();
    let key = key.trim_end_matches('\'');
    assert!(!keys.files().concat().contains(key), "the key itself was written");
    let directory = keys.config().directory().unwrap();
    let caller = directory.caller(key).unwrap();
    assert_eq!((caller.id.as_str(), caller.key.kind), ("dev", KeyKind::Secret));
    let first = keys.value("clients.env", "TIFFIN_SECRET_KEY");
    assert!(directory.caller(&first).is_some());

    assert!(keys.refused("stage api --tenant dev --kind secret --id backend-2").contains("already"));
    keys.run("retire api --id dev-secret");
    assert!(keys.run("list").0.contains("revoked, dev"), "it stays known as revoked");
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
