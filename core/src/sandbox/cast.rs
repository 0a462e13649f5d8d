//! Whom the sandbox plays.

use super::Account;
use super::camara::SimSwapClient;

/// Whom the sandbox plays.
#[derive(Default)]
pub struct Cast {
    /// The providers of these accounts.
    pub accounts: Vec<Account>,
    /// The SIM Swap service of this client.
    pub sim_swap: Option<SimSwapClient>,
}

impl From<Vec<Account>> for Cast {
    fn from(accounts: Vec<Account>) -> Self {
        Self { accounts, sim_swap: None }
    }
}
