//! What `--help` says is there, and its examples are understood.

use super::*;

/// Every command without commands below it, by its words.
fn leaves(command: &clap::Command, words: &str, found: &mut Vec<(String, clap::Command)>) {
    let below: Vec<_> = command.get_subcommands().filter(|it| it.get_name() != "help").collect();
    for it in &below {
        leaves(it, &format!("{words} {}", it.get_name()), found);
    }
    if below.is_empty() {
        found.push((words.to_owned(), command.clone()));
    }
}

fn all() -> Vec<(String, clap::Command)> {
    let mut command = Arguments::command();
    command.build();
    let mut found = Vec::new();
    leaves(&command, "tiffin", &mut found);
    found
}

#[test]
fn every_command_and_argument_says_what_it_is_for() {
    Arguments::command().debug_assert();
    let leaves = all();
    assert!(leaves.len() > 50, "{}", leaves.len());
    for (words, leaf) in leaves {
        assert!(leaf.get_about().is_some(), "{words} says nothing");
        for argument in leaf.get_arguments() {
            assert!(argument.get_help().is_some(), "{words}: {} says nothing", argument.get_id());
        }
    }
}

#[test]
fn what_is_looked_at_is_there_for_programs_too() {
    let looks = ["audit", "deliveries", "entries", "find", "list", "show", "stats", "top"];
    for (words, leaf) in all() {
        let is_look = looks.iter().any(|look| words.ends_with(&format!(" {look}")));
        let has_json = leaf.get_arguments().any(|argument| argument.get_id() == "json");
        assert!(!is_look || has_json, "{words} has no --json");
    }
}

fn examples(command: &clap::Command) -> Vec<String> {
    let own = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut found: Vec<_> =
        own.lines().filter_map(|line| line.strip_prefix("  ")).map(ToOwned::to_owned).collect();
    found.extend(command.get_subcommands().flat_map(examples));
    found
}

#[test]
fn every_example_is_understood() {
    let found = examples(&Arguments::command());
    assert!(found.len() > 25, "{}", found.len());
    for example in found {
        let words = example.split(" > ").next().unwrap_or_default().split(' ');
        assert!(Arguments::try_parse_from(words).is_ok(), "{example}");
    }
}
