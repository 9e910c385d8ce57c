//! The page of the official desktop, which is served as it was published, on a port of its own.

mod error;
mod files;
mod holds;
mod page;
mod plugins;
mod routes;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use self::error::OfficialUiError;
use self::files::Files;
pub(super) use self::holds::Holds;
pub(super) use self::plugins::{Catalogue, Plugin};
pub(super) use self::routes::router;

/// How many apps that pages were told of are remembered.
const MAX_TOLD: usize = 4_096;

/// The page of the official desktop: the static files of npm's `flipper-server`, which have to be installed.
///
/// ```no_run
/// use std::path::Path;
///
/// use flipper_desktop::Desktop;
/// use flipper_desktop::api::{Api, OfficialUi};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let desktop = Desktop::builder().start().await?;
/// let ui = OfficialUi::find(Path::new("ui"))?;
/// let api = Api::builder(&desktop).official_ui(ui).start().await?;
/// println!("open {}", api.official_ui_link().unwrap_or_default());
/// # api.stop().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct OfficialUi {
    files: Arc<Files>,
    pub(super) port: u16,
    pristine: bool,
    home: Option<PathBuf>,
}

impl OfficialUi {
    /// The version of `flipper-server` that this desktop can stand in for.
    pub const VERSION: &str = "0.162.0";

    /// The port that it is served on, unless told otherwise.
    pub const USUAL_PORT: u16 = 52343;

    /// Looks for it in `directory`: the package's folder `static`, the package, or the directory that it was installed in.
    ///
    /// # Errors
    /// [`OfficialUiError`], which says what is missing and how to install it.
    pub fn find(directory: &Path) -> Result<Self, OfficialUiError> {
        let files = Arc::new(Files::find(directory)?);
        Ok(Self { files, port: Self::USUAL_PORT, pristine: false, home: None })
    }

    /// The port; 0 is any that is free. Default: [`USUAL_PORT`](Self::USUAL_PORT). It is open on loopback only.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Puts nothing into the page.
    ///
    /// Otherwise it is given two short scripts: one leaves its dialogs for new users behind and enables the plugins of the
    /// apps that are connected, unless somebody chose otherwise before; one lends it what its Network plugin misses in a
    /// browser, without which the plugin shows no domains and drops some responses. All files are served as they are
    /// either way.
    pub fn pristine(mut self, pristine: bool) -> Self {
        self.pristine = pristine;
        self
    }

    /// Serves the plugins as well that are installed in `.flipper/installed-plugins` in this home directory, as the
    /// official desktop does.
    pub fn home(mut self, home: impl AsRef<Path>) -> Self {
        self.home = Some(home.as_ref().to_owned());
        self
    }
}

/// The page, and what its sockets share.
pub(super) struct Hosting {
    ui: OfficialUi,
    catalogue: Mutex<Arc<Catalogue>>,
    holds: Holds,
    /// The apps that pages were told of.
    told: Mutex<BTreeSet<String>>,
    sockets: AtomicU64,
}

impl Hosting {
    pub(super) fn new(ui: OfficialUi) -> Self {
        Self {
            ui,
            catalogue: Mutex::default(),
            holds: Holds::default(),
            told: Mutex::default(),
            sockets: AtomicU64::new(0),
        }
    }

    /// A number for a socket.
    pub(super) fn number(&self) -> u64 {
        self.sockets.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn holds(&self) -> &Holds {
        &self.holds
    }

    /// Looks which plugins there are. This reads files.
    pub(super) fn look_for_plugins(&self) -> Arc<Catalogue> {
        let catalogue = Arc::new(Catalogue::read(self.ui.files.plugins(), self.ui.home.as_deref()));
        *lock(&self.catalogue) = Arc::clone(&catalogue);
        catalogue
    }

    /// A plugin among those that were found.
    pub(super) fn plugin(&self, entry: &str) -> Option<Plugin> {
        lock(&self.catalogue).plugin(entry).cloned()
    }

    /// Takes note that a page was told of an app.
    pub(super) fn note_told(&self, id: &str) {
        let mut told = lock(&self.told);
        if told.len() >= MAX_TOLD {
            told.clear();
        }
        told.insert(id.to_owned());
    }

    /// The apps that pages were told of.
    pub(super) fn told(&self) -> Vec<String> {
        lock(&self.told).iter().cloned().collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
