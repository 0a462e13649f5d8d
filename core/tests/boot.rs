//! A bad configuration stops the boot, and says where, which key and why; never what a secret holds.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;
use std::time::Instant;

use tempfile::TempDir;

/// A boot that goes on is killed after this.
const BOOT_TIMEOUT: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(10);

/// A working configuration, to be broken in one place.
struct Boot {
    dir: TempDir,
    settings: String,
    variables: BTreeMap<String, String>,
}

impl Boot {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/settings.toml");
        let keys = dir.path().join("keys");
        let mut make = Command::new(env!("CARGO_BIN_EXE_tiffin"));
        make.env_clear().args(["keys", "make", "--dir"]).arg(&keys).arg("--config").arg(&example);
        assert!(make.output().unwrap().status.success());
        let env = std::fs::read_to_string(keys.join("core.env")).unwrap();
        let pairs = env.lines().filter_map(|line| line.split_once('='));
        let mut variables: BTreeMap<_, _> =
            pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned())).collect();
        // Whatever is free: nothing here is meant to serve for long.
        variables.insert("TIFFIN_SERVER_LISTEN".into(), "127.0.0.1:0".into());
        Self { settings: std::fs::read_to_string(example).unwrap(), dir, variables }
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    fn unset(mut self, name: &str) -> Self {
        assert!(self.variables.remove(name).is_some(), "{name} was not set");
        self
    }

    fn replace(mut self, from: &str, to: &str) -> Self {
        assert_eq!(self.settings.matches(from).count(), 1, "{from}");
        self.settings = self.settings.replace(from, to);
        self
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("settings.toml")
    }

    /// Boots with the settings. What it said on standard error before it stopped.
    fn refused(&self) -> String {
        std::fs::write(self.path(), &self.settings).unwrap();
        self.refused_at(&self.path())
    }

    fn refused_at(&self, settings: &Path) -> String {
        let errors = self.dir.path().join("stderr");
        let mut child = Command::new(env!("CARGO_BIN_EXE_tiffin"))
            .env_clear()
            .envs(&self.variables)
            .args(["serve", "--config"])
            .arg(settings)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&errors).unwrap())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + BOOT_TIMEOUT;
        let status = loop {
            match child.try_wait().unwrap() {
                Some(status) => break status,
                None if Instant::now() > deadline => {
                    child.kill().unwrap();
                    break child.wait().unwrap();
                }
                None => sleep(PAUSE),
            }
        };
        let said = std::fs::read_to_string(&errors).unwrap();
        assert_eq!(status.code(), Some(1), "{said}");
        said
    }
}

/// What was said must hold every one of `words`.
fn says(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "{word:?} is missing in: {said}");
    }
}

#[test]
fn unknown_keys_stop_the_boot() {
    let boot = Boot::new().replace("partitions = 8", "partitionz = 8");
    says(&boot.refused(), &["settings.toml", "partitionz", "unknown field", "expected"]);
    let boot = Boot::new().replace("[sandbox]", "[sandboxes]");
    says(&boot.refused(), &["settings.toml", "sandboxes", "unknown field"]);
    let boot = Boot::new().replace(r#"name = "twilio-sms""#, "name = \"twilio-sms\"\nregion = \"ie1\"");
    says(&boot.refused(), &["settings.toml", "region", "unknown field"]);
}

#[test]
fn unusable_values_stop_the_boot() {
    let cases: [(&str, &str, &[&str]); 17] = [
        ("partitions = 8", "partitions = 0", &["bus.partitions", "1 to 64"]),
        ("partitions = 8", "partitions = \"8\"", &["partitions", "invalid type"]),
        ("lanes = 256", "lanes = 0", &["delivery.lanes", "1 to 4096"]),
        ("jobs = 4096", "jobs = 1", &["delivery.jobs", "2 to 32768"]),
        ("prefetch = 512", "prefetch = 4097", &["delivery.prefetch", "1 to 4096"]),
        ("brand = \"Tiffin\"", "brand = \"Tiffin\"\nttl_ms = 600001", &["login", "ttl_ms", "600000"]),
        ("brand = \"Tiffin\"", "brand = \"Tiffin\"\ndigits = 3", &["login", "digits", "4"]),
        ("1101000000000000001", "110100000000000000x", &["login.dlt.entity_id", "digits"]),
        (
            "{code} is your {brand}",
            "{code} www.shop {brand}",
            &["login.templates[0].text", "www.shop", "address"],
        ),
        (
            "locale = \"en\"\ntext = \"{code} is",
            "locale = \"en_US\"\ntext = \"{code} is",
            &["locale", "BCP 47"],
        ),
        (
            "dlt_template_id = \"1107000000000000001\"",
            "ids = { nobody = \"x\" }",
            &["login.templates", "unknown gateway nobody"],
        ),
        (
            "from = \"+15005550006\"",
            "from = \"+15005550006\"\nbase_url = \"https://api.twilio.com\"",
            &["gateways.twilio-sms.base_url", "or sandbox = true"],
        ),
        ("samples_min = 20", "samples_min = 9", &["guard.samples_min", "10"]),
        ("guesses_per_code = 5", "guesses_per_code = 6", &["guesses_per_code"]),
        ("AC00000000000000000000000000000001", "AC1", &["twilio-sms.account_sid"]),
        ("AC00000000000000000000000000000002", "AC1", &["twilio-sms-2.account_sid"]),
        ("\"twilio-sms\"\nkind = \"twilio\"", "\"twilio-sms\"\nkind = \"twillio\"", &["twillio", "twilio"]),
    ];
    for (from, to, words) in cases {
        let said = Boot::new().replace(from, to).refused();
        says(&said, &["settings.toml"]);
        says(&said, words);
    }
}

#[test]
fn a_missing_file_stops_the_boot() {
    let boot = Boot::new();
    let said = boot.refused_at(&boot.dir.path().join("nowhere.toml"));
    says(&said, &["nowhere.toml", "No such file", "--config"]);
}

#[test]
fn missing_secrets_stop_the_boot() {
    let secrets = [
        "TIFFIN_SEAL_KEYS",
        "TIFFIN_EDGE_PUBLIC_KEYS",
        "TIFFIN_CORE_SIGNING_KEYS",
        "TIFFIN_GATEWAY_TWILIO_SMS_AUTH_TOKEN",
        "TIFFIN_GATEWAY_TWILIO_SMS_2_AUTH_TOKEN",
    ];
    for name in secrets {
        says(&Boot::new().unset(name).refused(), &[name, "is not set"]);
    }
}

#[test]
fn malformed_secrets_stop_the_boot_and_are_not_repeated() {
    let value = "hunter2-hunter2-hunter2";
    for name in ["TIFFIN_SEAL_KEYS", "TIFFIN_EDGE_PUBLIC_KEYS", "TIFFIN_CORE_SIGNING_KEYS", "TIFFIN_API_KEYS"]
    {
        for value in [value.to_owned(), format!("k1:{value}"), format!("[\"{value}\"]")] {
            let said = Boot::new().set(name, &value).refused();
            says(&said, &[name]);
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
}

#[test]
fn a_secret_file_that_cannot_be_read_stops_the_boot() {
    let name = "TIFFIN_SEAL_KEYS";
    let boot = Boot::new().unset(name).set("TIFFIN_SEAL_KEYS_FILE", "/nowhere/seal-keys");
    says(&boot.refused(), &["TIFFIN_SEAL_KEYS_FILE", "/nowhere/seal-keys"]);
}

#[test]
fn bad_overrides_name_their_variable() {
    let cases = [
        ("TIFFIN_BUS_PARTITIONS", "many", "invalid type"),
        ("TIFFIN_BUS_PARTITIONS", "0", "1 to 64"),
        ("TIFFIN_BUS_PARTITION", "8", "unknown field"),
        ("TIFFIN_SERVER_LISTEN", "somewhere", "invalid"),
        ("TIFFIN_GATEWAY_TWILIO_SMS_FROM", "+15", "no number"),
        ("TIFFIN_GATEWAY_TWILIO_SMS_2_FROM", "+15", "no number"),
    ];
    for (name, value, reason) in cases {
        says(&Boot::new().set(name, value).refused(), &[name, reason]);
    }
}

#[test]
fn a_sim_swap_service_that_cannot_be_used_stops_the_boot() {
    let usable =
        "base_url = 'https://api.test/sim-swap/v2'\ntoken_url = 'https://api.test/token'\nclient_id = 'us'";
    let with = |keys: &str| Boot::new().replace("[sandbox]", &format!("[sim_swap]\n{keys}\n[sandbox]"));
    let cases: [(&str, &[&str]); 11] = [
        ("base_url = 'https://api.test'", &["client_id"]),
        ("client_id = 'us'", &["sim_swap.base_url", "http(s) address"]),
        ("client_id = 'us'\nbase_url = 'https://api.test'", &["sim_swap.token_url", "http(s) address"]),
        (
            "client_id = 'us'\nbase_url = 'http://api.test'\ntoken_url = 'https://api.test'",
            &["must be https"],
        ),
        (
            "client_id = 'us'\nsandbox = true\nbase_url = 'https://api.test'",
            &["sim_swap.base_url", "another host"],
        ),
        (&format!("{usable}\nmax_age_hours = 2401"), &["sim_swap.max_age_hours", "1 to 2400"]),
        (&format!("{usable}\ntimeout_ms = 99"), &["sim_swap.timeout_ms", "100 to 5000"]),
        (&format!("{usable}\nwhen_unknown = 'maybe'"), &["when_unknown", "refuse", "send"]),
        (&format!("{usable}\nscope = 'a\\tb'").replace('\'', "\""), &["sim_swap.scope", "visible"]),
        (&format!("{usable}\nclient_secret = 'hunter2'"), &["client_secret", "unknown field"]),
        (usable, &["TIFFIN_SIM_SWAP_CLIENT_SECRET", "not set"]),
    ];
    for (keys, words) in cases {
        let said = with(keys).refused();
        says(&said, words);
    }
    let asks = Boot::new().replace("risk = \"high\"", "risk = \"high\"\nsim_swap = true");
    says(&asks.refused(), &["tenants.dev.services.payment.sim_swap", "nobody to ask", "[sim_swap]"]);
}

#[test]
fn servers_that_are_away_stop_the_boot_with_what_to_do() {
    let port = free_port();
    for (name, scheme) in [("REDIS_URL", "redis"), ("AMQP_URL", "amqp")] {
        let url = format!("{scheme}://user:hunter2@127.0.0.1:{port}");
        let said = Boot::new().set(name, &url).refused();
        says(&said, &[name, "Start it, mend the address, or unset"]);
        assert!(!said.contains("hunter2"), "{said}");
        says(&Boot::new().set(name, "nonsense").refused(), &[name]);
    }
}

#[test]
fn a_port_in_use_stops_the_boot() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = Boot::new().set("TIFFIN_SERVER_LISTEN", &address).refused();
    says(&said, &[&address, "is another process there?"]);
}

/// Nobody listens there: it was free a moment ago, and is not handed out again soon.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
