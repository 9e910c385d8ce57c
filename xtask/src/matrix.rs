//! The conformance suite as tables: a row for each scenario, a column for each client or desktop, a verdict in each cell.
//!
//! They are read from what the tests print. A scenario's test is called `…::<column>::<scenario>`, where the column is one
//! or two modules whose names are in [`PARTIES`]; the other modules belong to the scenario. Where there are two, the second
//! one has a table of its own. A test that goes through many scenarios prints a line for each, which begins with `cell`
//! where others begin with `test`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The modules that stand for a party, and what it is called: the clients, the desktops that they meet, the check that
/// looks at clients from outside, and both sides in virtual time.
const PARTIES: [(&str, &str, Kind); 14] = [
    ("tokio", "tokio", Kind::App),
    ("smol", "smol", Kind::App),
    ("blocking", "blocking", Kind::App),
    ("program", "program", Kind::App),
    ("c_threaded", "C threaded", Kind::App),
    ("c_sans_io", "C sans-IO", Kind::App),
    ("python", "Python", Kind::App),
    ("js_flipper", "js-flipper", Kind::App),
    ("on_tokio", "desktop on tokio", Kind::Desktop),
    ("on_smol", "desktop on smol", Kind::Desktop),
    ("with_official", "official desktop", Kind::Desktop),
    ("outside", "from outside", Kind::Outside),
    ("simulator", "simulator", Kind::Simulator),
    ("on_simulator", "desktop on simulator", Kind::Simulator),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    App,
    Desktop,
    Outside,
    Simulator,
}

/// What became of every scenario.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matrix {
    tables: BTreeMap<Key, Table>,
}

/// What a table is about: what its columns are, and whom all of them meet. Parties are told by their places.
type Key = (Kind, Vec<usize>);

/// The rows, and in them the cells by column.
type Table = BTreeMap<String, BTreeMap<usize, Verdict>>;

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
        let line = line.trim_end();
        let told = line.strip_prefix("test ").or_else(|| line.strip_prefix("cell "));
        let Some((name, verdict)) = told.and_then(|rest| rest.split_once(" ... ")) else { return };
        let (parties, row): (Vec<_>, Vec<_>) = name.split("::").partition(|module| place(module).is_some());
        let mut places: Vec<_> = parties.iter().filter_map(|module| place(module)).collect();
        places.sort_unstable();
        let Some((&column, met)) = places.split_first() else { return };
        let is_official = parties.iter().any(|module| module.ends_with("official"));
        let verdict = match (verdict.split_once(", ").map_or((verdict, ""), |parts| parts), skip_official) {
            // Such a test passes without having tested anything.
            (("ok", _), Some(reason)) if is_official => Verdict::Skipped(reason.to_owned()),
            (("ok", _), _) => Verdict::Passed,
            (("ignored", reason), _) => Verdict::Skipped(reason.to_owned()),
            _ => Verdict::Failed,
        };
        let table = self.tables.entry((PARTIES[column].2, met.to_vec())).or_default();
        table.entry(row.join("::")).or_default().insert(column, verdict);
    }

    /// The cells that have neither a verdict nor a reason, as `scenario (column)`.
    pub(crate) fn holes(&self) -> Vec<String> {
        let mut holes = Vec::new();
        for ((_, met), table) in &self.tables {
            for (row, cells) in table {
                for column in columns(table) {
                    let what = match cells.get(&column) {
                        None => "not there",
                        Some(Verdict::Skipped(reason)) if reason.trim().is_empty() => "skipped without a reason",
                        Some(_) => continue,
                    };
                    let parties: Vec<_> = [column].iter().chain(met).map(|&place| PARTIES[place].1).collect();
                    holes.push(format!("{row} ({}): {what}", parties.join(", ")));
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
    PARTIES.iter().position(|(party, ..)| *party == module)
}

/// The columns of a table, in order.
fn columns(table: &Table) -> BTreeSet<usize> {
    table.values().flat_map(|cells| cells.keys().copied()).collect()
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((_, met), table) in &self.tables {
            let columns = columns(table);
            let mut head = format!("{} scenarios", table.len());
            for &party in met {
                head = format!("{head}, {}", PARTIES[party].1);
            }
            let width = table.keys().map(String::len).max().unwrap_or(0).max(head.len());
            write!(f, "\n{head:width$}")?;
            columns.iter().try_for_each(|&column| write!(f, "  {}", PARTIES[column].1))?;
            writeln!(f)?;
            let mut reasons: Vec<&str> = Vec::new();
            for (row, cells) in table {
                write!(f, "{row:width$}")?;
                for column in &columns {
                    let verdict = match cells.get(column) {
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
                    write!(f, "  {verdict:width$}", width = PARTIES[*column].1.len())?;
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
            "test tokio::on_tokio::calls ... ok",
            "test c_threaded::on_tokio::calls ... ok",
            "test tokio::with_official::calls ... ok",
            "test c_sans_io::with_official::calls ... ignored, it cannot, yet",
            "cell python::outside::query/exchange ... ok",
            "cell js_flipper::outside::query/exchange ... ignored, needs TLS",
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
                "1 scenarios, desktop on tokio  tokio  C threaded",
                "calls                          ok     ok",
                "",
                "1 scenarios, official desktop  tokio  C sans-IO",
                "calls                          - (1)  - (2)",
                "(1) offline",
                "(2) it cannot, yet",
                "",
                "1 scenarios, from outside  Python  js-flipper",
                "query/exchange             ok      - (1)",
                "(1) needs TLS",
                "",
                "1 scenarios         desktop on tokio  desktop on smol",
                "admission::origins  ok                ok",
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
            "cell tokio::outside::a ... ok",
            "cell c_threaded::outside::b ... ok",
        ]);
        assert_eq!(
            matrix.holes(),
            [
                "b (smol): not there",
                "c (tokio): not there",
                "c (smol): skipped without a reason",
                "a (C threaded, from outside): not there",
                "b (tokio, from outside): not there",
            ]
        );
    }
}
