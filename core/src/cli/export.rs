//! `tiffin export`: closed orders or money of a period, on standard output as they come.

use std::io::IsTerminal as _;
use std::io::Write as _;

use anyhow::Context;
use clap::Args;
use clap::ValueEnum;

use super::ops;
use super::ops::Core;
use super::progress::Progress;

/// What, of when, how.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  tiffin export orders --since 2026-11-01 --until 2026-12-01 --format csv > november.csv\n  \
    tiffin export evidence --gateway vonage-sms --since 2026-11-21 > vonage.ndjson\nPackets as files, for some orders only: tiffin evidence"
)]
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
    // Beside rows on the same screen a line of progress would only be in the way.
    let is_wanted = !to.is_json() && !std::io::stdout().is_terminal();
    let (mut lines, mut progress) = (0, Progress::new("lines", None, is_wanted));
    let mut out = std::io::stdout();
    while let Some(piece) = response.chunk().await.with_context(|| {
        format!(
            "the export was cut short: what was printed is not whole. {lines} lines came; begin anew, or ask for a shorter \
             period with --since and --until"
        )
    })? {
        let more = piece.iter().filter(|byte| **byte == b'\n').count();
        lines += more;
        progress.add(more as u64);
        match out.write_all(&piece) {
            Ok(()) => {}
            // `| head` has seen enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(out.flush()?)
}
