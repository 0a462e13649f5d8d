//! People who run an installation: what each may do, what he shows to prove who he is, and how long a sign-in lasts.

pub mod attempts;
pub mod session;
mod token;

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

pub use self::attempts::Attempts;
pub use self::session::Command;
pub use self::session::IDLE_MS;
pub use self::session::LIFE_MS;
pub use self::session::Session;
pub use self::session::SignedIn;
pub use self::token::TokenDigest;
pub use self::token::write_token;

/// What somebody may do. Each may all that the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks: figures, orders, settings. Sees no evidence, exports nothing and changes nothing.
    Viewer,
    /// Helps a customer: cancels and repeats orders, takes evidence, works on escalations and webhook deliveries.
    Support,
    /// Runs the installation: routes, tenants, keys, money, dead letters, erasure, and who the operators are.
    Operator,
}

impl Role {
    /// From the least to the most.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Support, Self::Operator];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Support => "support",
            Self::Operator => "operator",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One of them, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// What he may do.
    pub role: Role,
    /// Of his token.
    pub digest: TokenDigest,
}
