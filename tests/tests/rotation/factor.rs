//! An authenticator app that is enrolled before the rotation, and used during and after it.

use anyhow::Context;
use reqwest::Method;
use serde_json::json;
use tiffin_core::host;
use tiffin_shared::factor::totp;
use tiffin_shared::factor::totp::Algorithm;
use tiffin_shared::factor::totp::Seed;
use tiffin_tests::authenticator;
use tiffin_tests::client::Client;
use tiffin_tests::client::fresh_key;

pub struct App {
    id: String,
    seed: Seed,
}

impl App {
    pub async fn enrol(client: &Client) -> anyhow::Result<Self> {
        let body = json!({"account": "alice@example.com", "issuer": "Shop"});
        let headers = [("idempotency-key", fresh_key())];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        let reply = client.call(Method::POST, "/v1/factors", &headers, &body).await?;
        let uri = reply.body["otpauth_uri"].as_str().with_context(|| format!("no URI in {reply:?}"))?;
        Ok(Self { id: reply.id()?, seed: authenticator::seed(uri)? })
    }

    /// Types in the code of so many steps from now; a code a step away counts as well, and none counts twice.
    pub async fn use_at(&self, client: &Client, steps: i64) -> anyhow::Result<()> {
        let step = totp::step_at(host::now()).saturating_add_signed(steps);
        let code = totp::code(Algorithm::Sha1, &self.seed, step, 6);
        let path = format!("/v1/factors/{}/verify", self.id);
        let reply = client.call(Method::POST, &path, &[], &json!({"code": code.as_str()})).await?;
        anyhow::ensure!(reply.body["result"] == "verified", "{steps}: {reply:?}");
        Ok(())
    }
}
