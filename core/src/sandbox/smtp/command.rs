//! What a client says (RFC 5321, 4.1.1; RFC 4954 for `AUTH`; RFC 3461 for the parameters of reports).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A command, read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// `AUTH`, with its mechanism and the first response, where there is one.
    Auth(String, Option<String>),
    Data,
    Ehlo,
    Helo,
    Mail(Path),
    Noop,
    Quit,
    Rcpt(Path),
    Rset,
    /// One that is not here.
    Unknown,
    /// A known one that does not read.
    Wrong,
}

/// `<user@mail.example> NAME=value …`
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) address: String,
    params: Vec<(String, String)>,
}

impl Path {
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn read(text: &str, verb: &str) -> Option<Self> {
        let rest = text
            .get(..verb.len())
            .filter(|start| start.eq_ignore_ascii_case(verb))
            .and(text.get(verb.len()..))?;
        let (address, params) = rest.trim_start().strip_prefix('<')?.split_once('>')?;
        let param = |word: &str| {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            (name.to_ascii_uppercase(), value.to_owned())
        };
        Some(Self {
            address: address.to_owned(),
            params: params.split_ascii_whitespace().map(param).collect(),
        })
    }
}

impl Command {
    /// Reads a line without its end.
    pub(super) fn read(line: &str) -> Self {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "AUTH" => {
                let mut words = rest.split_ascii_whitespace();
                let Some(mechanism) = words.next() else { return Self::Wrong };
                Self::Auth(mechanism.to_ascii_uppercase(), words.next().map(str::to_owned))
            }
            "DATA" => Self::Data,
            "EHLO" => Self::Ehlo,
            "HELO" => Self::Helo,
            "MAIL" => Path::read(rest, "FROM:").map_or(Self::Wrong, Self::Mail),
            "NOOP" => Self::Noop,
            "QUIT" => Self::Quit,
            "RCPT" => Path::read(rest, "TO:").map_or(Self::Wrong, Self::Rcpt),
            "RSET" => Self::Rset,
            _ => Self::Unknown,
        }
    }
}

/// One base64 response of `AUTH`.
pub(super) fn decoded(text: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok()
}

/// Name and password of `AUTH PLAIN` (RFC 4616): `\0name\0password`.
pub(super) fn plain(text: &str) -> Option<(String, String)> {
    let decoded = decoded(text)?;
    let (_, rest) = decoded.split_once('\0')?;
    let (name, password) = rest.split_once('\0')?;
    Some((name.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_in_any_case() {
        assert_eq!(Command::read("ehlo x"), Command::Ehlo);
        assert_eq!(Command::read("NOOP"), Command::Noop);
        assert_eq!(
            Command::read("auth plain AGEAYg=="),
            Command::Auth("PLAIN".into(), Some("AGEAYg==".into()))
        );
        let Command::Rcpt(path) = Command::read("rcpt to:<user@mail.example> notify=SUCCESS,FAILURE") else {
            panic!("RCPT")
        };
        assert_eq!(
            (path.address.as_str(), path.param("NOTIFY")),
            ("user@mail.example", Some("SUCCESS,FAILURE"))
        );
        for wrong in ["MAIL", "MAIL FROM:user@mail.example", "RCPT TO:<x", "MAIL é", "AUTH"] {
            assert_eq!(Command::read(wrong), Command::Wrong, "{wrong}");
        }
        assert_eq!(Command::read("VRFY x"), Command::Unknown);
        assert_eq!(plain("AGEAYg=="), Some(("a".into(), "b".into())));
    }
}
