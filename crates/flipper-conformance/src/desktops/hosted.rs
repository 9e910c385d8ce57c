//! Our own desktop with the official page on it.

use std::path::Path;

use flipper_desktop::Desktop;
use flipper_desktop::api::{Api, OfficialUi};
use tempfile::TempDir;

use super::host::{Host as _, OnTokio};
use crate::official::{self, PageHost};
use crate::{PATIENCE, Result};

/// Our own desktop, which serves the page of the installed official one. It has a home directory of its own.
pub struct Hosted {
    running: Option<(Desktop, Api)>,
    ports: (u16, u16),
    ui_ports: (u16, u16),
    pristine: bool,
    files: TempDir,
    host: OnTokio,
}

impl Hosted {
    /// Starts one on free ports, which serves the page `pristine` or prepared; `None` if this test is to be skipped.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start_unless_skipped(pristine: bool) -> Result<Option<Self>> {
        if official::skips_this_test()? {
            return Ok(None);
        }
        let (files, host) = (TempDir::with_prefix("hosted-")?, OnTokio::new()?);
        let mut hosted = Self { running: None, ports: (0, 0), ui_ports: (0, 0), pristine, files, host };
        hosted.start()?;
        Ok(Some(hosted))
    }

    /// Starts it again, where it was.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start(&mut self) -> Result {
        let ui =
            OfficialUi::find(&official::package())?.pristine(self.pristine).home(self.home()).port(self.ui_ports.1);
        let state = self.files.path().join("state");
        let builder =
            Desktop::<flipper_tokio::Tokio>::builder().ports(self.ports.0, self.ports.1).state_directory(&state);
        let port = self.ui_ports.0;
        let running = self.host.wait_for(async {
            let desktop = builder.start().await?;
            let api = Api::builder(&desktop).port(port).state_directory(&state).official_ui(ui).start().await?;
            Ok::<_, crate::Failed>((desktop, api))
        })?;
        let (desktop, api) = &running;
        self.ports = (desktop.ports().insecure, desktop.ports().secure);
        self.ui_ports = (api.port(), api.official_ui_port().ok_or("the page is not served")?);
        self.running = Some(running);
        Ok(())
    }

    /// Stops it as its user would.
    pub fn stop(&mut self) {
        if let Some((desktop, api)) = self.running.take() {
            self.host.wait_for(async {
                api.stop().await;
                desktop.stop().await;
            });
        }
    }

    /// Its ports for exchanges and for sessions.
    pub fn ports(&self) -> (u16, u16) {
        self.ports
    }

    /// Its home directory, where plugins may be installed.
    pub fn home(&self) -> &Path {
        self.files.path()
    }

    /// Where its page is, without anything that would let somebody in.
    pub fn bare_page_url(&self) -> String {
        format!("http://localhost:{}/", self.ui_ports.1)
    }

    /// Waits until an app of this name is connected and has told its plugins.
    ///
    /// # Errors
    /// When it does not come.
    pub fn wait_for_app(&self, name: &str) -> Result {
        let (desktop, _) = self.running.as_ref().ok_or("the desktop is stopped")?;
        let is_there =
            || desktop.clients().iter().any(|client| client.info.query.app == name && client.plugins.is_some());
        let mut events = desktop.events();
        let waiting = async {
            while !is_there() {
                if events.next().await.is_none() {
                    return Err("the desktop ended");
                }
            }
            Ok(())
        };
        let waited = self.host.wait_for(async { tokio::time::timeout(PATIENCE, waiting).await });
        Ok(waited.map_err(|_| format!("{name} did not connect"))??)
    }
}

impl PageHost for Hosted {
    fn page_url(&self) -> String {
        let link = self.running.as_ref().and_then(|(_, api)| api.official_ui_link());
        link.unwrap_or_else(|| self.bare_page_url())
    }

    fn greets_new_users(&self) -> bool {
        self.pristine
    }
}

impl Drop for Hosted {
    fn drop(&mut self) {
        self.stop();
    }
}
