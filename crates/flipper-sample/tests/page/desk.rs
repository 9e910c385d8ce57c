//! A desktop with its API.

use std::path::Path;

use flipper_conformance::Result;
use flipper_desktop::Desktop;
use flipper_desktop::api::Api;
use tokio::runtime::Runtime;

/// A desktop with its API, on ports that were free.
pub(crate) struct Desk {
    runtime: Runtime,
    running: Option<(Desktop, Api)>,
    ports: (u16, u16, u16),
    ui: u16,
}

impl Desk {
    pub(crate) fn start(directory: &Path) -> Result<Self> {
        let mut desk = Self { runtime: Runtime::new()?, running: None, ports: (0, 0, 0), ui: 0 };
        desk.run(directory)?;
        Ok(desk)
    }

    /// Runs it, on the ports that it had before.
    pub(crate) fn run(&mut self, directory: &Path) -> Result {
        let ((insecure, secure, browser), ui) = (self.ports, self.ui);
        let (desktop, api) = self.runtime.block_on(async {
            let builder = Desktop::builder().state_directory(directory).ports(insecure, secure);
            let desktop = builder.browser_port(Some(browser)).start().await?;
            let api = Api::builder(&desktop).port(ui).state_directory(directory).start().await?;
            Ok::<_, flipper_conformance::Failed>((desktop, api))
        })?;
        let ports = desktop.ports();
        self.ports = (ports.insecure, ports.secure, ports.browser.ok_or("no port for browsers")?);
        self.ui = api.port();
        self.running = Some((desktop, api));
        Ok(())
    }

    pub(crate) fn stop(&mut self) {
        if let Some((desktop, api)) = self.running.take() {
            self.runtime.block_on(async {
                api.stop().await;
                desktop.stop().await;
            });
        }
    }

    /// Where apps ask for certificates.
    pub(crate) fn insecure(&self) -> u16 {
        self.ports.0
    }

    /// Where apps connect with certificates.
    pub(crate) fn secure(&self) -> u16 {
        self.ports.1
    }

    /// Where apps connect without certificates.
    pub(crate) fn browser(&self) -> u16 {
        self.ports.2
    }

    /// The page's address, with the token in it.
    pub(crate) fn link(&self) -> String {
        self.running.as_ref().map(|(_, api)| api.page_link()).unwrap_or_default()
    }
}
