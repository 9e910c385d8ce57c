//! The conformance suite as tables: a row for each scenario, a column for each adapter, a verdict in each cell.
//!
//! They are read from what the tests print. A scenario's test is called `…::<column>::<scenario>`, where the column is one
//! or two modules whose names are in [`PARTIES`]; the other modules belong to the scenario.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The modules that stand for a party: the client's adapters, the desktops that they meet, and both in virtual time.
const PARTIES: [(&str, Kind); 8] = [
    ("tokio", Kind::App),
    ("smol", Kind::App),
    ("blocking", Kind::App),
    ("on_tokio", Kind::Desktop),
    ("on_smol", Kind::Desktop),
    ("with_official", Kind::Desktop),
    ("simulator", Kind::Simulator),
    ("on_simulator", Kind::Simulator),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    App,
    Desktop,
    Simulator,
}

/// What became of every scenario: a table for every combination of parties.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matrix {
    tables: BTreeMap<Vec<Kind>, Table>,
}

/// The rows, and in them the cells by column.
type Table = BTreeMap<String, BTreeMap<String, Verdict>>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Passed,
    Failed,
    /// With the reason.
    Skipped(String),
}

impl Matrix {
    /// Takes in a line such as `test client::smol::name ... ignored, reason`. Any other changes nothing.
    pub(crate) fn read(&mut self, line: &str, skip_official: Option<&str>) {
        let Some((name, verdict)) = line.trim_end().strip_prefix("test ").and_then(|rest| rest.split_once(" ... "))
        else {
            return;
        };
        let (column, row): (Vec<_>, Vec<_>) = name.split("::").partition(|module| place(module).is_some());
        let kinds: Vec<_> = column.iter().filter_map(|module| place(module)).map(|at| PARTIES[at].1).collect();
        if kinds.is_empty() {
            return;
        }
        let is_official = column.iter().any(|module| module.ends_with("official"));
        let verdict = match (verdict.split_once(", ").map_or((verdict, ""), |parts| parts), skip_official) {
            // Such a test passes without having tested anything.
            (("ok", _), Some(reason)) if is_official => Verdict::Skipped(reason.to_owned()),
            (("ok", _), _) => Verdict::Passed,
            (("ignored", reason), _) => Verdict::Skipped(reason.to_owned()),
            _ => Verdict::Failed,
        };
        let row = self.tables.entry(kinds).or_default().entry(row.join("::")).or_default();
        row.insert(column.join(" "), verdict);
    }

    /// The cells that have neither a verdict nor a reason, as `scenario (column)`.
    pub(crate) fn holes(&self) -> Vec<String> {
        let mut holes = Vec::new();
        for table in self.tables.values() {
            let columns = columns(table);
            for (row, cells) in table {
                for column in &columns {
                    match cells.get(*column) {
                        None => holes.push(format!("{row} ({column}): not there")),
                        Some(Verdict::Skipped(reason)) if reason.trim().is_empty() => {
                            holes.push(format!("{row} ({column}): skipped without a reason"));
                        }
                        Some(_) => {}
                    }
                }
            }
        }
        holes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }
}

/// Where a party stands among the others.
fn place(module: &str) -> Option<usize> {
    PARTIES.iter().position(|(party, _)| *party == module)
}

/// The columns of a table, in order.
fn columns(table: &Table) -> Vec<&str> {
    let columns: BTreeSet<&str> = table.values().flat_map(|cells| cells.keys().map(String::as_str)).collect();
    let mut columns: Vec<_> = columns.into_iter().collect();
    columns.sort_by_key(|column| column.split(' ').map(place).collect::<Vec<_>>());
    columns
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for table in self.tables.values() {
            let columns = columns(table);
            let head = format!("{} scenarios", table.len());
            let width = table.keys().map(String::len).max().unwrap_or(0).max(head.len());
            write!(f, "\n{head:width$}")?;
            columns.iter().try_for_each(|column| write!(f, "  {column}"))?;
            writeln!(f)?;
            let mut reasons: Vec<&str> = Vec::new();
            for (row, cells) in table {
                write!(f, "{row:width$}")?;
                for column in &columns {
                    let verdict = match cells.get(*column) {
                        None => "?".to_owned(),
                        Some(Verdict::Passed) => "ok".to_owned(),
                        Some(Verdict::Failed) => "FAILED".to_owned(),
                        Some(Verdict::Skipped(reason)) => {
                            let number = reasons.iter().position(|known| known == reason).unwrap_or_else(|| {
                                reasons.push(reason);
                                reasons.len() - 1
                            });
                            format!("- ({})", number + 1)
                        }
                    };
                    write!(f, "  {verdict:width$}", width = column.len())?;
                }
                writeln!(f)?;
            }
            for (number, reason) in (1..).zip(reasons) {
                writeln!(f, "({number}) {reason}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Matrix;

    fn matrix(lines: &[&str]) -> Matrix {
        let mut matrix = Matrix::default();
        for line in lines {
            matrix.read(line, Some("offline"));
        }
        matrix
    }

    #[test]
    fn every_cell_has_a_verdict_or_a_reason() {
        let matrix = matrix(&[
            "running 7 tests",
            "test tokio::execute ... ok",
            "test smol::execute ... FAILED",
            "test tokio::async_methods ... ok",
            "test smol::async_methods ... ignored, there are none",
            "test admission::on_tokio::origins ... ok",
            "test admission::on_smol::origins ... ok",
            "test tokio::with_official::calls ... ok",
            "test tokio::with_official::execute ... ok",
            "test simulator::time::backoff ... ok",
            "test some::other ... ok",
        ]);
        assert_eq!(
            matrix.to_string().lines().map(str::trim_end).collect::<Vec<_>>(),
            [
                "",
                "2 scenarios    tokio  smol",
                "async_methods  ok     - (1)",
                "execute        ok     FAILED",
                "(1) there are none",
                "",
                "2 scenarios  tokio with_official",
                "calls        - (1)",
                "execute      - (1)",
                "(1) offline",
                "",
                "1 scenarios         on_tokio  on_smol",
                "admission::origins  ok        ok",
                "",
                "1 scenarios    simulator",
                "time::backoff  ok",
            ]
        );
        assert!(matrix.holes().is_empty());
    }

    #[test]
    fn what_is_left_out_without_a_reason_is_a_hole() {
        let matrix = matrix(&[
            "test tokio::a ... ok",
            "test smol::a ... ok",
            "test tokio::b ... ok",
            "test smol::c ... ignored",
        ]);
        assert_eq!(
            matrix.holes(),
            ["b (smol): not there", "c (tokio): not there", "c (smol): skipped without a reason"]
        );
    }
}
