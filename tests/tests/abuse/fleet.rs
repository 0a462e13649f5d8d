//! An installation with more tenants and keys than the development settings have.

use tiffin_core::host;
use tiffin_shared::directory::ApiKey;
use tiffin_shared::directory::KeyKind;
use tiffin_shared::directory::key_digest;
use tiffin_shared::directory::write_key;
use tiffin_shared::id::KeyId;
use tiffin_shared::id::ServiceId;
use tiffin_shared::id::TenantId;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;

use crate::caller::Caller;

/// Variable of the API keys' digests.
pub const API_KEYS: &str = "TIFFIN_API_KEYS";

/// A key and what its digest says of it.
pub struct Key {
    pub text: String,
    pub entry: ApiKey,
}

impl Key {
    /// Anywhere, for every service of the tenant.
    pub fn of(tenant: &str, kind: KeyKind) -> anyhow::Result<Self> {
        let text = write_key(kind, host::random()?);
        let id = format!("{}{:08x}", kind.prefix().replace('_', "-"), u32::from_be_bytes(host::random()?));
        let entry = ApiKey {
            id: KeyId::parse(&id)?,
            tenant: TenantId::parse(tenant)?,
            kind,
            digest: key_digest(&text),
            origins: Vec::new(),
            services: Vec::new(),
            revoked: false,
        };
        Ok(Self { text, entry })
    }

    /// For one page alone.
    pub fn at(mut self, origin: &str) -> Self {
        self.entry.origins.push(origin.to_owned());
        self
    }

    /// For one service alone.
    pub fn only_for(mut self, service: &str) -> anyhow::Result<Self> {
        self.entry.services.push(ServiceId::parse(service)?);
        Ok(self)
    }

    /// A caller who shows it.
    pub fn caller(&self, stack: &Stack) -> Caller {
        Caller::new(&stack.client, &self.text)
    }
}

/// The digests as core reads them.
pub fn digests<'a>(keys: impl IntoIterator<Item = &'a Key>) -> anyhow::Result<String> {
    let entries: Vec<_> = keys.into_iter().map(|key| &key.entry).collect();
    Ok(serde_json::to_string(&entries)?)
}

/// The development settings and these lines, and these API keys in place of its own. Behind a proxy, or Cloudflare.
pub async fn start(front: Front, lines: &str, keys: &[Key]) -> anyhow::Result<Stack> {
    let digests = digests(keys)?;
    let more = [(API_KEYS, digests.as_str()), crate::caller::PROXY[0]];
    let edit = |settings: &str| format!("{settings}\n{lines}\n");
    let mut stack = Stack::launch(front, Backing::Memory, &more, edit).await?;
    if front == Front::Edge {
        // Deployed anew with this directory, so that no test waits until core has pushed it.
        stack.keys.core.insert(API_KEYS.to_owned(), digests);
        stack.edge = None;
        stack.start_edge().await?;
    }
    Ok(stack)
}

/// A tenant like the development one.
pub fn tenant(name: &str, more: &str) -> String {
    format!("[tenants.{name}]\n{more}\n[tenants.{name}.services.login]\nbrand = \"Shop {name}\"\n")
}
