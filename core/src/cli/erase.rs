//! `tiffin erase`: one phone is forgotten.

use anyhow::Context;
use clap::Args;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::ops::Core;
use super::ops::text;

/// Which.
#[derive(Args)]
pub struct Arguments {
    /// +919876543210, or - to read it from standard input, past the shell's history
    #[arg(long)]
    phone: String,
    #[command(flatten)]
    to: Core,
}

/// Erases it, and says what was there.
pub async fn run(Arguments { phone, to }: Arguments) -> anyhow::Result<()> {
    let phone = match phone.as_str() {
        "-" => std::io::read_to_string(std::io::stdin()).context("no number on standard input")?,
        _ => phone,
    };
    let reply = to.ask(Method::POST, "erasure", Some(json!({"phone": phone.trim()}))).await?;
    to.print(&reply, || {
        let of = Some(&reply);
        let mut lines = vec![format!(
            "erased: {} orders, {} records, {} message ids, {} dead letters",
            text(of, "orders"),
            text(of, "records"),
            text(of, "references"),
            text(of, "letters")
        )];
        for kept in reply.get("kept").and_then(Value::as_array).into_iter().flatten() {
            lines.push(format!("kept: {}", kept.as_str().unwrap_or_default()));
        }
        lines.join("\n")
    });
    Ok(())
}
