//! Where the official desktop is installed, and how one instance gets a package folder that it can call its own.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::error::{Error, ErrorKind};

/// The version that the harness is written for; `package.json` pins the same.
pub(super) const VERSION: &str = "0.162.0";

/// What the desktop writes its log to, inside its own package. After 1 MiB it starts a new file, and a write that is
/// then under way raises an error that nobody catches: the process ends.
const LOG_FILE: &str = "static/flipper-server-log.out";

/// Where the npm package is installed, if it is.
pub fn package() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("node_modules/flipper-server")
}

/// The installed npm package. Nothing here writes to it: all instances of all tests share it.
pub(super) struct Package {
    root: PathBuf,
}

impl Package {
    pub(super) fn find() -> Result<Self, Error> {
        let root = package();
        let not_installed = |why| Error::new(ErrorKind::NotInstalled(why));
        let manifest = fs::read_to_string(root.join("package.json"))
            .map_err(|_| not_installed("the official desktop is not installed".to_owned()))?;

        #[derive(Deserialize)]
        struct Manifest {
            version: String,
        }
        match serde_json::from_str(&manifest) {
            Ok(Manifest { version }) if version == VERSION => Ok(Self { root }),
            Ok(Manifest { version }) => {
                Err(not_installed(format!("the official desktop is installed in version {version} and not {VERSION}")))
            }
            Err(error) => Err(not_installed(format!("the official desktop's package.json cannot be read ({error})"))),
        }
    }

    /// Makes `instance` a package folder of links to the installed one, whose log cannot be opened: its name is taken
    /// by a directory, upon which the desktop does without. Node has to be told to preserve symbolic links, or it would
    /// follow them back to the installed package.
    pub(super) fn link_into(&self, instance: &Path) -> io::Result<()> {
        fs::create_dir_all(instance.join(LOG_FILE))?;
        link_entries(&self.root, instance)?;
        link_entries(&self.root.join("static"), &instance.join("static"))
    }
}

/// Links to every entry of `from` in `to`, except for those whose names are taken there.
fn link_entries(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        match symlink(entry.path(), to.join(entry.file_name())) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            linked => linked?,
        }
    }
    Ok(())
}
