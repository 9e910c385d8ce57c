//! Checks a desktop: plays the apps that connect to it.

mod app;
mod driver;
mod identity;
mod scenarios;
mod under_test;

use std::fmt;
use std::time::Duration;

pub use self::driver::{Driver, UiDriver};
use self::under_test::DesktopUnderTest;
use super::expectations::Expectations;
use super::outcome::{Outcome, Stop, Verdict};
use super::report::Report;
use super::run::{Progress, RunError, Selection, run_all};
use super::scenario::Scenario;

/// The settings of a check of a desktop.
#[non_exhaustive]
pub struct Check {
    /// The desktop's host name or address.
    pub host: String,
    /// Its port of exchanges. Default: 9089.
    pub insecure: u16,
    /// Its port of sessions. Default: 9088.
    pub secure: u16,
    /// Its port for browsers, if that is to be checked.
    pub browser: Option<u16>,
    /// Has the desktop do what only its user can, if there is a way.
    pub driver: Option<Box<dyn Driver>>,
    /// Whether to run what is known to end some desktops.
    pub dangerous: bool,
    /// How long every single wait may take. Default: 10 s.
    pub patience: Duration,
    /// Which scenarios to run. Default: all.
    pub selection: Selection,
    /// What is known of the desktop. Default: nothing.
    pub expectations: Expectations,
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check")
            .field("host", &self.host)
            .field("insecure", &self.insecure)
            .field("secure", &self.secure)
            .field("browser", &self.browser)
            .finish_non_exhaustive()
    }
}

/// All scenarios for desktops, in the order in which they run.
#[must_use]
pub fn scenarios() -> Vec<Scenario> {
    scenarios::all().map(|entry| entry.scenario).collect()
}

impl Check {
    /// A check of the desktop on this host.
    #[must_use]
    pub fn of(host: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            insecure: 9089,
            secure: 9088,
            browser: None,
            driver: None,
            dangerous: false,
            patience: Duration::from_secs(10),
            selection: Selection::all(),
            expectations: Expectations::none(),
        }
    }

    /// Goes through the scenarios.
    ///
    /// # Errors
    /// [`RunError`], where nothing could be checked at all: in particular where no desktop listens.
    pub fn run(self, progress: Progress<'_>) -> Result<Report, RunError> {
        let report = Report::new("desktop", format!("{}, ports {},{}", self.host, self.insecure, self.secure));
        let entries: Vec<&Entry> = scenarios::all().collect();
        let scenarios: Vec<Scenario> = entries.iter().map(|entry| entry.scenario).collect();
        let Self { selection, expectations, dangerous, .. } = &self;
        let (selection, expectations, dangerous) = (selection.clone(), expectations.clone(), *dangerous);
        let mut desktop = DesktopUnderTest::new(self)?;
        run_all(report, &scenarios, &selection, &expectations, progress, |index| {
            let entry = entries[index];
            if entry.dangerous && !dangerous {
                return Ok(Outcome::Skipped("it ends some desktops; --dangerous runs it".to_owned()));
            }
            Ok(Outcome::from(desktop.still_listens().and_then(|()| (entry.run)(&mut desktop))))
        })
    }
}

/// One scenario and how to run it.
struct Entry {
    scenario: Scenario,
    /// Whether it ends some desktops.
    dangerous: bool,
    run: fn(&mut DesktopUnderTest) -> Verdict,
}

impl Entry {
    const fn new(
        name: &'static str,
        about: &'static str,
        reference: &'static str,
        run: fn(&mut DesktopUnderTest) -> Verdict,
    ) -> Self {
        Self { scenario: Scenario { name, about, reference }, dangerous: false, run }
    }

    const fn dangerous(mut self) -> Self {
        self.dangerous = true;
        self
    }
}

/// Why a scenario is skipped that needs a driver.
fn no_driver() -> Stop {
    Stop::skipped("needs the desktop to be driven; --ui-port says by which socket")
}
