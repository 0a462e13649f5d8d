//! An authenticator app that is enrolled before the rotation, and used during and after it.

use anyhow::Context;
use reqwest::Method;
use serde_json::json;
use tiffin_core::host;
use tiffin_shared::factor::totp;
use tiffin_shared::factor::totp::Algorithm;
use tiffin_shared::factor::totp::Seed;
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
        let secret = uri.split(['?', '&']).find_map(|part| part.strip_prefix("secret="));
        Ok(Self { id: reply.id()?, seed: Seed::new(&base32(secret.context("no secret")?)?) })
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

fn base32(text: &str) -> anyhow::Result<Vec<u8>> {
    let (mut bits, mut held, mut bytes) = (0_u32, 0_u32, Vec::new());
    for letter in text.bytes() {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == letter);
        bits = (bits << 5) | u32::try_from(value.context("not base32")?)?;
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff)?);
        }
    }
    Ok(bytes)
}
