//! `tiffin export`: closed orders or money of a period, on standard output as they come.

use std::io::Write as _;

use anyhow::Context;
use clap::Args;
use clap::ValueEnum;

use super::ops;
use super::ops::Core;

/// What, of when, how.
#[derive(Args)]
pub struct Arguments {
    /// What
    #[arg(value_enum)]
    what: What,
    /// From this day or time on, by UTC: 2026-11-01 or 2026-11-01T12:00:00Z
    #[arg(long)]
    since: Option<String>,
    /// Before this day or time
    #[arg(long)]
    until: Option<String>,
    /// Of this tenant; of all without it
    #[arg(long)]
    tenant: Option<String>,
    /// Through this account (for evidence, which needs it)
    #[arg(long)]
    gateway: Option<String>,
    /// As what
    #[arg(long, value_enum, default_value = "ndjson")]
    format: Format,
    #[command(flatten)]
    to: Core,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// Closed orders with their attempts
    Orders,
    /// Money entries
    Ledger,
    /// What is known of each order that went through one gateway
    Evidence,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// RFC 4180
    Csv,
    /// A line of JSON for each
    Ndjson,
}

/// Prints it.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { what, since, until, tenant, gateway, format, to } = arguments;
    let path = match what {
        What::Orders => "export/orders",
        What::Ledger => "export/ledger",
        What::Evidence => "evidence",
    };
    let format = match format {
        Format::Csv => "csv",
        Format::Ndjson => "ndjson",
    };
    let given = [("since", since), ("until", until), ("tenant", tenant), ("gateway", gateway)];
    let mut query = format!("format={format}");
    for (name, value) in given {
        if let Some(value) = value {
            query.push_str(&format!("&{name}={}", ops::path(&[&value], "")));
        }
    }
    let mut response = to.stream(&format!("{path}?{query}")).await?;
    let mut out = std::io::stdout().lock();
    while let Some(piece) =
        response.chunk().await.context("the export was cut short: what was printed is not whole")?
    {
        match out.write_all(&piece) {
            Ok(()) => {}
            // `| head` has seen enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(out.flush()?)
}
