//! The desktop's own page, in a headless Chromium.

use std::cell::RefCell;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::official::page::{PROGRAM_PATIENCE, Program, common_steps, picture_of_failure};
use crate::official::{Error, ErrorKind};

/// What a step takes at most. Bounds a hang; steps go on as soon as they can.
const PATIENCE: Duration = Duration::from_secs(30);

/// The page, as a person sees and uses it.
///
/// Where a method takes `at`, that is a [selector of Playwright's](https://playwright.dev/docs/other-locators), and of
/// several elements the first is meant. Each waits until the element is there and can be used. A step that fails says what
/// the page showed, and leaves a picture in `own-page` under the target directory.
pub struct Page {
    program: RefCell<Program>,
    _files: TempDir,
}

impl Page {
    /// Opens a page at this address, in a browser that has seen nothing before.
    pub fn open(url: &str) -> Result<Self, Error> {
        let files = TempDir::with_prefix("own-page-")
            .map_err(|error| Error::io("making a directory for the browser", error))?;
        let program = Program::start("page.cjs", url, files.path())?;
        Ok(Self { program: RefCell::new(program), _files: files })
    }

    common_steps!();

    /// Chooses from a list.
    pub fn choose(&self, at: &str, text: &str) -> Result<(), Error> {
        self.step("choose", at, json!({"text": text})).map(drop)
    }

    /// Waits until this is there, to be seen or not.
    pub fn find(&self, at: &str) -> Result<(), Error> {
        self.step("find", at, json!({})).map(drop)
    }

    /// What stands in a field.
    pub fn value(&self, at: &str) -> Result<String, Error> {
        self.parsed("value", at, json!({}))
    }

    /// Goes to an address, or to another part of the page with `#/…`.
    pub fn go(&self, to: &str) -> Result<(), Error> {
        self.step("go", "body", json!({"to": to})).map(drop)
    }

    /// Loads the page anew.
    pub fn reload(&self) -> Result<(), Error> {
        self.step("reload", "body", json!({})).map(drop)
    }

    /// Makes the window this large, in pixels of CSS.
    pub fn window(&self, width: u32, height: u32) -> Result<(), Error> {
        self.step("window", "body", json!({"width": width, "height": height})).map(drop)
    }

    /// Has the system want `light` or `dark` colours.
    pub fn colours(&self, scheme: &str) -> Result<(), Error> {
        self.step("colours", "body", json!({"scheme": scheme})).map(drop)
    }

    /// Clicks upon what downloads a file, and gives what is in it.
    pub fn download(&self, at: &str) -> Result<String, Error> {
        self.parsed("download", at, json!({}))
    }

    /// What was copied last.
    pub fn copied(&self) -> Result<String, Error> {
        self.parsed("copied", "body", json!({}))
    }

    /// Runs JavaScript in the page, and gives its value.
    pub fn run(&self, script: &str) -> Result<Value, Error> {
        self.step("run", "body", json!({"script": script}))
    }

    /// Takes what the page has said on its console, and asked of anybody but the desktop, since this was last asked for.
    pub fn complaints(&self) -> Result<Vec<String>, Error> {
        self.parsed("complaints", "body", json!({}))
    }

    /// What axe-core finds in the page as it is now that is serious, or worse.
    pub fn barriers(&self) -> Result<Vec<String>, Error> {
        self.parsed("barriers", "body", json!({}))
    }

    /// Takes a picture of the window, as PNG.
    pub fn picture(&self, to: &Path) -> Result<(), Error> {
        self.step("picture", "body", json!({"to": to})).map(drop)
    }

    fn step(&self, step: &str, at: &str, mut asked: Value) -> Result<Value, Error> {
        let picture = picture_of_failure("own-page");
        asked["do"] = step.into();
        asked["at"] = at.into();
        asked["within"] = (PATIENCE.as_millis() as u64).into();
        asked["ifItFails"] = json!(picture);
        let answer = self.program.borrow_mut().ask(&asked, PATIENCE + PROGRAM_PATIENCE)?;
        answer.into_result(|| (format!("{step} {at}"), picture))
    }
}
