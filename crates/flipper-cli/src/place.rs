//! Where a desktop keeps its files.

use std::path::PathBuf;

use clap::Args;
use flipper_desktop::default_state_directory;

use crate::failure::Failure;

/// Which desktop is meant.
#[derive(Args, Clone, Debug)]
pub(crate) struct Place {
    /// The directory of the desktop's certificates, token and recordings [default: FLIPPER_STATE_DIR, else ~/.flipper].
    #[arg(long, value_name = "DIR", global = true)]
    state_dir: Option<PathBuf>,
}

impl Place {
    /// The folder of the desktop's own files.
    pub(crate) fn directory(&self) -> Result<PathBuf, Failure> {
        match &self.state_dir {
            Some(directory) => Ok(directory.join("desktop")),
            None => default_state_directory()
                .ok_or_else(|| Failure::new("there is no home directory; set FLIPPER_STATE_DIR, or give --state-dir")),
        }
    }

    /// The folder of the recordings that have a name.
    pub(crate) fn recordings(&self) -> Result<PathBuf, Failure> {
        Ok(self.directory()?.join("records"))
    }
}
