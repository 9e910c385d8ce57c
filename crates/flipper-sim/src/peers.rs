//! Apps and desktops as they are in simulations: the real ones, with nothing in them that differs from run to run.

use std::io;
use std::path::Path;
use std::sync::Arc;

use flipper_async::Flipper;
use flipper_client::{Builder as AppBuilder, StartError};
use flipper_desktop::{Builder as DesktopBuilder, Desktop};
use flipper_pki::{Authority, AuthorityConfig, AuthorityError, CredentialStore, DiskFaults, KeyAlgorithm};
use flipper_proto::client::Os;
use tempfile::TempDir;

use crate::calendar::Calendar;
use crate::runtime::SimRuntime;

/// The ports of every simulated desktop: for exchanges and for sessions.
const PORTS: (u16, u16) = (9089, 9088);

/// The settings of an app: they follow from its name and `seed` alone.
pub fn app(name: &str, seed: u64) -> AppBuilder<Flipper<SimRuntime>> {
    Flipper::builder(name, format!("com.example.{name}"))
        .host("localhost")
        .ports(PORTS.0, PORTS.1)
        .device("simulated")
        .device_id("simulated")
        .configure(|config| {
            config.os = Os::Automatic("Linux".to_owned());
            config.instance_id = Some(format!("{seed:016x}"));
            config.seed = seed;
        })
}

/// Where an app lives: its directory, which is removed in the end, and the calendar that it goes by.
#[derive(Debug)]
pub struct AppHome {
    directory: TempDir,
    calendar: Calendar,
    faults: Option<DiskFaults>,
}

impl AppHome {
    /// An empty directory, in memory where the system has that.
    ///
    /// # Errors
    /// When no directory can be made.
    pub fn new(calendar: &Calendar) -> io::Result<Self> {
        Ok(Self { directory: directory()?, calendar: calendar.clone(), faults: None })
    }

    /// Has the disk fail where `faults` says so.
    #[must_use]
    pub fn with_disk_faults(mut self, faults: DiskFaults) -> Self {
        self.faults = Some(faults);
        self
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Starts an app here.
    ///
    /// # Errors
    /// As [`Builder::start`](AppBuilder::start).
    pub fn launch(
        &self,
        runtime: &SimRuntime,
        builder: AppBuilder<Flipper<SimRuntime>>,
    ) -> Result<Flipper<SimRuntime>, StartError> {
        let mut setup = builder.directory(self.path()).into_setup()?;
        setup.wall_clock = self.calendar.clock();
        // The signatures of these keys all have one length, and so has everything that is sent.
        setup.store = setup.store.with_key_algorithm(KeyAlgorithm::Ed25519);
        if let Some(faults) = &self.faults {
            setup.store = setup.store.with_disk_faults(faults.clone());
        }
        Flipper::launch_on(runtime.clone(), setup)
    }

    /// What is stored here, read as it is.
    #[must_use]
    pub fn store(&self) -> CredentialStore {
        CredentialStore::new(self.path())
    }
}

/// A directory in memory, where the system has that.
pub(crate) fn directory() -> io::Result<TempDir> {
    let memory = Path::new("/dev/shm");
    let mut name = tempfile::Builder::new();
    // The path travels over the simulated wire. It has the same length in every run on one machine.
    name.prefix("flipper-sim-").rand_bytes(12);
    if memory.is_dir() { name.tempdir_in(memory) } else { name.tempdir() }
}

/// A certificate authority in memory.
///
/// # Errors
/// As [`Authority::in_memory`].
pub fn authority(calendar: &Calendar) -> Result<Authority, AuthorityError> {
    Authority::in_memory(authority_config(calendar))
}

/// How the authority of a simulated desktop works.
#[must_use]
pub(crate) fn authority_config(calendar: &Calendar) -> AuthorityConfig {
    let mut config = AuthorityConfig::default();
    config.clock = Arc::new(calendar.clock());
    config.key_algorithm = KeyAlgorithm::Ed25519;
    config
}

/// The settings of a desktop with this authority.
pub fn desktop(calendar: &Calendar, authority: &Authority) -> DesktopBuilder {
    Desktop::builder().ports(PORTS.0, PORTS.1).wall_clock(calendar.clock()).authority(authority.clone())
}
