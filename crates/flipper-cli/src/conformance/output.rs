//! Where a report goes, and what is told meanwhile.

use std::fs::File;
use std::io::{self, Write as _, stdout};
use std::path::PathBuf;

use flipper_conformance::check::{Format, Line, Report, RunError, Text};

use super::{Common, FormatOption};
use crate::terminal::Paint;

/// Where a report goes.
pub(super) struct Output {
    format: Format,
    file: Option<(PathBuf, File)>,
    /// Lines for people, if standard output is for them.
    text: Option<Text>,
}

impl Output {
    /// Opens the file at once: a run that takes minutes must not end with "no such directory".
    pub(super) fn open(common: &Common) -> Result<Self, RunError> {
        let file = match &common.output {
            None => None,
            Some(path) => Some((path.clone(), File::create(path).map_err(|error| cannot_write(path, error))?)),
        };
        let text = (file.is_some() || common.format == FormatOption::Text)
            .then(|| if Paint::on(&stdout()).is_wanted() { Text::coloured() } else { Text::plain() });
        Ok(Self { format: common.format.into(), file, text })
    }

    /// Tells the person what to do, wherever the report goes.
    pub(super) fn note(&self, text: &str) {
        if self.text.is_some() {
            println!("{text}");
        } else {
            eprintln!("{text}");
        }
    }

    pub(super) fn line(&self, line: &Line) {
        if let Some(text) = &self.text {
            print!("{}", text.line(line));
            // Where nobody reads any more, the verdict still counts.
            let _ = stdout().flush();
        }
    }

    /// Writes what has not been written yet, and says whether everything is as expected.
    pub(super) fn finish(self, report: &Report) -> Result<bool, RunError> {
        if let Some(text) = &self.text {
            print!("{}", text.end(report));
        }
        match self.file {
            Some((path, mut file)) => {
                file.write_all(report.write(self.format).as_bytes()).map_err(|error| cannot_write(&path, error))?
            }
            None if self.text.is_none() => print!("{}", report.write(self.format)),
            None => {}
        }
        Ok(report.is_good())
    }
}

fn cannot_write(path: &std::path::Path, error: io::Error) -> RunError {
    RunError::io(format!("writing the report to {}", path.display()), error)
}
