//! A desktop, its page in a browser, and the shop.

use std::path::Path;

use flipper_conformance::Result;
use flipper_conformance::official::skips_this_test;
use flipper_conformance::page::Page;
use tempfile::TempDir;

use crate::desk::Desk;
use crate::shop::{Shop, pictures_are_wanted};

pub(crate) struct Scene {
    pub(crate) page: Page,
    pub(crate) shop: Shop,
    pub(crate) desk: Desk,
    pub(crate) files: TempDir,
}

impl Scene {
    pub(crate) fn set_unless_skipped() -> Result<Option<Self>> {
        if skips_this_test()? {
            return Ok(None);
        }
        let files = TempDir::new()?;
        let desk = Desk::start(&files.path().join("desktop"))?;
        let shop = Shop::open((desk.insecure(), desk.secure()), files.path(), pictures_are_wanted())?;
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
