//! Subcommands.

mod abuse;
mod balance;
mod check;
mod dead;
mod edge_env;
mod erase;
mod escalation;
mod export;
mod keys;
mod logs;
mod operator;
mod ops;
pub(crate) mod order;
mod route;
mod send;
mod tenant;
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
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Look at jobs that could not be worked on, replay or discard them
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
    Escalation {
        #[command(subcommand)]
        command: escalation::Command,
    },
    /// Print closed orders, or money entries, of a period
    Export(export::Arguments),
    /// Make, list and revoke API keys of a running installation
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
    Phone {
        #[command(subcommand)]
        command: abuse::PhoneCommand,
    },
    /// Look at the ways out, and hold or release their breakers
    Route {
        #[command(subcommand)]
        command: route::Command,
    },
    /// Play the providers, with an inbox page
    Sandbox,
    /// Send one test message through one gateway, past queue, router and breaker
    Send(send::Arguments),
    /// Look at tenants, add, change and remove them
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
                eprintln!("tiffin: {}", explain(&error));
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
