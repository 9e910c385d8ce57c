//! A desktop with the official page, that page in a browser, and the shop.

use std::cell::RefCell;
use std::env;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use flipper_conformance::desktops::Hosted;
use flipper_conformance::official::{OfficialDesktop, OfficialPage};
use flipper_conformance::{PATIENCE, Result};
use flipper_desktop::OfficialPlugin;
use serde_json::Value;
use tempfile::TempDir;

/// Runs a program, and ends it when standard input does, which it also does when the test is killed.
const END_WITH_INPUT: &str = r#""$0" "$@" & read _; kill $!; wait"#;

/// What the shop has, by the ids that desktops know.
const PLUGINS: [&str; 8] =
    ["Network", "Databases", "Preferences", "Navigation", "Sandbox", "rust-logs", "rust-crashes", "shop-sales"];

/// A row of the page's newer tables, which those of dialogs are not.
pub(crate) const ROW: &str = ".ant-dropdown-trigger[class*=TableBodyRowContainer]";

pub(crate) struct Scene {
    pub(crate) page: OfficialPage,
    pub(crate) shop: Shop,
    tables: RefCell<Vec<(&'static str, Table)>>,
    takes_pictures: bool,
    _desktop: Desktop,
    files: TempDir,
}

/// The cells of rows.
type Table = Vec<Vec<String>>;

/// Ends when it is dropped.
enum Desktop {
    Official(#[expect(dead_code, reason = "it is only kept")] OfficialDesktop),
    Ours(#[expect(dead_code, reason = "it is only kept")] Hosted),
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
        Self::set(page, shop, Desktop::Official(desktop), files).map(Some)
    }

    /// With our desktop, which knows the plugins of Rust apps without anything installed, but for a shop's own table.
    pub(crate) fn ours(pristine: bool) -> Result<Option<Self>> {
        let Some(desktop) = Hosted::start_unless_skipped(pristine)? else { return Ok(None) };
        OfficialPlugin::table("shop-sales", "Shop Sales")?.install(desktop.home())?;
        let files = TempDir::new()?;
        let shop = Shop::open(desktop.ports(), files.path(), false)?;
        desktop.wait_for_app("Rust Shop")?;
        let page = OfficialPage::open(&desktop)?;
        Self::set(page, shop, Desktop::Ours(desktop), files).map(Some)
    }

    fn set(page: OfficialPage, shop: Shop, desktop: Desktop, files: TempDir) -> Result<Self> {
        for plugin in PLUGINS {
            page.enable(plugin)?;
        }
        let takes_pictures = pictures_are_wanted() && matches!(desktop, Desktop::Official(_));
        Ok(Self { page, shop, tables: RefCell::default(), takes_pictures, _desktop: desktop, files })
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

    pub(crate) fn tables(self) -> Vec<(&'static str, Table)> {
        self.tables.into_inner()
    }

    /// The shop's own database file.
    pub(crate) fn database(&self) -> PathBuf {
        self.files.path().join("data/shop.db")
    }

    /// Takes a picture for the documentation, where that is asked for.
    pub(crate) fn picture(&self, name: &str) -> Result {
        if self.takes_pictures {
            let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/images");
            if name != "sandbox" {
                // What that one is about would float over the others.
                self.page.miss(".ant-message-notice")?;
            }
            self.page.picture(&images.join(format!("{name}.png")))?;
        }
        Ok(())
    }
}

fn pictures_are_wanted() -> bool {
    env::var_os("FLIPPER_SCREENSHOTS").is_some()
}

/// The sample service as a process, started as a user would: it is told where the desktop is, and nothing else of Flipper.
pub(crate) struct Shop {
    process: Child,
    /// It would fail to print if nobody could read it.
    _output: BufReader<ChildStdout>,
    url: String,
}

impl Shop {
    fn open((insecure, secure): (u16, u16), files: &Path, on_usual_port: bool) -> Result<Self> {
        let mut process = Command::new("sh")
            .args(["-c", END_WITH_INPUT, env!("CARGO_BIN_EXE_flipper-sample"), "--data"])
            .arg(files.join("data"))
            // The same one in all pictures.
            .args(["--port", if on_usual_port { "8080" } else { "0" }])
            .env("FLIPPER_ALT_PORTS", format!("{insecure},{secure}"))
            .env("FLIPPER_STATE_DIR", files.join("flipper"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut output = BufReader::new(process.stdout.take().ok_or("no pipe")?);
        let mut said = String::new();
        output.read_line(&mut said)?;
        let url = said.trim_end().rsplit(' ').next().filter(|url| url.starts_with("http://"));
        let url = url.ok_or_else(|| format!("the shop did not open: {said}"))?.to_owned();
        Ok(Self { process, _output: output, url })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Asks the shop for a page, and gives the status and what is on it.
    pub(crate) fn get(&self, path: &str) -> Result<(u16, String)> {
        answer(agent().get(format!("{}{path}", self.url)).call()?)
    }

    /// Asks for a page that is no text.
    pub(crate) fn get_bytes(&self, path: &str) -> Result<Vec<u8>> {
        Ok(agent().get(format!("{}{path}", self.url)).call()?.body_mut().read_to_vec()?)
    }

    /// Asks for a page again and again, until it has this on it.
    pub(crate) fn get_until(&self, path: &str, wanted: &str) -> Result {
        let end = Instant::now() + PATIENCE;
        loop {
            let (_, body) = self.get(path)?;
            if body.contains(wanted) {
                return Ok(());
            }
            if Instant::now() > end {
                return Err(format!("{path} never had {wanted}, but {body}").into());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<(u16, String)> {
        answer(agent().post(format!("{}{path}", self.url)).content_type("application/json").send(body.to_string())?)
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> Result<(u16, String)> {
        answer(agent().patch(format!("{}{path}", self.url)).content_type("application/json").send(body.to_string())?)
    }

    pub(crate) fn delete(&self, path: &str) -> Result<(u16, String)> {
        answer(agent().delete(format!("{}{path}", self.url)).call()?)
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.process.stdin = None;
        let _ = self.process.wait();
    }
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

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}

fn answer(mut response: ureq::http::Response<ureq::Body>) -> Result<(u16, String)> {
    Ok((response.status().as_u16(), response.body_mut().read_to_string()?))
}
