//! How much waits.

use tiffin_shared::time::UnixMs;

/// How much waits, as the bus can tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Messages that wait: in memory those that are not done with; in RabbitMQ those that no worker has taken.
    pub messages: u64,
    /// When the oldest of them came. RabbitMQ does not tell.
    pub oldest_at: Option<UnixMs>,
    /// Dead letters.
    pub dead: u64,
}
