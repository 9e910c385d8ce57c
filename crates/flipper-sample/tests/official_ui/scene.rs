//! A desktop with the official page, that page in a browser, and the shop.

use std::any::Any;
use std::cell::RefCell;
use std::path::{Path, PathBuf};

use flipper_conformance::Result;
use flipper_conformance::desktops::Hosted;
use flipper_conformance::official::{OfficialDesktop, OfficialPage};
use flipper_desktop::OfficialPlugin;
use tempfile::TempDir;

use crate::shop::{Shop, pictures_are_wanted};

/// What the shop has, by the ids that desktops know.
const PLUGINS: [&str; 8] =
    ["Network", "Databases", "Preferences", "Navigation", "Sandbox", "rust-logs", "rust-crashes", "shop-sales"];

/// A row of the page's newer tables, which those of dialogs are not.
pub(crate) const ROW: &str = ".ant-dropdown-trigger[class*=TableBodyRowContainer]";

pub(crate) struct Scene {
    pub(crate) page: OfficialPage,
    pub(crate) shop: Shop,
    tables: RefCell<Vec<Noted>>,
    desktop: Desktop,
    /// Ends when it is dropped.
    _running: Box<dyn Any>,
    files: TempDir,
}

/// What a table is called, and the cells of its rows.
pub(crate) type Noted = (&'static str, Vec<Vec<String>>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Desktop {
    Official,
    /// With the page as it was published.
    Ours,
    /// With what our desktop puts into the page.
    OursPrepared,
}

impl Scene {
    /// With the official desktop, the only one that pictures are taken of.
    pub(crate) fn official() -> Result<Option<Self>> {
        let Some(desktop) = OfficialDesktop::start_unless_skipped()? else { return Ok(None) };
        // As `flipper official-plugins install` does. What the page does not bring along, it finds there.
        OfficialPlugin::logs().install(desktop.home())?;
        OfficialPlugin::table("rust-crashes", "Rust Crashes")?.install(desktop.home())?;
        OfficialPlugin::table("shop-sales", "Shop Sales")?.install(desktop.home())?;
        let files = TempDir::new()?;
        let ports = desktop.ports();
        let shop = Shop::open((ports.insecure, ports.secure), files.path(), pictures_are_wanted())?;
        let page = OfficialPage::open(&desktop)?;
        Self::set(page, shop, Desktop::Official, Box::new(desktop), files).map(Some)
    }

    /// With our desktop, which knows the plugins of Rust apps without anything installed, but for a shop's own table.
    pub(crate) fn ours(pristine: bool) -> Result<Option<Self>> {
        let Some(desktop) = Hosted::start_unless_skipped(pristine)? else { return Ok(None) };
        OfficialPlugin::table("shop-sales", "Shop Sales")?.install(desktop.home())?;
        let files = TempDir::new()?;
        let shop = Shop::open(desktop.ports(), files.path(), false)?;
        desktop.wait_for_app("Rust Shop")?;
        let page = OfficialPage::open(&desktop)?;
        let which = if pristine { Desktop::Ours } else { Desktop::OursPrepared };
        Self::set(page, shop, which, Box::new(desktop), files).map(Some)
    }

    fn set(page: OfficialPage, shop: Shop, desktop: Desktop, running: Box<dyn Any>, files: TempDir) -> Result<Self> {
        for plugin in PLUGINS {
            page.enable(plugin)?;
        }
        Ok(Self { page, shop, tables: RefCell::default(), desktop, _running: running, files })
    }

    /// Takes down what a table shows, for a comparison of desktops.
    pub(crate) fn note(&self, name: &'static str, rows: &str) -> Result {
        let mut table = self.page.cells(rows)?;
        table.iter_mut().flatten().for_each(|cell| *cell = comparable(cell, self.shop.url()));
        self.tables.borrow_mut().push((name, table));
        Ok(())
    }

    /// Takes texts down that stand in no table.
    pub(crate) fn note_texts(&self, name: &'static str, at: &str) -> Result {
        let texts = self.page.texts(at)?;
        self.tables
            .borrow_mut()
            .push((name, vec![texts.iter().map(|text| comparable(text, self.shop.url())).collect()]));
        Ok(())
    }

    pub(crate) fn tables(self) -> Vec<Noted> {
        self.tables.into_inner()
    }

    /// The shop's own database file.
    pub(crate) fn database(&self) -> PathBuf {
        self.files.path().join("data/shop.db")
    }

    /// Takes a picture of the page on our desktop, as it is prepared there.
    pub(crate) fn picture_of_ours(&self, name: &str) -> Result {
        if pictures_are_wanted() && self.desktop == Desktop::OursPrepared {
            self.page.picture(&images().join(format!("{name}.png")))?;
        }
        Ok(())
    }

    /// Takes a picture for the documentation, where that is asked for.
    pub(crate) fn picture(&self, name: &str) -> Result {
        if pictures_are_wanted() && self.desktop == Desktop::Official {
            if name != "sandbox" {
                // What that one is about would float over the others.
                self.page.miss(".ant-message-notice")?;
            }
            self.page.picture(&images().join(format!("{name}.png")))?;
        }
        Ok(())
    }
}

fn images() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/images")
}

/// A cell without what is different whenever the shop is opened: where it is, the time, and how long things take.
fn comparable(cell: &str, shop: &str) -> String {
    let cell = cell.replace(shop.trim_end_matches('/').trim_start_matches("http://"), "SHOP");
    let is_made_of = |text: &str, also: &str| text.chars().all(|char| char.is_ascii_digit() || also.contains(char));
    match cell.trim() {
        time if time.contains(':') && is_made_of(time, ":.") => "TIME".to_owned(),
        span if span.strip_suffix("ms").is_some_and(|span| is_made_of(span, "., ")) => "DURATION".to_owned(),
        cell => cell.to_owned(),
    }
}
