//! A disk that fails at will.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flipper_pki::DiskFaults;

use crate::rng::Rng;

/// Clones are one disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// So many accesses succeed before some fail.
    good: u64,
    /// So many fail.
    bad: u64,
    failed: u64,
}

impl Disk {
    /// Has some accesses fail, after others that do not.
    pub(super) fn fail(&self, good: u64, bad: u64) {
        let mut state = self.state();
        (state.good, state.bad) = (good, bad);
    }

    pub(super) fn heal(&self) {
        self.state().bad = 0;
    }

    /// How many accesses failed.
    pub(super) fn failed(&self) -> u64 {
        self.state().failed
    }

    pub(super) fn faults(&self) -> DiskFaults {
        let disk = self.clone();
        DiskFaults::new(move |_, _| disk.access())
    }

    fn access(&self) -> io::Result<()> {
        let mut state = self.state();
        if state.bad == 0 {
            return Ok(());
        }
        if state.good > 0 {
            state.good -= 1;
            return Ok(());
        }
        state.bad -= 1;
        state.failed += 1;
        Err(io::Error::new(io::ErrorKind::StorageFull, "no space left on device"))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Empties, cuts or removes a file somewhere in this directory, and says so; `None` if there is none. Files that have one
/// of the names in `except` are left alone.
pub(super) fn damage(home: &Path, except: &[&str], rng: &mut Rng) -> Option<String> {
    let mut files = Vec::new();
    collect(home, &mut files);
    files.retain(|file| {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // The names of temporary files are others in every run.
        !name.starts_with('.') && !except.contains(&name.as_str())
    });
    files.sort();
    let file = rng.choose(&files)?;
    let what = *rng.choose(&["removed", "emptied", "cut"])?;
    let cut = |to: u64| OpenOptions::new().write(true).open(file).and_then(|file| file.set_len(to));
    let done = match what {
        "removed" => fs::remove_file(file),
        "emptied" => cut(0),
        _ => fs::metadata(file).and_then(|known| cut(known.len() / 2)),
    };
    done.ok()?;
    Some(format!("{what} {}", file.strip_prefix(home).unwrap_or(file).display()))
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}
