//! The conformance suite as a table: a row for each scenario, a column for each adapter, a verdict in each cell.
//!
//! It is read from what the tests print. A scenario's test is called `…::<column>::<scenario>`, where the column is one
//! or more modules whose names are in [`COLUMNS`]; the other modules belong to the scenario.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The modules that stand for a party: the client's adapters, then the desktops that they meet.
const COLUMNS: [&str; 8] =
    ["tokio", "smol", "blocking", "simulator", "on_tokio", "on_smol", "on_simulator", "with_official"];

/// What became of every scenario.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matrix {
    cells: BTreeMap<String, BTreeMap<String, Verdict>>,
}

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
        let (column, row): (Vec<_>, Vec<_>) = name.split("::").partition(|module| COLUMNS.contains(module));
        if column.is_empty() {
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
        self.cells.entry(row.join("::")).or_default().insert(column.join(" "), verdict);
    }

    /// The cells that have neither a verdict nor a reason, as `scenario (column)`.
    pub(crate) fn holes(&self) -> Vec<String> {
        let mut holes = Vec::new();
        for (columns, rows) in self.tables() {
            for row in rows {
                for column in &columns {
                    match self.cells[row].get(column) {
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
        self.cells.is_empty()
    }

    /// The tables: those scenarios belong together that have a column in common.
    fn tables(&self) -> Vec<(BTreeSet<String>, Vec<&str>)> {
        let mut tables: Vec<(BTreeSet<String>, Vec<&str>)> = Vec::new();
        for (row, cells) in &self.cells {
            let mut columns: BTreeSet<String> = cells.keys().cloned().collect();
            let mut rows = vec![row.as_str()];
            // A row can join tables that had nothing in common so far.
            for (others, theirs) in
                tables.extract_if(.., |(others, _)| !others.is_disjoint(&columns)).collect::<Vec<_>>()
            {
                columns.extend(others);
                rows.extend(theirs);
            }
            rows.sort_unstable();
            tables.push((columns, rows));
        }
        tables.sort_by_key(|(columns, _)| rank(columns));
        tables
    }
}

/// Where a column stands among the others.
fn place(column: &str) -> Vec<usize> {
    column.split(' ').map(|module| COLUMNS.iter().position(|known| *known == module).unwrap_or(usize::MAX)).collect()
}

fn rank(columns: &BTreeSet<String>) -> Option<Vec<usize>> {
    columns.iter().map(|column| place(column)).min()
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (columns, rows) in self.tables() {
            let mut columns: Vec<_> = columns.iter().collect();
            columns.sort_by_key(|column| place(column));
            let head = format!("{} scenarios", rows.len());
            let width = rows.iter().map(|row| row.len()).max().unwrap_or(0).max(head.len());
            write!(f, "\n{head:width$}")?;
            columns.iter().try_for_each(|column| write!(f, "  {column}"))?;
            writeln!(f)?;
            let mut reasons: Vec<&str> = Vec::new();
            for row in rows {
                write!(f, "{row:width$}")?;
                for column in &columns {
                    let verdict = match self.cells[row].get(*column) {
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
                "1 scenarios  tokio with_official",
                "calls        - (1)",
                "(1) offline",
                "",
                "1 scenarios         on_tokio  on_smol",
                "admission::origins  ok        ok",
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
            ["b (smol): not there", "c (smol): skipped without a reason", "c (tokio): not there"]
        );
    }
}
