//! What an upgrade cost.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context;
use reqwest::Method;

use super::installation::Installation;
use super::load::Ordered;
use super::load::Seen;
use super::version::Version;

/// The figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Orders that were answered with 202.
    pub accepted: usize,
    /// Of these, those whose code arrived.
    pub delivered: usize,
    /// Of these, those whose code did not.
    pub lost: usize,
    /// Messages beyond an order's first.
    pub duplicates: usize,
    /// Codes that verified.
    pub verified: usize,
    /// Orders that no try was accepted of.
    pub refused: usize,
    /// Jobs that wait for an operator.
    pub dead: usize,
    /// Calls of the public API.
    pub requests: usize,
    /// Those that failed, and were made again, by what they answered.
    pub failed: BTreeMap<String, usize>,
    /// From acceptance to arrival, of 50, 99 and 100 in 100.
    pub took: [Duration; 3],
}

/// Counts, when nothing more is under way.
pub async fn count(installation: &Installation, head: &Version, seen: &Seen) -> anyhow::Result<Tally> {
    let url = format!("{}/inbox", installation.client.sandbox);
    let reply = installation.client.raw(Method::GET, url, &[], Vec::new()).await?;
    let messages = reply.body["messages"].as_array().context("no inbox")?;
    let mut came: HashMap<&str, usize> = HashMap::new();
    for message in messages {
        *came.entry(message["to"].as_str().unwrap_or_default()).or_default() += 1;
    }
    let mut tally = Tally { dead: installation.dead(head)?, ..Tally::default() };
    (tally.requests, tally.failed) = seen.requests();
    let mut took = Vec::new();
    for Ordered { id, phone, result, took: one, .. } in seen.orders() {
        if id.is_none() {
            tally.refused += 1;
            continue;
        }
        let messages = came.get(phone.as_str()).copied().unwrap_or(0);
        tally.accepted += 1;
        tally.delivered += usize::from(messages > 0);
        tally.lost += usize::from(messages == 0);
        tally.duplicates += messages.saturating_sub(1);
        tally.verified += usize::from(result.as_deref() == Some("verified"));
        took.extend(one);
    }
    took.sort_unstable();
    let of = |percent: usize| took.get((took.len() * percent / 100).min(took.len().saturating_sub(1)));
    tally.took = [50, 99, 100].map(|percent| of(percent).copied().unwrap_or_default());
    Ok(tally)
}

/// Warnings and errors of each process, most frequent first: `count level message`.
pub fn complaints(installation: &Installation) -> anyhow::Result<Vec<String>> {
    let mut lines = Vec::new();
    for (name, log) in installation.logs()? {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for line in log.lines() {
            let level = [" WARN ", " ERROR "].into_iter().find(|level| line.contains(level));
            let Some((_, said)) = level.and_then(|level| line.split_once(level)) else { continue };
            let said: String = said.split(" order=").next().unwrap_or_default().chars().take(160).collect();
            *counts.entry(said).or_default() += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        lines.extend(counts.into_iter().take(6).map(|(said, count)| format!("{name}: {count} × {said}")));
    }
    lines.sort();
    Ok(lines)
}
