//! Where reports wait on the disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use super::report::Report;

/// The most bytes of a report that is read: what is written has less.
const MAX_BYTES: u64 = 256 << 10;
/// The file of a process that died while it wrote is deleted after this time.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// A private directory with one file for each report, named by its id.
#[derive(Debug)]
pub(super) struct Shelf {
    /// Nowhere until the plugin is added to an app, or was given a directory.
    directory: OnceLock<PathBuf>,
    keep: usize,
}

impl Shelf {
    pub(super) fn new(directory: Option<PathBuf>, keep: usize) -> Self {
        Self { directory: directory.map(OnceLock::from).unwrap_or_default(), keep }
    }

    /// Takes this directory, if there is none yet.
    pub(super) fn settle(&self, directory: impl FnOnce() -> Option<PathBuf>) {
        if self.directory.get().is_none()
            && let Some(directory) = directory()
        {
            // Whoever was quicker has the same.
            let _settled = self.directory.set(directory);
        }
    }

    pub(super) fn is_settled(&self) -> bool {
        self.directory.get().is_some()
    }

    /// Writes a whole report or none, and deletes the oldest of too many. Says how many those were.
    pub(super) fn put(&self, report: &Report) -> io::Result<u64> {
        let directory = self.directory.get().ok_or(io::ErrorKind::NotFound)?;
        make_private(directory)?;
        let json = serde_json::to_vec(report)?;
        let unfinished = directory.join(format!("{}.tmp", report.id));
        let written = write_private(&unfinished, &json)
            .and_then(|()| fs::rename(&unfinished, directory.join(format!("{}.json", report.id))));
        if written.is_err() {
            let _gone = fs::remove_file(&unfinished);
        }
        let ids = self.ids();
        // Nothing is logged here: a thread that panics may hold the lock of whatever it logs to.
        let too_many = ids.iter().take(ids.len().saturating_sub(self.keep)).filter_map(|id| self.path(id));
        let deleted = too_many.filter(|path| fs::remove_file(path).is_ok()).count();
        written.map(|()| deleted as u64)
    }

    /// The ids of all reports, from the oldest to the newest.
    pub(super) fn ids(&self) -> Vec<String> {
        let entries = self.directory.get().map(fs::read_dir).and_then(Result::ok);
        let mut ids: Vec<_> = entries
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                if name.ends_with(".tmp") {
                    let age = entry.metadata().and_then(|data| data.modified()).ok().and_then(|at| at.elapsed().ok());
                    if age.is_some_and(|age| age > ABANDONED) {
                        let _gone = fs::remove_file(entry.path());
                    }
                }
                name.strip_suffix(".json").map(str::to_owned)
            })
            .collect();
        ids.sort();
        ids
    }

    /// A report. One that is none is deleted.
    pub(super) fn read(&self, id: &str) -> Option<Report> {
        let mut json = Vec::new();
        let file = File::open(self.path(id)?).ok()?;
        let read = file.take(MAX_BYTES).read_to_end(&mut json).and_then(|_| Ok(serde_json::from_slice(&json)?));
        match read {
            Ok(report) => Some(report),
            Err(error) => {
                tracing::warn!("the crash report {id} cannot be read, and is deleted: {error}");
                self.remove(id);
                None
            }
        }
    }

    pub(super) fn remove(&self, id: &str) {
        let Some(path) = self.path(id) else { return };
        if let Err(error) = fs::remove_file(path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!("the crash report {id} will be told again, because it cannot be deleted: {error}");
        }
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.path(id).is_some_and(|path| path.exists())
    }

    fn path(&self, id: &str) -> Option<PathBuf> {
        Some(self.directory.get()?.join(format!("{id}.json")))
    }
}

#[cfg(unix)]
fn make_private(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;

    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

#[cfg(not(unix))]
fn make_private(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)
}

/// What an app says when it dies is nobody else's.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;

        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf(keep: usize) -> (tempfile::TempDir, Shelf) {
        let directory = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(Some(directory.path().join("a/crashes")), keep);
        (directory, shelf)
    }

    fn report(text: &str) -> Report {
        Report::of_error(&io::Error::other(text.to_owned()))
    }

    #[test]
    fn the_newest_stay_in_their_order() {
        let (_directory, shelf) = shelf(3);
        let deleted: Vec<_> = (0..5).map(|number| shelf.put(&report(&number.to_string())).unwrap()).collect();
        assert_eq!(deleted, [0, 0, 0, 1, 1]);
        let messages: Vec<_> = shelf.ids().iter().map(|id| shelf.read(id).unwrap().message).collect();
        assert_eq!(messages, ["2", "3", "4"]);
    }

    #[test]
    fn what_is_no_report_is_deleted_and_what_is_no_file_is_left_alone() {
        let (directory, shelf) = shelf(9);
        shelf.put(&report("good")).unwrap();
        let at = directory.path().join("a/crashes");
        fs::write(at.join("0.json"), "{").unwrap();
        fs::write(at.join("1.json"), vec![b' '; 300 << 10]).unwrap();
        fs::write(at.join("2.json"), [0xff; 10]).unwrap();
        fs::write(at.join("notes.txt"), "mine").unwrap();
        fs::write(at.join("3.tmp"), "another process writes it").unwrap();
        fs::create_dir(at.join("4.json")).unwrap();
        let read: Vec<_> = shelf.ids().iter().filter_map(|id| shelf.read(id)).collect();
        assert_eq!((read.len(), read[0].message.as_str()), (1, "good"));
        assert_eq!(shelf.ids().len(), 1);
        assert!(at.join("notes.txt").exists() && at.join("3.tmp").exists() && at.join("4.json").exists());
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;

        let (directory, shelf) = shelf(9);
        let report = report("secret");
        shelf.put(&report).unwrap();
        let at = directory.path().join("a/crashes");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&at), mode(&at.join(format!("{}.json", report.id)))), (0o700, 0o600));
    }

    #[test]
    fn without_a_directory_nothing_is_kept() {
        let shelf = Shelf::new(None, 9);
        assert!(shelf.put(&report("x")).is_err());
        assert_eq!(shelf.ids(), [""; 0]);
        let (directory, shelf) = self::shelf(9);
        fs::write(directory.path().join("a"), "a file").unwrap();
        assert!(shelf.put(&report("x")).is_err());
    }
}
