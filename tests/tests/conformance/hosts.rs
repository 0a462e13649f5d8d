//! The three hosts, with the same keys.

use std::sync::Arc;

use tempfile::TempDir;
use tiffin_core::config::names;
use tiffin_core::gateways::call::install_tls;
use tiffin_core::store;
use tiffin_core::store::Store;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::id::LedgerId;
use tiffin_shared::keys::Ring;
use tiffin_shared::ledger;
use tiffin_shared::ledger::Event;
use tiffin_shared::ledger::Outcome;
use tiffin_shared::seal::PrivateKey;
use tiffin_shared::seal::Sealer;
use tiffin_tests::edge;
use tiffin_tests::keys::Keys;
use tiffin_tests::keys::Variables;
use tiffin_tests::process::Process;
use tiffin_tests::servers::SHARED_REDIS;
use tiffin_tests::servers::Server;
use tiffin_tests::stack::edge_variables;
use tiffin_tests::wait;

/// Hands requests to the Durable Object as the front door does, without its parsing.
const DRIVER: &str = r#"
export * from "./index.js";
export default {
  async fetch(request, env) {
    const ledger = env.LEDGERS.get(env.LEDGERS.idFromName(new URL(request.url).pathname.slice(1)));
    return ledger.fetch("https://ledger/", { method: "POST", body: `{"event":${await request.text()},"hold":null}` });
  },
};
"#;

pub struct Hosts {
    pub memory: Store,
    pub redis: Store,
    /// Another connection to the same Redis and prefix, as a second process has it.
    pub redis_too: Store,
    pub keys: Arc<ledger::Keys>,
    pub workers: Ring<PrivateKey>,
    installation: Keys,
    object: Option<(Process, u16)>,
    http: reqwest::Client,
    _redis: Option<Server>,
    _dir: TempDir,
}

impl Hosts {
    pub async fn start() -> anyhow::Result<Self> {
        let mut hosts = Self::without_object().await?;
        let port = wait::free_ports(1)?;
        // Nobody listens there: hand-overs fail and change nothing, so the script alone writes.
        let nobody = wait::free_ports(1)?;
        let variables = edge_variables(&hosts.installation, nobody)?;
        let process = edge::start_behind(&hosts._dir.path().join("edge"), port, &variables, DRIVER)?;
        hosts.object = Some((process, port));
        let look = || async { Ok(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()) };
        wait::until("workerd", look, |answers| *answers).await?;
        Ok(hosts)
    }

    pub async fn without_object() -> anyhow::Result<Self> {
        install_tls();
        let dir = TempDir::with_prefix("tiffin-conformance-")?;
        let keys = Keys::make(&dir.path().join("keys"))?;
        let edge = keys.config(&Variables::new())?.edge()?;
        let sealer = Sealer::new(edge.seal_to.current(), &Entropy::new([7; 32]))?;
        let seal = keys.core.get(names::SEAL_KEYS).cloned().unwrap_or_default();
        let (url, own) = match std::env::var(SHARED_REDIS) {
            Ok(url) => (url, None),
            Err(_) => {
                let server = Server::redis(&dir.path().join("redis")).await?;
                (server.url(), Some(server))
            }
        };
        let prefix = format!("conformance-{}-{}", std::process::id(), wait::free_ports(1)?);
        Ok(Self {
            memory: Store::Memory(store::Memory::default()),
            redis: Store::Redis(store::Redis::connect(&url, &prefix).await?),
            redis_too: Store::Redis(store::Redis::connect(&url, &prefix).await?),
            keys: Arc::new(ledger::Keys { peppers: edge.peppers, sealer }),
            workers: Ring::parse(&seal, |_, key| PrivateKey::new(key))?,
            installation: keys,
            object: None,
            http: reqwest::Client::new(),
            _redis: own,
            _dir: dir,
        })
    }

    pub async fn ask_object(&self, ledger: LedgerId, event: &Event) -> anyhow::Result<Outcome> {
        let Some((process, port)) = &self.object else { anyhow::bail!("no object in this test") };
        let url = format!("http://127.0.0.1:{port}/{ledger}");
        let response = self.http.post(url).body(serde_json::to_string(event)?).send().await?;
        let (status, text) = (response.status(), response.text().await?);
        anyhow::ensure!(status.is_success(), "{status}: {text}\n{}", process.log());
        // Beside it the object says whether it had room to wait.
        let told: serde_json::Value = serde_json::from_str(&text)?;
        Ok(serde_json::from_value(told.get("outcome").cloned().unwrap_or_default())?)
    }
}
