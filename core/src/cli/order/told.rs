//! What happened to an order, in words.

use tiffin_shared::order::AttemptState;
use tiffin_shared::order::Happening;
use tiffin_shared::order::Hint;
use tiffin_shared::order::Moved;
use tiffin_shared::order::Reason;
use tiffin_shared::order::Recall;

use crate::cli::balance;

/// One line.
pub fn happening(what: &Happening) -> String {
    match what {
        Happening::Answered { n, state, reason, provider_id } => {
            let id = provider_id.as_ref().map_or(String::new(), |id| format!(" as {id}"));
            format!("attempt {n} {}{}{id}", attempt(*state), because(*reason))
        }
        Happening::Attempt { n, channel, gateway, sender, changed, why } => {
            let sender = sender.as_ref().map_or(String::new(), |sender| format!(" from {}", sender.as_str()));
            format!("attempt {n} by {gateway}{sender} ({}): {changed} [{why}]", channel.as_str())
        }
        Happening::CancelAsked { n } => format!("attempt {n}: the provider is asked to stop it"),
        Happening::Cancelled { n, outcome } => format!("attempt {n}: {}", recall(*outcome)),
        Happening::Ended { state, why } => format!("{}: {why}", name(state)),
        Happening::Hint { n, hint: Hint::Arrived } => {
            format!("attempt {n} arrived, by an unsigned receipt: no other way is tried for its silence")
        }
        Happening::Hint { n, hint: Hint::Lost } => {
            format!("attempt {n} was lost, by an unsigned receipt: its silence counts from now on")
        }
        Happening::Looked { n, found } => format!("attempt {n}: the provider was asked: {found}"),
        Happening::Money { what, micros, n, why } => {
            let what = match what {
                Moved::Capture => "charged",
                Moved::Hold => "on hold:",
                Moved::Refund => "refunded",
                Moved::Refused => "not put on hold:",
                Moved::Release => "released",
            };
            let attempt = n.map_or(String::new(), |n| format!(" for attempt {n}"));
            let why = why.as_ref().map_or(String::new(), |why| format!(" ({why})"));
            format!("money: {what} {}{attempt}{why}", balance::micros(*micros))
        }
        Happening::Noted { why } => format!("waits: {why}"),
        Happening::Polled { n, status } => format!("attempt {n}: the provider says {status}"),
        Happening::Receipt { n, state, reason, late } => {
            let late = if *late { ", after the end: nothing follows from it" } else { "" };
            format!("attempt {n} {}{}, by the provider's receipt{late}", attempt(*state), because(*reason))
        }
        Happening::Resend { n, channel } => {
            format!("asked for once more, by {} (resend {n})", channel.as_str())
        }
    }
}

fn recall(outcome: Recall) -> &'static str {
    match outcome {
        Recall::Asked => "the provider is being asked to stop it",
        Recall::Erased => "it had left already; the provider erased its text",
        Recall::Stopped => "the provider stopped it",
        Recall::TooLate => "it had left already",
        Recall::Unknown => "whether the provider stopped it is not known",
        Recall::Unsupported => "the provider has no way to stop it",
    }
}

fn attempt(state: AttemptState) -> String {
    name(&state)
}

fn because(reason: Option<Reason>) -> String {
    reason.map_or(String::new(), |reason| format!(" ({})", reason.as_str()))
}

/// As JSON has it.
fn name(of: &impl serde::Serialize) -> String {
    serde_json::to_value(of).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}
