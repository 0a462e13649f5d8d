//! What is written down, and what a process shows.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use reqwest::Method;
use tiffin_core::config::names::METRICS_TOKEN;
use tiffin_tests::client::Reply;
use tiffin_tests::servers::root;
use tiffin_tests::stack::Stack;

/// A file of the repository.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// The names of the alerts, in their order.
pub fn alerts() -> Vec<String> {
    let text = read("ops/prometheus/alerts.yml");
    let names = text.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    names.map(str::to_owned).collect()
}

/// The table of the documents: each metric with its labels.
pub fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let text = read("docs/OPERATIONS.md");
    let section = text.split("\n## Metrics\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let mut all = BTreeMap::new();
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = row.split('|').collect();
        for name in quoted(cells[1]) {
            all.insert(name.to_owned(), labels(cells[3]));
        }
    }
    all
}

/// The labels come first, outside the parentheses that list their values.
fn labels(cell: &str) -> BTreeSet<String> {
    let mut depth = 0;
    let outside: String = cell
        .chars()
        .filter(|char| {
            depth += i32::from(*char == '(') - i32::from(*char == ')');
            depth == 0
        })
        .collect();
    let first = outside.split('.').next().unwrap();
    quoted(first).map(str::to_owned).collect()
}

fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// A series of a scrape: its family's name as the documents have it, its labels, its value.
#[derive(Debug)]
pub struct Sample {
    pub family: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// Every series of a scrape.
pub fn samples(text: &str) -> Vec<Sample> {
    assert!(text.ends_with("# EOF\n"), "{}", &text[text.len() - 100..]);
    let histograms: BTreeSet<_> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" histogram")).collect();
    let parse = |line: &str| {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let suffix = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        let family = suffix.filter(|family| histograms.contains(family)).unwrap_or(name);
        let pairs = labels.trim_end_matches('}').split("\",").filter(|pair| !pair.is_empty());
        let pair = |pair: &str| {
            let (name, value) = pair.split_once("=\"").unwrap();
            (name.to_owned(), value.trim_end_matches('"').to_owned())
        };
        let labels = pairs.map(pair).filter(|(name, _)| name != "le").collect();
        Sample { family: family.to_owned(), labels, value: value.parse().unwrap() }
    };
    text.lines().filter(|line| !line.starts_with('#')).map(parse).collect()
}

/// A scrape with this token.
pub async fn scrape_with(stack: &Stack, base: &str, token: &str) -> anyhow::Result<Reply> {
    let bearer = format!("Bearer {token}");
    stack.client.raw(Method::GET, format!("{base}/metrics"), &[("authorization", &bearer)], Vec::new()).await
}

/// What core shows.
pub async fn scrape(stack: &Stack) -> anyhow::Result<String> {
    let reply = scrape_with(stack, &stack.client.core, stack.variable(METRICS_TOKEN)?).await?;
    anyhow::ensure!(reply.status == 200, "{reply:?}");
    Ok(reply.text)
}

/// The sum of a family's series with these labels.
pub fn sum(samples: &[Sample], family: &str, labels: &[(&str, &str)]) -> f64 {
    let is_it = |sample: &&Sample| {
        let has = |(name, value): &(&str, &str)| sample.labels.get(*name).is_some_and(|it| it == value);
        sample.family == family && labels.iter().all(has)
    };
    samples.iter().filter(is_it).map(|sample| sample.value).sum()
}
