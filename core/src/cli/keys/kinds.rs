//! The rings of an installation: where each stands, and what must have passed before an old key may go.

use clap::ValueEnum;
use tiffin_shared::config;
use tiffin_shared::directory::TTL_MS_MAX;
use tiffin_shared::id::KeyId;
use tiffin_shared::keys;
use tiffin_shared::keys::Signing;
use tiffin_shared::seal::PrivateKey;
use tiffin_shared::sign::SKEW_MS_MAX;
use tiffin_shared::time::MINUTE_MS;

use crate::config::names;

/// Core's variables.
pub const CORE: &str = "core.env";
/// The edge's variables.
pub const EDGE: &str = "edge.env";
/// API keys in clear.
pub const CLIENTS: &str = "clients.env";

/// The longest life of a code, and how far two clocks may be apart.
const CODE_MINUTES: u64 = (TTL_MS_MAX + SKEW_MS_MAX) / MINUTE_MS;
const SKEW_MINUTES: u64 = SKEW_MS_MAX / MINUTE_MS;

/// What can be rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Digests of codes (edge)
    Pepper,
    /// Seals jobs (edge) and opens them (core)
    Seal,
    /// Signs jobs (edge), checked by core
    EdgeSigning,
    /// Signs events (core), checked by the edge
    CoreSigning,
    /// Signs challenges (edge)
    Challenge,
    /// Seals enrolled factors (edge)
    Factor,
    /// API keys of tenants (core keeps their digests)
    Api,
}

/// A variable and the file it stands in.
#[derive(Clone, Copy)]
pub struct Place {
    /// Such as `edge.env`.
    pub file: &'static str,
    /// Such as `TIFFIN_PEPPERS`.
    pub name: &'static str,
}

/// The public half of a private key.
pub type Derive = fn(&KeyId, [u8; 32]) -> Result<[u8; 32], keys::Error>;

/// A ring, and the public ring that must know its keys.
pub struct Rotation {
    /// Who holds the secrets.
    pub private: Place,
    /// Who must know their public halves.
    pub public: Option<(Place, Derive)>,
}

/// All rings, in the order they are listed.
pub const RINGS: [Kind; 6] =
    [Kind::Pepper, Kind::Seal, Kind::EdgeSigning, Kind::CoreSigning, Kind::Challenge, Kind::Factor];

const fn edge(name: &'static str) -> Place {
    Place { file: EDGE, name }
}

const fn core(name: &'static str) -> Place {
    Place { file: CORE, name }
}

fn sealing(_: &KeyId, seed: [u8; 32]) -> Result<[u8; 32], keys::Error> {
    Ok(PrivateKey::new(seed)?.public())
}

// The shape that `sealing` needs.
#[expect(clippy::unnecessary_wraps, reason = "one of two functions of this shape")]
fn signing(id: &KeyId, seed: [u8; 32]) -> Result<[u8; 32], keys::Error> {
    Ok(Signing::new(id, seed).public())
}

impl Kind {
    /// As it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pepper => "pepper",
            Self::Seal => "seal",
            Self::EdgeSigning => "edge-signing",
            Self::CoreSigning => "core-signing",
            Self::Challenge => "challenge",
            Self::Factor => "factor",
            Self::Api => "api",
        }
    }

    /// Its rings; API keys have none, since all of them are accepted alike.
    pub fn rotation(self) -> Option<Rotation> {
        let (private, public): (_, Option<(_, Derive)>) = match self {
            Self::Pepper => (edge(config::PEPPERS), None),
            Self::Seal => (core(names::SEAL_KEYS), Some((edge(config::SEAL_PUBLIC_KEYS), sealing))),
            Self::EdgeSigning => {
                (edge(config::EDGE_SIGNING_KEYS), Some((core(names::EDGE_PUBLIC_KEYS), signing)))
            }
            Self::CoreSigning => {
                (core(names::CORE_SIGNING_KEYS), Some((edge(config::CORE_PUBLIC_KEYS), signing)))
            }
            Self::Challenge => (edge(config::CHALLENGE_KEYS), None),
            Self::Factor => (edge(config::FACTOR_KEYS), None),
            Self::Api => return None,
        };
        Some(Rotation { private, public })
    }

    /// What must be true before the processes lose the old key. Follows "once".
    pub fn wait(self) -> String {
        match self {
            Self::Pepper => format!(
                "every edge has used the new one for {CODE_MINUTES} minutes: the longest life of a code, and the clocks' difference"
            ),
            Self::Seal => format!(
                "every edge has sealed for the new one for {CODE_MINUTES} minutes, and the queues and dead letters are drained"
            ),
            Self::EdgeSigning => format!(
                "every edge has signed with the new one for {CODE_MINUTES} minutes, and the dead letters are drained: jobs keep their signature in the queue"
            ),
            Self::CoreSigning => format!(
                "every core process has signed with the new one for {SKEW_MINUTES} minute: an older request is refused anyway"
            ),
            Self::Challenge => format!(
                "every edge has used the new one for {CODE_MINUTES} minutes: a challenge is worth nothing by then"
            ),
            Self::Factor => {
                "no enrolled factor is sealed with the old one any more: what it sealed cannot be opened without it"
                    .to_owned()
            }
            Self::Api => "every client has its new key".to_owned(),
        }
    }
}
