//! Looks for secrets in everything that an installation wrote.

use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

use tempfile::TempDir;
use tiffin_shared::bytes;

/// Where API keys belong.
const KEYS: &str = "keys";
/// Shorter text holds no code with its field or sentence around it.
const BASE64_CHARS_MIN: usize = 12;

/// What must not be found.
#[derive(Default)]
pub struct Secrets {
    /// Six digits each.
    pub codes: BTreeSet<String>,
    /// E.164, with the plus.
    pub phones: BTreeSet<String>,
    /// Found as they are.
    pub keys: BTreeSet<String>,
}

impl Secrets {
    /// Where each one was found: empty when all is well.
    pub fn search(&self, dir: &Path) -> anyhow::Result<Vec<String>> {
        let mut found = Vec::new();
        for path in files(dir)? {
            let content = std::fs::read(&path)?;
            let shown = path.strip_prefix(dir).unwrap_or(&path).display().to_string();
            found.extend(self.digits(&content).into_iter().map(|what| format!("{shown}: {what}")));
            for decoded in base64_runs(&content) {
                let found_in = self.digits(&decoded).into_iter();
                found.extend(found_in.map(|what| format!("{shown}: {what} in base64")));
            }
            if !path.starts_with(dir.join(KEYS)) {
                let keys = self.keys.iter().filter(|key| holds(&content, key));
                found.extend(keys.map(|_| format!("{shown}: an API key")));
            }
        }
        Ok(found)
    }

    fn digits(&self, content: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        let mut end = 0;
        while let Some(skipped) = content.get(end..).and_then(|rest| rest.iter().position(u8::is_ascii_digit))
        {
            let start = end + skipped;
            let rest = content.get(start..).unwrap_or_default();
            end = start + rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
            let run = std::str::from_utf8(content.get(start..end).unwrap_or_default()).unwrap_or_default();
            let before = content.get(start.saturating_sub(12)..start).unwrap_or_default();
            if self.codes.contains(run) && is_code(before, content.get(end..).unwrap_or_default()) {
                found.push(format!("code {run} at byte {start}"));
            }
            if run.len() >= 10 {
                let phones = self.phones.iter().filter(|phone| run.contains(phone.trim_start_matches('+')));
                found.extend(phones.map(|phone| format!("phone {phone} at byte {start}")));
            }
        }
        found
    }
}

/// Six digits that stand alone, or with a code's name or sentence. Fractions of a second are neither.
fn is_code(before: &[u8], after: &[u8]) -> bool {
    let joins = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let stands_alone = !joins(before.last()) && before.last() != Some(&b'.') && !joins(after.first());
    let is_named = String::from_utf8_lossy(before).to_lowercase().contains("code");
    let sentences = [" is your", "+is+your", "%20is%20your", " approves"];
    stands_alone || is_named || sentences.iter().any(|words| after.starts_with(words.as_bytes()))
}

/// What stretches of base64 decode to, from each of the four places where a group may begin.
fn base64_runs(content: &[u8]) -> Vec<Vec<u8>> {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    let runs = content.split(|byte| !is_base64(byte)).filter(|run| run.len() >= BASE64_CHARS_MIN);
    let text = runs.map(|run| String::from_utf8_lossy(run).replace('+', "-").replace('/', "_"));
    let decode = |text: String| {
        let from = |start: usize| {
            let rest = text.get(start..)?;
            bytes::decode(rest.get(..rest.len() / 4 * 4)?)
        };
        (0..4).filter_map(from).collect::<Vec<_>>()
    };
    text.flat_map(decode).collect()
}

/// Whether the bytes are anywhere in `content`.
pub fn holds(content: &[u8], text: &str) -> bool {
    content.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Every file below `dir`.
pub fn files(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let (mut found, mut folders) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    Ok(found)
}

#[test]
fn the_scanner_finds_what_is_planted_and_nothing_else() -> anyhow::Result<()> {
    let secrets = Secrets {
        codes: ["314159".to_owned()].into(),
        phones: ["+919876543210".to_owned()].into(),
        keys: ["sk_planted".to_owned()].into(),
    };
    let planted = [
        ("code in a log", b"INFO a code 314159 was sent".as_slice()),
        ("code in a sentence", b"\x00\x17x314159 is your Tiffin code"),
        ("code in a form", b"To=%2B1&Body=314159+is+your+code"),
        ("code in JSON", br#"{"v":1,"code":"314159"}"#),
        ("code as a JSON number", br#"{"pin":314159}"#),
        ("code in a binary record", b"\x00\x01\x06314159\x00\x00"),
        ("code in base64", b"{\"body\":\"eyJjb2RlIjoiMzE0MTU5In0\"}"),
        ("code in base64, shifted", b"xIkNvZGUiOiIzMTQxNTki"),
        ("phone with plus", b"to +919876543210, at once"),
        ("phone in JSON", br#"{"phone":"919876543210"}"#),
        ("phone in a form", b"To=%2B919876543210&From=1"),
        ("key", b"Authorization: Bearer sk_planted\n"),
    ];
    for (what, content) in planted {
        let dir = TempDir::new()?;
        std::fs::create_dir(dir.path().join("deep"))?;
        std::fs::write(dir.path().join("deep/file"), content)?;
        assert_eq!(secrets.search(dir.path())?.len(), 1, "{what}: {:?}", secrets.search(dir.path())?);
    }
    let dir = TempDir::new()?;
    std::fs::create_dir(dir.path().join(KEYS))?;
    std::fs::write(dir.path().join("keys/clients.env"), "KEY='sk_planted'")?;
    let clean = "2026-11-20T10:00:00.314159Z id=a314159b at=1795314159000 +91 98••••3210 31415";
    std::fs::write(dir.path().join("log"), clean)?;
    assert_eq!(secrets.search(dir.path())?, [""; 0]);
    Ok(())
}
