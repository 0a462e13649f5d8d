//! What operators set by API and command line: tenants, API keys, how the ways out are preferred, and who operators are. It stands
//! beside the settings file: what the file names is the file's.
//!
//! There is one state. Every change names the version that its maker saw, so that of two at once one is told so, and leaves
//! an entry that stays in the state until the audit log has it: no change is without one, whoever dies in between. A missing
//! state means that nothing was ever set.

mod change;
mod diff;
mod merge;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

pub use self::change::By;
pub use self::change::Change;
pub use self::change::Refusal;
pub use self::change::Wish;
pub use self::diff::diff;
pub use self::merge::Dropped;
use crate::directory::ApiKey;
use crate::directory::Countries;
use crate::directory::Tenant;
use crate::id::GatewayId;
use crate::id::OperatorId;
use crate::id::TenantId;
use crate::machine::Machine;
use crate::machine::Step;
use crate::machine::Write;
use crate::operator::Operator;
use crate::time::UnixMs;

/// The end of the year 9999: settings have no end, and stores want one.
const FOREVER: UnixMs = UnixMs(253_402_300_799_000);

/// The machine.
pub enum Admin {}

/// Everything that was set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    clock: UnixMs,
    /// Counts every change.
    pub version: u64,
    /// By name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tenants: BTreeMap<TenantId, Kept<Tenant>>,
    /// Oldest first; revoked ones stay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<Kept<ApiKey>>,
    /// Over what the file says of a gateway.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub routes: BTreeMap<GatewayId, Kept<RouteSettings>>,
    /// Who may use the operators' API and the console, each with a token of his own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub operators: BTreeMap<OperatorId, Kept<Operator>>,
    /// Changes that the audit log does not have yet, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unlogged: Vec<Entry>,
}

/// A thing with the version of the change that made it so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept<T> {
    /// [`Settings::version`] after that change.
    pub version: u64,
    /// The thing.
    pub value: T,
}

/// What of a gateway's settings goes before the file's; each may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteSettings {
    /// Where it delivers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub countries: Option<Countries>,
    /// Of one message, or one segment of a text message, in millionths of your currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_micros: Option<u64>,
    /// Lower goes first, whatever the figures say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u16>,
    /// Its share of the orders among gateways of one priority: [`WEIGHT_DEFAULT`] where only others have one. 0 begins none.
    ///
    /// [`WEIGHT_DEFAULT`]: crate::route::share::WEIGHT_DEFAULT
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u16>,
}

/// A change, as the audit log shows it. No secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// [`Settings::version`] after it.
    pub n: u64,
    /// When.
    pub at: UnixMs,
    /// Who.
    pub by: By,
    /// What was done: `tenant.put shop`.
    pub what: String,
    /// What differed before; null for nothing.
    pub before: Value,
    /// What differs now; null for nothing.
    pub after: Value,
}

/// What is asked.
#[derive(Clone, Debug)]
pub enum Command {
    /// Change, if everything still is at version `seen`: whoever asks has checked it against that.
    Change {
        /// [`Settings::version`].
        seen: u64,
        /// What.
        wish: Box<Wish>,
    },
    /// The audit log has every change up to this one.
    Logged(u64),
    /// Show.
    Read,
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Done, or as asked: everything as it is now.
    Settings(Box<Settings>),
    /// Not done.
    Refused(Refusal),
    /// Not done: there was a change since, perhaps of something else. Check again.
    Stale,
}

impl Machine for Admin {
    type State = Settings;
    type Command = Command;
    type Reply = Reply;

    fn step(state: Option<Settings>, command: &Command, now: UnixMs) -> Step<Settings, Reply> {
        let settings = state.filter(|_| now < FOREVER).unwrap_or_default();
        let now = settings.clock.max(now);
        match command {
            Command::Read => Step::keep(Reply::Settings(Box::new(settings))),
            Command::Change { seen, .. } if *seen != settings.version => Step::keep(Reply::Stale),
            Command::Change { wish, .. } => match settings.changed(wish, now) {
                Ok(changed) => changed.put(now),
                Err(refusal) => Step::keep(Reply::Refused(refusal)),
            },
            Command::Logged(up_to) => {
                let mut settings = settings;
                if settings.unlogged.first().is_none_or(|first| first.n > *up_to) {
                    return Step::keep(Reply::Settings(Box::new(settings)));
                }
                settings.unlogged.retain(|entry| entry.n > *up_to);
                settings.put(now)
            }
        }
    }
}

impl Settings {
    fn put(mut self, now: UnixMs) -> Step<Self, Reply> {
        self.clock = now;
        let reply = Reply::Settings(Box::new(self.clone()));
        Step { reply, write: Write::Put { state: self, expires_at: FOREVER, wake_at: None } }
    }
}
