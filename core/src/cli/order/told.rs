//! What happened to an order, in words.

use tiffin_shared::order::AttemptState;
use tiffin_shared::order::Happening;
use tiffin_shared::order::Hint;
use tiffin_shared::order::Moved;
use tiffin_shared::order::Reason;
use tiffin_shared::order::Recall;
use tiffin_shared::price::amount;
use tiffin_shared::wire::api::Channel;

/// One line.
pub fn happening(what: &Happening) -> String {
    match what {
        Happening::Answered { n, state, reason, provider_id } => {
            let id = provider_id.as_ref().map_or(String::new(), |id| format!(" as {id}"));
            format!("attempt {n} {}{}{id}", attempt(*state), because(*reason))
        }
        Happening::Attempt { n, channel, gateway, sender, changed, why, after: _ } => {
            let sender = sender.as_ref().map_or(String::new(), |sender| format!(" from {}", sender.as_str()));
            format!("attempt {n} by {gateway}{sender} ({}): {changed} [{why}]", channel.as_str())
        }
        Happening::CalledOff { by, came_to } => format!("{by} calls it off: {came_to}"),
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
            format!("money: {what} {}{attempt}{why}", amount(*micros))
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
        Happening::RetryAsked { by, reason, channel, after } => {
            let failed = after.as_ref().and_then(|after| after.reason.zip(after.class));
            let failed = failed.map_or(String::new(), |(reason, class)| {
                format!(" after {} [{}]", reason.as_str(), name(&class))
            });
            format!("{by} asks for a retry ({}){failed}: {reason}", channel.as_str())
        }
        Happening::Retried { by, channel, may_change, why } => {
            let by_channel = channel.map_or("another way", Channel::as_str);
            format!("{by}'s retry goes by {by_channel}, {why} (new would be: {})", names(may_change))
        }
        Happening::RetryRefused { code, why, may_change, .. } => {
            let new = if may_change.is_empty() {
                String::new()
            } else {
                format!(" (new would be: {})", names(may_change))
            };
            format!("retry refused ({code}): {why}{new}")
        }
        Happening::SimChecked { verdict } => {
            format!("the number's network was asked about its SIM: {}", verdict.as_str())
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

fn names(channels: &[Channel]) -> String {
    let names: Vec<_> = channels.iter().map(|channel| channel.as_str()).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// As JSON has it.
fn name(of: &impl serde::Serialize) -> String {
    serde_json::to_value(of).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}
