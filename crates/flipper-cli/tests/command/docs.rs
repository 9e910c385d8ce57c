//! The documentation of the command tells of everything that the command has.

use super::support::{Done, flipper};

fn help(of: &[&str]) -> String {
    let home = tempfile::tempdir().unwrap();
    Done::of(flipper(home.path()).args(of).arg("--help").output().unwrap()).ok()
}

/// The names of what stands in a section of a help text.
fn subcommands(help: &str) -> Vec<String> {
    let section = help.split_once("Commands:\n").map_or("", |(_, rest)| rest);
    let lines = section.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
    names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").map(str::to_owned).collect()
}

fn options(help: &str) -> Vec<String> {
    let words = help.lines().filter(|line| line.trim_start().starts_with('-')).flat_map(str::split_whitespace);
    let words = words.map(|word| word.trim_end_matches([',', '.']).to_owned());
    let mut options: Vec<_> = words.filter(|word| word.starts_with("--") && word.len() > 2).collect();
    options.sort();
    options.dedup();
    options
}

#[test]
fn every_command_and_every_option_is_documented() {
    let documentation = include_str!("../../../../docs/command.md");
    let commands = subcommands(&help(&[]));
    assert!(commands.len() > 10, "{commands:?}");
    for command in &commands {
        let section = documentation.split_once(&format!("\n## `flipper {command}`")).map(|(_, rest)| rest);
        let section = section.unwrap_or_else(|| panic!("docs/command.md has no section about {command}"));
        let section = section.split_once("\n## ").map_or(section, |(section, _)| section);
        let inner = subcommands(&help(&[command.as_str()]));
        let helps = std::iter::once(help(&[command.as_str()]))
            .chain(inner.iter().map(|inner| help(&[command.as_str(), inner.as_str()])));
        for name in &inner {
            assert!(section.contains(&format!("flipper {command} {name}")), "{command} {name} is not documented");
        }
        for option in helps.flat_map(|help| options(&help)) {
            let known = ["--help", "--version", "--state-dir"].contains(&option.as_str()) || section.contains(&option);
            assert!(known, "{option} of {command} is not documented");
        }
    }
}

#[test]
fn completions_know_every_command() {
    let home = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = Done::of(flipper(home.path()).args(["completions", shell]).output().unwrap()).ok();
        for command in subcommands(&help(&[])) {
            assert!(script.contains(&command), "{shell} does not know {command}");
        }
    }
}
