//! What a process uses.

use flipper_conformance::usage::{open_files, resident_megabytes};

use crate::Result;

#[derive(Clone, Copy, Default)]
pub(crate) struct Usage {
    /// Resident memory.
    pub(crate) megabytes: f64,
    /// Open file descriptors.
    pub(crate) files: usize,
}

impl Usage {
    pub(crate) fn of(pid: u32) -> Result<Self> {
        Ok(Self { megabytes: resident_megabytes(pid)?, files: open_files(pid)? })
    }
}

/// What was used over time.
#[derive(Default)]
pub(crate) struct Watch {
    megabytes: Vec<f64>,
    files: usize,
}

impl Watch {
    pub(crate) fn note(&mut self, usage: Usage) {
        self.megabytes.push(usage.megabytes);
        self.files = self.files.max(usage.files);
    }

    /// The most that was resident.
    pub(crate) fn peak(&self) -> f64 {
        self.megabytes.iter().copied().fold(0.0, f64::max)
    }

    /// The most files that were open at once.
    pub(crate) fn most_files(&self) -> usize {
        self.files
    }

    /// The medians of the second quarter of the time and of the last. In the first, everything grows to its size.
    pub(crate) fn before_and_after(&self) -> (f64, f64) {
        let quarter = |at: usize| {
            let (from, to) = (self.megabytes.len() * at / 4, self.megabytes.len() * (at + 1) / 4);
            let mut part = self.megabytes.get(from..to).unwrap_or_default().to_vec();
            part.sort_by(f64::total_cmp);
            part.get(part.len() / 2).copied().unwrap_or_else(|| self.peak())
        };
        (quarter(1), quarter(3))
    }
}
