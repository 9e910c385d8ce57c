//! That the suite for clients is complete: everything that concerns a client is claimed by a scenario, and every
//! scenario says what it is for. `docs/conformance-scenarios.md` is made of the same.

#[path = "coverage/claims.rs"]
mod claims;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use flipper_conformance::Result;

use self::claims::{CLAIMS, ELSEWHERE};

/// Set, it has the page written instead of compared.
const UPDATE: &str = "FLIPPER_UPDATE_DOCS";

/// A scenario, as its source tells.
#[derive(Debug)]
struct Scenario {
    topic: &'static str,
    name: &'static str,
    /// What its documentation says besides what it covers.
    remark: String,
    covers: Vec<String>,
}

/// The scenarios of the list, in its order.
fn scenarios() -> Result<Vec<Scenario>> {
    let mut scenarios = Vec::new();
    for (topic, names) in topics() {
        let source = fs::read_to_string(root().join(format!("src/scenarios/client/{topic}.rs")))?;
        for name in names {
            let head = format!("\npub fn {name}<A: Adapter>() -> Result {{\n");
            let (before, _) = source.split_once(&head).ok_or_else(|| format!("{topic}.rs does not have {name}"))?;
            let mut lines: Vec<&str> =
                before.rsplit('\n').map_while(|line| line.strip_prefix("///")).map(str::trim).collect();
            lines.reverse();
            let (covers, remark): (Vec<&str>, Vec<&str>) =
                lines.into_iter().partition(|line| line.starts_with("Covers: "));
            let covers = covers.iter().flat_map(|line| {
                line.trim_start_matches("Covers: ").trim_end_matches('.').split(", ").map(str::to_owned)
            });
            scenarios.push(Scenario {
                topic,
                name,
                remark: remark.join(" ").trim().to_owned(),
                covers: covers.collect(),
            });
        }
    }
    Ok(scenarios)
}

/// The list itself.
fn topics() -> Vec<(&'static str, Vec<&'static str>)> {
    macro_rules! names {
        ({} $($topic:ident: { $($scenario:ident)* })*) => {
            vec![$((stringify!($topic), vec![$(stringify!($scenario)),*])),*]
        };
    }
    flipper_conformance::client_scenarios! { names {} }
}

#[test]
fn every_claim_has_a_scenario_or_a_reason() -> Result {
    let scenarios = scenarios()?;
    let claimed: BTreeSet<&str> =
        scenarios.iter().flat_map(|scenario| scenario.covers.iter().map(String::as_str)).collect();
    let known: BTreeSet<&str> = CLAIMS.iter().map(|(id, _)| *id).collect();
    let elsewhere: BTreeSet<&str> = ELSEWHERE.iter().map(|(id, _, _)| *id).collect();

    let missing: Vec<_> = known.difference(&claimed).collect();
    assert!(missing.is_empty(), "no scenario covers {missing:?}");
    let unknown: Vec<_> = claimed.difference(&known).collect();
    assert!(unknown.is_empty(), "there is nothing called {unknown:?}");
    assert!(known.is_disjoint(&elsewhere), "what is covered needs no reason why it is not");
    for id in required() {
        assert!(known.contains(id.as_str()) || elsewhere.contains(id.as_str()), "{id} is forgotten");
    }
    for scenario in &scenarios {
        assert!(!scenario.covers.is_empty(), "{} does not say what it covers", scenario.name);
    }
    Ok(())
}

/// What the suite promises to look at: the documentation's tests, the interoperability traps, and the pains of connections.
fn required() -> Vec<String> {
    let documentation = ["GetPlugins", "InitDeinit", "Disconnect", "Execute"].map(str::to_owned);
    let traps = (1..=9).map(|number| format!("I{number}"));
    let pains = (4..=8).chain(20..=30).map(|number| format!("P{number}"));
    let duties = (1..=12).map(|number| format!("M{number}"));
    documentation.into_iter().chain(traps).chain(pains).chain(duties).collect()
}

#[test]
fn every_name_stands_once_in_the_list() {
    let mut seen = BTreeSet::new();
    for name in topics().into_iter().flat_map(|(_, names)| names) {
        assert!(seen.insert(name), "{name} stands twice");
    }
}

#[test]
fn the_page_tells_what_is_there() -> Result {
    let page = page(&scenarios()?)?;
    let path = root().join("../../docs/conformance-scenarios.md");
    if std::env::var_os(UPDATE).is_some() {
        return Ok(fs::write(path, page)?);
    }
    let written = fs::read_to_string(&path)?;
    assert!(
        written == page,
        "docs/conformance-scenarios.md tells something else; run \
         {UPDATE}=1 cargo test -p flipper-conformance --test client_coverage"
    );
    Ok(())
}

fn page(scenarios: &[Scenario]) -> Result<String> {
    let mut by_claim: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for scenario in scenarios {
        for id in &scenario.covers {
            by_claim.entry(id).or_default().push(scenario.name);
        }
    }
    let mut page = format!(
        "# What the suite for clients checks\n\n\
         {} scenarios, each run with every adapter. This page is made of their documentation, by\n\
         `{UPDATE}=1 cargo test -p flipper-conformance --test client_coverage`, and compared with it by the tests.\n\n\
         ## What is covered, and by what\n\n\
         `P` numbers are what users of the official system suffered from, `I` numbers are traps between official and other\n\
         programs, `M` numbers are what every adapter must withstand, `§` stands for a row of the protocol's description:\n\
         §1 hosts and ports, §2 the query, §3 what is stored, §4 the exchange, §5 the session.\n\n\
         | | what | scenarios |\n| --- | --- | --- |\n",
        scenarios.len()
    );
    for (id, what) in CLAIMS {
        let names = by_claim.get(id).map_or_else(String::new, |names| format!("`{}`", names.join("`, `")));
        writeln!(page, "| {id} | {what} | {names} |")?;
    }
    page += "\n## What does not concern a client, or not here\n\n| | what | why |\n| --- | --- | --- |\n";
    for (id, what, why) in ELSEWHERE {
        writeln!(page, "| {id} | {what} | {why} |")?;
    }
    page += "\n## The scenarios\n";
    for (topic, _) in topics() {
        write!(page, "\n### {}\n\n| scenario | covers |\n| --- | --- |\n", topic.replace('_', " "))?;
        for Scenario { name, remark, covers, .. } in scenarios.iter().filter(|scenario| scenario.topic == topic) {
            let remark = if remark.is_empty() { String::new() } else { format!(": {remark}") };
            writeln!(page, "| `{name}`{remark} | {} |", covers.join(", "))?;
        }
    }
    Ok(page)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
