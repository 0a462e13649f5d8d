//! What the edge answers when something that it needs is missing, and whom it lends memory to.

use std::time::Duration;

use reqwest::Method;
use tempfile::TempDir;
use tiffin_shared::http::internal::DIRECTORY_PATH;
use tiffin_shared::http::internal::EVENTS_PATH;
use tiffin_tests::client::Client;
use tiffin_tests::client::Reply;
use tiffin_tests::client::fresh_phone;
use tiffin_tests::edge;
use tiffin_tests::keys::Keys;
use tiffin_tests::keys::Variables;
use tiffin_tests::process::Process;
use tiffin_tests::stack::Backing;
use tiffin_tests::stack::Front;
use tiffin_tests::stack::Stack;
use tiffin_tests::stack::edge_variables;
use tiffin_tests::wait;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::caller::Caller;

/// Takes both places away in which a pushed directory is kept.
const WITHOUT_STORES: &str = r#"
import { WorkerEntrypoint } from "cloudflare:workers";
import Edge from "./index.js";
export { DirectoryObject, FactorObject, LedgerObject, VisitorObject } from "./index.js";
export default class extends WorkerEntrypoint {
  fetch(request) {
    const { DIRECTORY, DIRECTORY_COPY, ...env } = this.env;
    return new Edge(this.ctx, env).fetch(request);
  }
}
"#;

/// The copy is there and cannot be read; the first place answers, and has nothing: as after a restore.
const WITHOUT_COPY: &str = r#"
import { WorkerEntrypoint } from "cloudflare:workers";
import Edge from "./index.js";
export { DirectoryObject, FactorObject, LedgerObject, VisitorObject } from "./index.js";
const away = async () => { throw new Error("the store is away"); };
export default class extends WorkerEntrypoint {
  fetch(request) {
    const DIRECTORY_COPY = { get: away, getWithMetadata: away, put: away, list: away, delete: away };
    return new Edge(this.ctx, { ...this.env, DIRECTORY_COPY }).fetch(request);
  }
}
"#;

/// An edge alone, once it is alive; with nothing but this in its environment.
async fn alive(
    dir: &TempDir,
    keys: &Keys,
    driver: Option<&str>,
    variables: impl FnOnce(u16) -> anyhow::Result<Variables>,
) -> anyhow::Result<(Process, Client)> {
    let port = wait::free_ports(2)?;
    let variables = variables(port + 1)?;
    let dir = dir.path().join("edge");
    let edge = match driver {
        None => edge::start(&dir, port, &variables)?,
        Some(driver) => edge::start_behind(&dir, port, &variables, driver)?,
    };
    let at = |port| format!("http://127.0.0.1:{port}");
    let client = Client::new(at(port), at(port + 1), at(port + 1), keys.secret.clone())?;
    wait::until("the edge", || get(&client, "/healthz"), |reply| reply.status == 200).await?;
    Ok((edge, client))
}

async fn get(client: &Client, path: &str) -> anyhow::Result<Reply> {
    client.raw(Method::GET, format!("{}{path}", client.edge), &[], Vec::new()).await
}

#[tokio::test]
async fn the_edge_is_alive_without_settings_and_not_ready() -> anyhow::Result<()> {
    let dir = TempDir::with_prefix("tiffin-door-")?;
    let keys = Keys::make(&dir.path().join("keys"))?;
    let (_edge, client) = alive(&dir, &keys, None, |_| Ok(Variables::new())).await?;
    let ready = get(&client, "/readyz").await?;
    assert_eq!((ready.status, ready.code()), (503, Some("unavailable")), "{ready:?}");
    Ok(())
}

/// It would have to serve by the directory it was deployed with, in which a key may have been revoked since.
#[tokio::test]
async fn no_key_is_known_where_nobody_can_tell_which_are_revoked() -> anyhow::Result<()> {
    let dir = TempDir::with_prefix("tiffin-door-")?;
    let keys = Keys::make(&dir.path().join("keys"))?;
    for driver in [WITHOUT_STORES, WITHOUT_COPY] {
        let (_edge, client) = alive(&dir, &keys, Some(driver), |core| edge_variables(&keys, core)).await?;
        for _ in 0..2 {
            let reply = Caller::new(&client, &keys.secret).order(&fresh_phone()).await?;
            assert_eq!((reply.status, reply.code()), (503, Some("unavailable")), "{reply:?}");
            assert!(reply.header("retry-after").is_some());
        }
    }
    Ok(())
}

#[tokio::test]
async fn nobody_but_core_is_asked_for_the_body_of_a_push() -> anyhow::Result<()> {
    let stack = Stack::start(Front::Edge, Backing::Memory).await?;
    let address = stack.client.edge.trim_start_matches("http://");
    for path in [DIRECTORY_PATH, EVENTS_PATH] {
        let mut stream = TcpStream::connect(address).await?;
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n{{");
        stream.write_all(head.as_bytes()).await?;
        // The rest never comes.
        let mut reply = [0; 12];
        tokio::time::timeout(Duration::from_secs(10), stream.read_exact(&mut reply)).await??;
        assert_eq!(&reply, b"HTTP/1.1 401", "{path}");
    }
    Ok(())
}
