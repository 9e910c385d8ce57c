//! docs/conformance.md names exactly the scenarios that there are.

mod check;

use std::fs;
use std::path::Path;

use flipper_conformance::check::{Scenario, client, desktop};

use check::Result;

#[test]
fn the_page_lists_exactly_the_scenarios_that_there_are() -> Result {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/conformance.md");
    let page = fs::read_to_string(page)?;
    for (title, scenarios) in
        [("### Scenarios for a client", client::scenarios()), ("### Scenarios for a desktop", desktop::scenarios())]
    {
        let section = page.split(title).nth(1).ok_or_else(|| format!("there is no {title}"))?;
        let section = section.split("\n## ").next().and_then(|section| section.split("\n### ").next());
        let listed: Vec<_> = section.unwrap_or_default().lines().filter(|line| line.starts_with("| `")).collect();
        let expected: Vec<_> = scenarios.iter().map(row).collect();
        assert_eq!(listed, expected, "{title}: this should be\n\n{}\n", expected.join("\n"));
    }
    Ok(())
}

fn row(Scenario { name, about, reference, .. }: &Scenario) -> String {
    format!("| `{name}` | {about} | {reference} |")
}
