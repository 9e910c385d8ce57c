//! Directories that go away.

use std::path::Path;

use tempfile::TempDir;

/// A new directory, in memory where the system has such a place.
///
/// Everything under test waits for the disk after each step, thousands of times in some tests, and whether a disk keeps
/// what it promised is nothing that they could tell.
pub(crate) fn dir() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap()
}
