//! The official desktop's own page, in a headless Chromium.

use std::cell::{Cell, RefCell};
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::desktop::OfficialDesktop;
use super::error::{Error, ErrorKind};

/// What a step takes at most, unless [`OfficialPage::with_patience`] says otherwise. Bounds a hang; steps go on as soon as
/// they can.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much longer the program that drives the browser has, which says itself that a step took too long.
pub(crate) const PROGRAM_PATIENCE: Duration = Duration::from_secs(30);
/// The names of a browser that will do.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// What the page says whatever an app does, by its beginning.
const USUAL_COMPLAINTS: [&str; 8] = [
    // The npm package has no such file.
    "Failed to load changelog",
    // Plugins ask for modules of Node, which are empty in a browser. The page lives with most of that.
    "[decapitate] Tried to electronRequire",
    // Tables that are laid out anew while they are laid out (`ResizeObserver loop`).
    "\"error\" event intercepted: null",
    // Half a minute after an app on Linux has got its first certificate; the app is connected all the same.
    "notice: Timed out establishing connection with",
    // It asks the outside for the newest version, which our desktop does not let it.
    "Connecting to 'https://www.facebook.com/fbflipper/",
    "Fetch API cannot load https://www.facebook.com/fbflipper/",
    "\"unhandledrejection\" event intercepted: TypeError: Failed to fetch\n    at checkForUpdate",
    "uncaught: TypeError: Failed to fetch\n    at checkForUpdate",
];

/// The part of a page that is the same for every page: what a person does in it, one [step](Program::ask) each.
macro_rules! common_steps {
    () => {
        /// Clicks.
        pub fn click(&self, at: &str) -> Result<(), Error> {
            self.step("click", at, json!({})).map(drop)
        }

        /// Replaces the text of a field.
        pub fn fill(&self, at: &str, text: &str) -> Result<(), Error> {
            self.step("fill", at, json!({"text": text})).map(drop)
        }

        /// Presses a key, such as `Enter` or `Control+A`.
        pub fn press(&self, at: &str, key: &str) -> Result<(), Error> {
            self.step("press", at, json!({"key": key})).map(drop)
        }

        /// Waits until this is to be seen.
        pub fn see(&self, at: &str) -> Result<(), Error> {
            self.step("see", at, json!({})).map(drop)
        }

        /// Waits until this is not to be seen, or not any more.
        pub fn miss(&self, at: &str) -> Result<(), Error> {
            self.step("miss", at, json!({})).map(drop)
        }

        /// The text in an element, as it is shown.
        pub fn text(&self, at: &str) -> Result<String, Error> {
            self.parsed("text", at, json!({}))
        }

        /// The texts of all elements that there are at this moment.
        pub fn texts(&self, at: &str) -> Result<Vec<String>, Error> {
            self.parsed("texts", at, json!({}))
        }

        fn parsed<T: serde::de::DeserializeOwned>(&self, step: &str, at: &str, more: Value) -> Result<T, Error> {
            let answer = self.step(step, at, more)?;
            T::deserialize(&answer).map_err(|_| {
                Error::new(ErrorKind::Unexpected { asked: format!("{step} {at}"), answer: answer.to_string() })
            })
        }
    };
}
pub(crate) use common_steps;

/// A desktop that serves the official page.
pub trait PageHost {
    /// What a person opens.
    fn page_url(&self) -> String;

    /// Whether the page begins with dialogs, and with no plugin enabled.
    fn greets_new_users(&self) -> bool;
}

impl PageHost for OfficialDesktop {
    fn page_url(&self) -> String {
        format!("http://localhost:{}/", self.ports().ui)
    }

    fn greets_new_users(&self) -> bool {
        true
    }
}

/// The official desktop's own page, as a person sees and uses it.
///
/// Where a method takes `at`, that is a [selector of Playwright's](https://playwright.dev/docs/other-locators), and of
/// several elements the first is meant. Each waits until the element is there and can be used. A step that fails says what
/// the page showed, and leaves a picture in `official-ui` under the target directory.
///
/// The profile is fresh. Everything ends with the last of its tabs, or with the process of the test.
pub struct OfficialPage {
    patience: Duration,
    browser: Rc<Browser>,
    /// Which of its tabs this is.
    tab: usize,
    /// Whether plugins have to be enabled.
    greets: bool,
    /// Whether the list of plugins that are not enabled has been opened.
    list_is_open: Cell<bool>,
}

/// What the tabs share.
struct Browser {
    program: RefCell<Program>,
    tabs: Cell<usize>,
    _files: TempDir,
}

impl OfficialPage {
    /// Opens the page of `desktop`, and leaves the dialogs behind that may greet a new user.
    pub fn open(desktop: &impl PageHost) -> Result<Self, Error> {
        let files = TempDir::with_prefix("official-page-")
            .map_err(|error| Error::io("making a directory for the browser", error))?;
        let program = RefCell::new(Program::start("official_ui.cjs", &desktop.page_url(), files.path())?);
        let browser = Rc::new(Browser { program, tabs: Cell::new(1), _files: files });
        let greets = desktop.greets_new_users();
        let page = Self { patience: PATIENCE, browser, tab: 0, greets, list_is_open: Cell::new(false) };
        if greets {
            page.click("button:has-text('Looks fine')")?;
        }
        page.miss(".ant-modal-wrap")?;
        Ok(page)
    }

    /// Opens `url` in another tab of the same browser, which knows already what was enabled in the first.
    pub fn another_tab(&self, url: &str) -> Result<Self, Error> {
        self.step("open", "body", json!({"url": url}))?;
        let tab = self.browser.tabs.replace(self.browser.tabs.get() + 1);
        let browser = Rc::clone(&self.browser);
        Ok(Self { patience: self.patience, browser, tab, greets: self.greets, list_is_open: Cell::new(false) })
    }

    /// Changes what a step takes at most. Default: a minute.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Enables a plugin of the app that is shown, as a person does: with the `+` beside its name. Where that was done
    /// beforehand, this only looks whether it was.
    pub fn enable(&self, plugin: &str) -> Result<(), Error> {
        let item = item_of(plugin);
        let button = "button[title='Enable plugin']";
        if !self.greets {
            self.see(&item)?;
            return self.miss(&format!("{item} {button}"));
        }
        if !self.list_is_open.replace(true) {
            self.click("text=\"Disabled\"")?;
        }
        self.step("clickUnderMouse", &item, json!({"button": button}))?;
        // It has gone to another list, and is made anew there.
        self.miss(&format!("{item} {button}"))
    }

    /// Opens a plugin that is enabled.
    pub fn show(&self, plugin: &str) -> Result<(), Error> {
        self.click(&item_of(plugin))?;
        self.see(&format!("{}.ant-menu-item-selected", item_of(plugin)))
    }

    common_steps!();

    /// The cells of all rows that there are at this moment.
    pub fn cells(&self, at: &str) -> Result<Vec<Vec<String>>, Error> {
        self.parsed("cells", at, json!({}))
    }

    /// What the page's own scripts make of an expression.
    pub fn evaluate(&self, expression: &str) -> Result<Value, Error> {
        self.step("evaluate", "body", json!({"expression": expression}))
    }

    /// Takes what the page has said on its console and in notices (which are closed when they are in the way) since this was
    /// last asked for, but for what it always says.
    pub fn complaints(&self) -> Result<Vec<String>, Error> {
        let all: Vec<String> = self.parsed("complaints", "body", json!({}))?;
        Ok(all.into_iter().filter(|said| !USUAL_COMPLAINTS.iter().any(|usual| said.starts_with(usual))).collect())
    }

    /// Waits until the page's console has said something with this in it, and takes that out.
    pub fn hear(&self, text: &str) -> Result<(), Error> {
        self.step("hear", "body", json!({"text": text})).map(drop)
    }

    /// Takes a picture of the window, 1400 by 800, as PNG, without what floats over it for a while.
    pub fn picture(&self, to: &Path) -> Result<(), Error> {
        self.step("picture", "body", json!({"to": to})).map(drop)
    }

    fn step(&self, step: &str, at: &str, mut asked: Value) -> Result<Value, Error> {
        let picture = picture_of_failure("official-ui");
        asked["do"] = step.into();
        asked["tab"] = self.tab.into();
        asked["at"] = at.into();
        asked["within"] = (self.patience.as_millis() as u64).into();
        asked["ifItFails"] = json!(picture);
        let mut program = self.browser.program.borrow_mut();
        program.ask(&asked, self.patience + PROGRAM_PATIENCE)?.into_result(|| (format!("{step} {at}"), picture))
    }
}

/// The plugin in the list at the left.
fn item_of(plugin: &str) -> String {
    format!("li[data-menu-id$='-{plugin}']")
}

/// Where the picture of a step that fails goes, in a folder of the target directory: one for each test.
pub(crate) fn picture_of_failure(folder: &str) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"), PathBuf::from);
    let test = thread::current().name().unwrap_or("test").replace("::", "-");
    target.join(folder).join(format!("{test}.png"))
}

/// One of `peers`, which drives the browser.
pub(crate) struct Program {
    child: Child,
    steps: Option<ChildStdin>,
    answers: Receiver<String>,
}

#[derive(Deserialize)]
pub(crate) struct Answer {
    #[serde(default)]
    is: Value,
    failed: Option<String>,
    #[serde(default)]
    page: String,
}

impl Program {
    pub(crate) fn start(script: &str, url: &str, files: &Path) -> Result<Self, Error> {
        let browser = find_browser()?;
        let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
        let starting = |error| Error::io("starting the browser", error);
        let mut child = Command::new("node")
            .arg(peers.join(script))
            .arg(url)
            .arg(browser)
            .arg(files.join("profile"))
            .env_clear()
            .envs(env::var_os("PATH").map(|path| ("PATH", path)))
            .env("HOME", files)
            .env("TMPDIR", files)
            .env("XDG_RUNTIME_DIR", files)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(starting)?;
        let (Some(steps), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            unreachable!("both pipes were asked for");
        };
        let (sender, receiver) = channel();
        thread::spawn(move || {
            BufReader::new(answers).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let mut program = Self { child, steps: Some(steps), answers: receiver };
        program.answer(PATIENCE)?.into_result(|| ("open the page".to_owned(), PathBuf::new()))?;
        Ok(program)
    }

    pub(crate) fn ask(&mut self, step: &Value, patience: Duration) -> Result<Answer, Error> {
        let steps = self.steps.as_mut().ok_or_else(|| gone("it was closed"))?;
        writeln!(steps, "{step}").map_err(|error| gone(&error.to_string()))?;
        self.answer(patience)
    }

    fn answer(&mut self, patience: Duration) -> Result<Answer, Error> {
        let line = self.answers.recv_timeout(patience).map_err(|error| gone(&error.to_string()))?;
        serde_json::from_str(&line).map_err(|error| gone(&format!("{error} in {line:.200}")))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It then closes the browser. What it says until its end is of no use.
        self.steps = None;
        while self.answers.recv_timeout(PROGRAM_PATIENCE).is_ok() {}
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Answer {
    pub(crate) fn into_result(self, step: impl FnOnce() -> (String, PathBuf)) -> Result<Value, Error> {
        let Some(why) = self.failed else { return Ok(self.is) };
        let (step, picture) = step();
        Err(Error::new(ErrorKind::Page { step, why, page: self.page, picture }))
    }
}

fn gone(why: &str) -> Error {
    Error::new(ErrorKind::Unexpected {
        asked: "the program that drives the browser".to_owned(),
        answer: why.to_owned(),
    })
}

fn find_browser() -> Result<PathBuf, Error> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .flat_map(|folder| BROWSERS.map(|name| folder.join(name)))
        .find(|program| program.is_file())
        .ok_or_else(|| Error::new(ErrorKind::NotInstalled("there is no Chromium".to_owned())))
}
