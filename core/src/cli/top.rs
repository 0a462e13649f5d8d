//! `tiffin top`: how the installation fares, again every two seconds.

mod screen;

use std::io::IsTerminal;
use std::io::Write;
use std::time::Duration;

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use self::screen::Size;
use super::ops::Core;
use super::ops::path;
use crate::plain;

/// How often it is drawn anew.
const PERIOD: Duration = Duration::from_secs(2);
/// To the upper left corner, and what stands there goes; then back to the shell's own screen.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";
const HOME: &str = "\x1b[H\x1b[J";

/// How to show it.
#[derive(Args)]
pub struct Arguments {
    /// hour, day or week
    #[arg(long, default_value = "hour")]
    span: String,
    /// Print it once, for scripts
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    to: Core,
}

/// Shows it until Ctrl-C.
pub async fn run(Arguments { span, once, to }: Arguments) -> anyhow::Result<()> {
    let asked = path(&["overview"], &format!("?span={}", path(&[&span], "")));
    if once || !std::io::stdout().is_terminal() {
        let reply = to.ask(Method::GET, &asked, None).await?;
        to.print(&reply, || screen::draw(&reply, Size::of_terminal().unbounded()));
        return Ok(());
    }
    // Before the screen is taken: what is wrong from the start is told on the shell's own.
    let first = to.ask(Method::GET, &asked, None).await?;
    show(ENTER)?;
    let shown = tokio::select! {
        shown = redraw(&to, &asked, first) => shown,
        _ = tokio::signal::ctrl_c() => Ok(()),
    };
    show(LEAVE)?;
    shown
}

async fn redraw(to: &Core, asked: &str, first: Value) -> anyhow::Result<()> {
    let mut latest = first;
    let mut trouble = None;
    loop {
        let mut text = screen::draw(&latest, Size::of_terminal());
        if let Some(trouble) = &trouble {
            text = format!("{trouble}\n{text}");
        }
        show(&format!("{HOME}{}", plain::text(&text).replace('\n', "\r\n")))?;
        tokio::time::sleep(PERIOD).await;
        trouble = None;
        match to.ask(Method::GET, asked, None).await {
            Ok(reply) => latest = reply,
            // What was last known stays, and says how old it is.
            Err(error) => trouble = Some(format!("! {error:#}")),
        }
    }
}

fn show(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes())?;
    out.flush()
}
