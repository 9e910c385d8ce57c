//! What an API is told before it starts.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use flipper_proto::desktop::Host;

use super::USUAL_PORT;
use super::official_ui::OfficialUi;
use super::server::Api;
use crate::desktop::Desktop;
use crate::error::StartError;

/// The settings of an API. [`Api::builder`] begins them, [`start`](Self::start) ends them.
#[derive(Debug)]
#[must_use]
pub struct Builder {
    pub(super) desktop: Desktop,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) port: u16,
    pub(super) directory: Option<PathBuf>,
    pub(super) known_hosts: Vec<Host>,
    pub(super) connections: usize,
    pub(super) official_ui: Option<OfficialUi>,
}

impl Builder {
    pub(super) fn new(desktop: &Desktop) -> Self {
        Self {
            desktop: desktop.clone(),
            addresses: Vec::new(),
            port: USUAL_PORT,
            directory: None,
            known_hosts: Vec::new(),
            connections: 256,
            official_ui: None,
        }
    }

    /// The addresses to listen on. Default: 127.0.0.1 and, where the machine has it, `::1`.
    ///
    /// On any other address the token travels in plain text, and whoever reads it on its way may do all that the API
    /// can.
    pub fn addresses(mut self, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        self.addresses = addresses.into_iter().collect();
        self
    }

    /// The port; 0 is any that is free. Default: [`USUAL_PORT`].
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Where to leave the files `desktop.json` and `token`, by which programs of the same user
    /// [find](super::RunningDesktop::read) the desktop; they are removed when the API stops. It is made if it is not
    /// there. Default: nowhere.
    ///
    /// It should be the directory of the desktop's own files, see
    /// [`Builder::state_directory`](crate::Builder::state_directory).
    pub fn state_directory(mut self, directory: impl AsRef<Path>) -> Self {
        self.directory = Some(directory.as_ref().to_owned());
        self
    }

    /// A name or an address by which callers may know this machine, besides `localhost`, 127.0.0.1, `[::1]` and those
    /// that the desktop itself [knows](crate::Builder::known_host).
    pub fn known_host(mut self, host: Host) -> Self {
        self.known_hosts.push(host);
        self
    }

    /// How many connections are served at once; more wait. Default: 256.
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// Serves the page of the official desktop as well, on a port of its own. Default: no.
    pub fn official_ui(mut self, ui: OfficialUi) -> Self {
        self.official_ui = Some(ui);
        self
    }

    /// Starts. When this returns, the port is open and the files are there.
    ///
    /// The API keeps the desktop running until it is stopped itself.
    ///
    /// # Errors
    /// [`StartError`]: the port is in use, a file cannot be written, the caller runs on no tokio runtime.
    pub async fn start(self) -> Result<Api, StartError> {
        Api::start(self).await
    }
}
