//! A desktop, its page in a browser, and the shop.

use std::env;
use std::path::Path;

use flipper_conformance::Result;
use flipper_conformance::official::skips_this_test;
use flipper_conformance::page::Page;
use flipper_desktop::Desktop;
use flipper_desktop::api::Api;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::shop::Shop;

pub(crate) struct Scene {
    pub(crate) page: Page,
    pub(crate) shop: Shop,
    pub(crate) desk: Desk,
    pub(crate) files: TempDir,
}

/// A desktop with its API, on ports that were free.
pub(crate) struct Desk {
    runtime: Runtime,
    running: Option<(Desktop, Api)>,
    ports: (u16, u16, u16),
    ui: u16,
}

impl Scene {
    pub(crate) fn set_unless_skipped() -> Result<Option<Self>> {
        if skips_this_test()? {
            return Ok(None);
        }
        let files = TempDir::new()?;
        let desk = Desk::start(&files.path().join("desktop"))?;
        let (insecure, secure, _) = desk.ports;
        let shop = Shop::open((insecure, secure), files.path())?;
        let page = Page::open(&desk.link())?;
        Ok(Some(Self { page, shop, desk, files }))
    }

    /// Opens a plugin of an app as a person does, with the list at the left.
    pub(crate) fn show(&self, app: &str, plugin: &str) -> Result {
        self.page.click(&format!("nav li.app:has-text('{app}') li a:has-text('{plugin}')"))?;
        self.page.see(&format!("main h2:has-text('{plugin}')"))?;
        Ok(())
    }

    /// Takes a picture for the documentation, where that is asked for. Nothing in it may keep people out.
    pub(crate) fn picture(&self, name: &str) -> Result {
        assert_eq!(self.page.barriers()?, Vec::<String>::new(), "{name}");
        if pictures_are_wanted() {
            let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/images");
            self.page.picture(&images.join(format!("page-{name}.png")))?;
        }
        Ok(())
    }
}

pub(crate) fn pictures_are_wanted() -> bool {
    env::var_os("FLIPPER_SCREENSHOTS").is_some()
}

impl Desk {
    fn start(directory: &Path) -> Result<Self> {
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

    pub(crate) fn token(&self) -> String {
        self.running.as_ref().map(|(_, api)| api.token().as_str().to_owned()).unwrap_or_default()
    }

    /// The page's address, with the token in it.
    pub(crate) fn link(&self) -> String {
        format!("http://localhost:{}/#token={}", self.ui, self.token())
    }
}
