//! The `tiffin` program.

use std::process::ExitCode;

use tiffin_core::cli;

#[tokio::main]
async fn main() -> ExitCode {
    cli::run().await
}
