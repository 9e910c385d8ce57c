//! Where a desktop keeps its files.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use clap::Args;
use flipper_desktop::default_state_directory;

/// Which desktop is meant.
#[derive(Args, Clone, Debug)]
pub(crate) struct Place {
    /// The directory of the desktop's certificates, token and recordings [default: FLIPPER_STATE_DIR, else ~/.flipper].
    #[arg(long, value_name = "DIR", global = true)]
    state_dir: Option<PathBuf>,
}

impl Place {
    /// The folder of the desktop's own files.
    pub(crate) fn directory(&self) -> Result<PathBuf, NoHome> {
        let given = self.state_dir.as_ref().map(|state| state.join("desktop"));
        given.or_else(default_state_directory).ok_or(NoHome)
    }

    /// The folder of the recordings that have a name.
    pub(crate) fn recordings(&self) -> Result<PathBuf, NoHome> {
        Ok(self.directory()?.join("records"))
    }
}

/// No directory was given, and there is no home directory that could have one.
#[derive(Debug)]
pub(crate) struct NoHome;

impl fmt::Display for NoHome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no home directory; give --state-dir, or set FLIPPER_STATE_DIR")
    }
}

impl Error for NoHome {}
