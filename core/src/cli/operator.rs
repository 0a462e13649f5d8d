//! `tiffin operator`: people with roles and tokens of their own.

use clap::Subcommand;
use clap::ValueEnum;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::ops::Core;
use super::ops::path;
use super::ops::text;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Give somebody a role, and a token that is printed this once
    Add {
        /// a-z, 0-9, '-' and '_'
        name: String,
        /// What he may do
        #[arg(long, value_enum)]
        role: Role,
        #[command(flatten)]
        core: Core,
    },
    /// Who there is, with which role
    List {
        #[command(flatten)]
        core: Core,
    },
    /// His token and his sign-ins open nothing any more
    Remove {
        /// Who
        name: String,
        #[command(flatten)]
        core: Core,
    },
    /// Give him another role, or a new token in place of the old one
    Set {
        /// Who
        name: String,
        /// What he may do from now on
        #[arg(long, value_enum, required_unless_present = "new_token")]
        role: Option<Role>,
        /// The old one, and every sign-in with it, opens nothing any more
        #[arg(long)]
        new_token: bool,
        #[command(flatten)]
        core: Core,
    },
}

/// As in [`tiffin_shared::operator::Role`].
#[derive(Clone, Copy, ValueEnum)]
pub enum Role {
    /// Looks
    Viewer,
    /// Helps customers: orders, evidence, escalations
    Support,
    /// Runs the installation
    Operator,
}

impl Role {
    fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => tiffin_shared::operator::Role::Viewer.as_str(),
            Self::Support => tiffin_shared::operator::Role::Support.as_str(),
            Self::Operator => tiffin_shared::operator::Role::Operator.as_str(),
        }
    }
}

/// Asks core, and prints.
pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add { name, role, core } => {
            let body = json!({"name": name, "role": role.as_str()});
            let reply = core.ask(Method::POST, "operators", Some(body)).await?;
            core.print(&reply, || with_token(&reply));
        }
        Command::List { core } => {
            let reply = core.ask(Method::GET, "operators", None).await?;
            core.print(&reply, || list(&reply));
        }
        Command::Remove { name, core } => {
            let reply = core.ask(Method::DELETE, &path(&["operators", &name], ""), None).await?;
            core.print(&reply, || format!("{name} is no operator any more"));
        }
        Command::Set { name, role, new_token, core } => {
            let body = match role {
                Some(role) => json!({"role": role.as_str(), "new_token": new_token}),
                None => json!({"new_token": new_token}),
            };
            let reply = core.ask(Method::PUT, &path(&["operators", &name], ""), Some(body)).await?;
            core.print(&reply, || with_token(&reply));
        }
    }
    Ok(())
}

fn with_token(reply: &Value) -> String {
    let line = format!("{} is {}", text(Some(reply), "name"), text(Some(reply), "role"));
    match reply.get("token").and_then(Value::as_str) {
        Some(token) => format!(
            "{line}. The token, shown this once; it signs in at /console/, and is TIFFIN_OPERATOR_TOKEN of this command:\n{token}"
        ),
        None => line,
    }
}

fn list(reply: &Value) -> String {
    let rows = reply.get("operators").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if rows.is_empty() {
        return "Nobody has a token of his own. `tiffin operator add NAME --role viewer` makes one."
            .to_owned();
    }
    let line = |row: &Value| {
        let of = |name| text(Some(row), name);
        format!("{:<24} {:<10} {}", of("name"), of("role"), of("token_id"))
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
