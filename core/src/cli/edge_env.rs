//! `tiffin edge-env`: what the worker must know of the settings.

use tiffin_shared::config::CORE_URL;
use tiffin_shared::config::DIRECTORY;

use crate::config::Config;

/// Prints `NAME='value'` lines.
pub fn print(config: &Config) -> anyhow::Result<()> {
    // In single quotes nothing is special but the quote itself, which JSON can write as an escape.
    let directory = serde_json::to_string(&config.directory()?.without_words())?.replace('\'', "\\u0027");
    let core_url = &config.file.server.public_url;
    #[expect(clippy::print_stdout, reason = "what was asked for")]
    {
        println!("{DIRECTORY}='{directory}'\n{CORE_URL}='{core_url}'");
    }
    Ok(())
}
