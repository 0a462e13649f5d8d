//! Subcommands.

mod abuse;
mod balance;
mod check;
mod dead;
mod edge_env;
mod erase;
mod escalation;
mod evidence;
mod export;
mod keys;
mod logs;
mod operator;
mod ops;
pub(crate) mod order;
mod progress;
mod route;
mod send;
mod tenant;
#[cfg(test)]
mod tests;
mod top;
mod webhook;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::CommandFactory;
use clap::Parser;
use clap::Subcommand;

use tiffin_shared::http::openapi;

use crate::app::Role;
use crate::config::Config;
use crate::plain;
use crate::serve;

/// OTP delivery that you run yourself.
#[derive(Parser)]
#[command(name = "tiffin", version)]
struct Arguments {
    /// Settings; every scalar also by environment (TIFFIN_BUS_PARTITIONS=16)
    #[arg(long, global = true, default_value = "tiffin.toml", env = "TIFFIN_CONFIG")]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Look at what is challenged or blocked and why, and let it go
    #[command(
        after_help = "Examples:\n  tiffin abuse list\n  tiffin abuse release shop IN\n  tiffin abuse network - --release"
    )]
    Abuse {
        #[command(subcommand)]
        command: abuse::Command,
    },
    /// Show what operators did: who, when, before and after
    Audit {
        /// From this row on
        #[arg(long, default_value_t = 0)]
        from: u64,
        #[command(flatten)]
        to: ops::Core,
    },
    /// Look at tenants' accounts, and put money in
    #[command(
        after_help = "Examples:\n  tiffin balance list\n  tiffin balance credit shop --micros 25000000 --reference invoice-7"
    )]
    Balance {
        #[command(subcommand)]
        command: balance::Command,
    },
    /// Read settings and secrets, connect to store and bus, and say what is wrong
    CheckConfig {
        /// Try each gateway's credentials too; nothing is sent
        #[arg(long)]
        live: bool,
    },
    /// Print completions for a shell: tiffin completions bash > /etc/bash_completion.d/tiffin
    #[command(
        after_help = "Examples:\n  tiffin completions bash > /etc/bash_completion.d/tiffin\n  tiffin completions zsh > ~/.zfunc/_tiffin"
    )]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Look at jobs that could not be worked on, replay or discard them
    #[command(after_help = "Examples:\n  tiffin dead list\n  tiffin dead replay --all --max 1000")]
    Dead {
        #[command(subcommand)]
        command: dead::Command,
    },
    /// Everything in one process: public API, core, sandbox (in memory, or on REDIS_URL and AMQP_URL)
    Dev,
    /// Print the edge's variables that follow from the settings, as an env file
    EdgeEnv,
    /// Forget one phone, on its owner's request
    Erase(erase::Arguments),
    /// Look at what is escalated, open, assign and resolve
    #[command(
        after_help = "Examples:\n  tiffin escalation list\n  tiffin escalation open --kind refund --subject vonage-sms --text Overdue. --gateway vonage-sms\n  tiffin escalation resolve 12 Refunded."
    )]
    Escalation {
        #[command(subcommand)]
        command: escalation::Command,
    },
    /// Write the evidence packets of many orders into a folder, a file for each
    Evidence(Box<evidence::Arguments>),
    /// Print closed orders, or money entries, of a period
    Export(export::Arguments),
    /// Make, list and revoke API keys of a running installation
    #[command(
        after_help = "Examples:\n  tiffin key make --tenant shop\n  tiffin key make --tenant shop --publishable --service login --origin https://example.com"
    )]
    Key {
        #[command(subcommand)]
        command: tenant::KeyCommand,
    },
    /// Make, list and rotate keys
    Keys {
        #[command(subcommand)]
        command: keys::Command,
    },
    /// Look at operators, add, change and remove them
    #[command(
        after_help = "Examples:\n  tiffin operator add asha --role support\n  tiffin operator set asha --role operator\n  tiffin operator set asha --new-token"
    )]
    Operator {
        #[command(subcommand)]
        command: operator::Command,
    },
    /// Print the public API's description (OpenAPI 3.1)
    #[command(name = "openapi")]
    OpenApi,
    /// Look at an order's delivery
    Order {
        #[command(subcommand)]
        command: order::Command,
    },
    /// Unlock a phone for its owner
    #[command(after_help = "Examples:\n  tiffin phone unlock --tenant shop --phone - --reason known")]
    Phone {
        #[command(subcommand)]
        command: abuse::PhoneCommand,
    },
    /// Look at the ways out, and hold or release their breakers
    #[command(
        after_help = "Examples:\n  tiffin route list\n  tiffin route stats --country IN\n  tiffin route open twilio-sms\n  tiffin route release twilio-sms"
    )]
    Route {
        #[command(subcommand)]
        command: route::Command,
    },
    /// Play the providers, with an inbox page
    Sandbox,
    /// Send one test message through one gateway, past queue, router and breaker
    Send(send::Arguments),
    /// Look at tenants, add, change and remove them
    #[command(
        after_help = "Examples:\n  tiffin tenant show shop\n  tiffin tenant put shop --file shop.toml --version 7"
    )]
    Tenant {
        #[command(subcommand)]
        command: tenant::Command,
    },
    /// Run core
    Serve {
        /// What this process does
        #[arg(long, value_enum, value_delimiter = ',', default_value = "ingest,deliver,callbacks,ops")]
        roles: Vec<Role>,
    },
    /// How the installation fares, again every two seconds: orders, latency, queues, breakers, balances
    Top(top::Arguments),
    /// Where tenants are told what happens
    #[command(
        after_help = "Examples:\n  tiffin webhook add shop main --to-url https://example.com/hooks --events order.delivered,order.failed\n  tiffin webhook replay shop main --hours 24"
    )]
    Webhook {
        #[command(subcommand)]
        command: webhook::Command,
    },
}

/// Runs the program: 0 when all went well, 1 with the reason on standard error when not.
pub async fn run() -> ExitCode {
    let arguments = Arguments::parse();
    match execute(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "the person at the terminal is who must read this")]
            {
                eprintln!("tiffin: {}", plain::text(&explain(&error)));
            }
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes, without those whose words stand in it already.
fn explain(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

async fn execute(Arguments { config, command }: Arguments) -> anyhow::Result<()> {
    let load = || Config::load(&config);
    match command {
        Command::Abuse { command } => abuse::run(command).await,
        Command::Audit { from, to } => tenant::audit(from, to).await,
        Command::Balance { command } => balance::run(command).await,
        Command::CheckConfig { live } => check::run(load()?, live).await,
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "tiffin", &mut std::io::stdout());
            Ok(())
        }
        Command::Dead { command } => dead::run(command).await,
        Command::Dev => {
            logs::start()?;
            let roles = [Role::Ingest, Role::Deliver, Role::Callbacks, Role::Ops, Role::Public];
            serve::serve(load()?, &roles, true).await
        }
        Command::EdgeEnv => edge_env::print(&load()?),
        Command::Erase(arguments) => erase::run(arguments).await,
        Command::Escalation { command } => escalation::run(command).await,
        Command::Evidence(arguments) => evidence::run(*arguments).await,
        Command::Export(arguments) => export::run(arguments).await,
        Command::Key { command } => tenant::run_key(command).await,
        Command::Keys { command } => keys::run(command, load),
        Command::Operator { command } => operator::run(command).await,
        Command::OpenApi => {
            let text = openapi::text();
            #[expect(clippy::print_stdout, reason = "what was asked for")]
            {
                println!("{text}");
            }
            Ok(())
        }
        Command::Order { command } => order::run(command).await,
        Command::Phone { command } => abuse::run_phone(command).await,
        Command::Route { command } => route::run(command).await,
        Command::Sandbox => {
            logs::start()?;
            serve::sandbox(load()?).await
        }
        Command::Send(arguments) => send::run(load()?, &arguments).await,
        Command::Tenant { command } => tenant::run(command).await,
        Command::Serve { roles } => {
            logs::start()?;
            serve::serve(load()?, &roles, false).await
        }
        Command::Top(arguments) => top::run(arguments).await,
        Command::Webhook { command } => webhook::run(command).await,
    }
}
