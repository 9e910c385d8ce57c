//! Where the desktop's state is.

use std::path::PathBuf;

use clap::Args;
use flipper_desktop::default_state_directory;

/// Which desktop's state it is about.
#[derive(Args)]
pub(crate) struct StateDirectory {
    /// The directory of all state [default: FLIPPER_STATE_DIR, else ~/.flipper].
    #[arg(long, value_name = "DIR", global = true)]
    state_dir: Option<PathBuf>,
}

impl StateDirectory {
    /// The desktop's own folder in it.
    pub(crate) fn directory(&self) -> Result<PathBuf, &'static str> {
        let given = self.state_dir.as_ref().map(|state| state.join("desktop"));
        given
            .or_else(default_state_directory)
            .ok_or("there is no home directory; give --state-dir, or set FLIPPER_STATE_DIR")
    }
}
