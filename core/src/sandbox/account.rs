//! The accounts that the sandbox plays the provider for.

use crate::gateways::account;
use crate::gateways::account::Secrets;
use crate::gateways::account::secret_variable;
use crate::gateways::kinds::CALLBACK_SECRET;
use crate::gateways::kinds::Door;

/// An account as its gateway is configured. No `Debug`: it holds the secrets.
pub struct Account {
    account: account::Account,
    secrets: Secrets,
    callback_url: String,
}

impl Account {
    /// Fails where a secret is missing that the kind needs. `public_url` is core's, for providers whose callback address is
    /// set up in their console.
    pub fn new(
        account: account::Account,
        public_url: &str,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let secrets = Secrets::read(&account, &variable)?;
        let is_secret = matches!(account.kind.door.of(&secrets), Door::Secret | Door::Tagged);
        let secret = variable(&secret_variable(&account.name, CALLBACK_SECRET)).filter(|_| is_secret);
        let secret = secret.map(|secret| format!("/{secret}")).unwrap_or_default();
        let callback_url = format!("{public_url}/callbacks/{}{secret}", account.name);
        Ok(Self { account, secrets, callback_url })
    }

    /// Faults and messages are filed under it.
    pub fn gateway(&self) -> &str {
        self.account.name.as_str()
    }

    /// What it speaks.
    pub fn kind(&self) -> &'static str {
        self.account.kind.name
    }

    /// What it delivers.
    pub fn channel(&self) -> &'static str {
        self.account.kind.channel.as_str()
    }

    /// A key of its kind; nothing where it is not text.
    pub fn key(&self, name: &str) -> &str {
        self.account.key(name).unwrap_or_default()
    }

    /// A secret; nothing where the account does without.
    pub fn secret(&self, name: &str) -> String {
        self.secrets.find(name).map(|secret| secret.expose().clone()).unwrap_or_default()
    }

    /// Where a provider with one address for all receipts posts them.
    pub fn callback_url(&self) -> &str {
        &self.callback_url
    }

    /// Its first sender.
    pub fn sender(&self) -> &str {
        self.account.settings.senders.first().map_or("", |sender| sender.id.as_str())
    }
}
