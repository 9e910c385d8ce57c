//! What a desktop keeps in its directory, besides its certificate authority.

mod instance;

use std::env;
use std::path::PathBuf;

pub(crate) use self::instance::Instance;
pub use self::instance::{InstanceHolder, find_instance_holder};

/// The directory that a desktop keeps its state in where none is given: `desktop` in `FLIPPER_STATE_DIR`, else in
/// `~/.flipper`. `None` where there is no home directory either.
#[must_use]
pub fn default_state_directory() -> Option<PathBuf> {
    let state = env::var_os("FLIPPER_STATE_DIR").filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = state.or_else(|| env::home_dir().map(|home| home.join(".flipper")));
    state.map(|state| state.join("desktop"))
}
