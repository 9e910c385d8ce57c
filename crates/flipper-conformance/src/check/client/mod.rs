//! Checks a client: plays the desktop that it connects to.

mod desk;
mod scenarios;
mod session;
mod subject;
mod under_test;

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use self::desk::Port;
use self::session::Session;
pub use self::subject::Subject;
use self::under_test::ClientUnderTest;
use super::expectations::Expectations;
use super::outcome::{Outcome, Stop, Verdict};
use super::report::Report;
use super::run::{Progress, RunError, Selection, run_all};
use super::scenario::Scenario;
use super::talk::seconds;

/// The settings of a check of a client.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Check {
    /// How the client is run.
    pub subject: Subject,
    /// The address to listen on. Default: 127.0.0.1.
    pub listen: IpAddr,
    /// How the client connects. Default: over TLS, to ports 9089 and 9088; to any free ports where it is a shim.
    pub transport: Transport,
    /// Where the CA of the desktop that is played is kept, so that a client has good certificates from an earlier run.
    /// Default: nowhere.
    pub state_dir: Option<PathBuf>,
    /// How long every single wait may take. Default: 30 s.
    pub patience: Duration,
    /// How long to wait for a client that is started by hand to appear at all. Default: 10 min.
    pub first_patience: Duration,
    /// Which scenarios to run. Default: all.
    pub selection: Selection,
    /// What is known of the client. Default: nothing.
    pub expectations: Expectations,
}

/// How a client connects. Port 0 is any that is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Over mutual TLS, after an exchange of certificates.
    Secure {
        /// The port of exchanges.
        insecure: u16,
        /// The port of sessions.
        secure: u16,
    },
    /// Over a plain WebSocket, as apps in browsers and in Node do.
    Browser {
        /// The port.
        port: u16,
    },
}

impl Transport {
    /// The ports of the official desktop for clients that exchange certificates.
    pub const SECURE: Self = Self::Secure { insecure: 9089, secure: 9088 };
    /// The port of the official desktop for browsers.
    pub const BROWSER: Self = Self::Browser { port: 8333 };

    /// The same with any ports that are free.
    #[must_use]
    pub fn on_any_ports(self) -> Self {
        match self {
            Self::Secure { .. } => Self::Secure { insecure: 0, secure: 0 },
            Self::Browser { .. } => Self::Browser { port: 0 },
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Secure { .. } => "over TLS",
            Self::Browser { .. } => "on the browser port",
        }
    }
}

/// All scenarios for clients, in the order in which they run.
#[must_use]
pub fn scenarios() -> Vec<Scenario> {
    scenarios::all().map(|entry| entry.scenario).collect()
}

/// A check that listens already.
pub struct Ready {
    check: Check,
    /// Kept over all scenarios where the client is started by hand; made anew for each where it is a shim.
    client: Option<ClientUnderTest>,
}

impl Check {
    /// A check of a client that is run in this way.
    #[must_use]
    pub fn of(subject: Subject) -> Self {
        let transport = match subject {
            Subject::ByHand => Transport::SECURE,
            #[cfg(unix)]
            Subject::Shim { .. } => Transport::SECURE.on_any_ports(),
        };
        Self {
            subject,
            listen: Ipv4Addr::LOCALHOST.into(),
            transport,
            state_dir: None,
            patience: Duration::from_secs(30),
            first_patience: Duration::from_secs(600),
            selection: Selection::all(),
            expectations: Expectations::none(),
        }
    }

    /// Listens, if the client is started by hand.
    ///
    /// # Errors
    /// [`RunError`]: a port that is in use, or a system that has no room for files.
    pub fn listen(self) -> Result<Ready, RunError> {
        let client = match self.subject {
            Subject::ByHand => Some(ClientUnderTest::new(&self)?),
            #[cfg(unix)]
            Subject::Shim { .. } => None,
        };
        Ok(Ready { check: self, client })
    }
}

impl Ready {
    /// Where the client is to connect, if it is started by hand.
    #[must_use]
    pub fn transport(&self) -> Option<Transport> {
        let desk = &self.client.as_ref()?.desk;
        let number = |port| desk.number(port).unwrap_or_default();
        Some(match self.check.transport {
            Transport::Secure { .. } => {
                Transport::Secure { insecure: number(Port::Insecure), secure: number(Port::Secure) }
            }
            Transport::Browser { .. } => Transport::Browser { port: number(Port::Browser) },
        })
    }

    /// Goes through the scenarios.
    ///
    /// # Errors
    /// [`RunError`], where nothing could be checked at all.
    pub fn run(mut self, progress: Progress<'_>) -> Result<Report, RunError> {
        let report = Report::new("client", self.check.transport.name());
        let entries: Vec<&Entry> = scenarios::all().collect();
        let scenarios: Vec<Scenario> = entries.iter().map(|entry| entry.scenario).collect();
        let check = self.check.clone();
        let mut awaited = self.client.is_some();
        run_all(report, &scenarios, &check.selection, &check.expectations, progress, |index| {
            let entry = entries[index];
            if let Err(stop) = entry.fits(check.transport) {
                return Ok(Outcome::from(Err(stop)));
            }
            if std::mem::take(&mut awaited) {
                self.wait_for_somebody()?;
            }
            self.run_one(entry)
        })
    }
}

/// One scenario and how to run it.
struct Entry {
    scenario: Scenario,
    needs: Needs,
    run: Run,
}

/// The transport that a scenario is about.
#[derive(Clone, Copy)]
enum Needs {
    Either,
    Secure,
    Browser,
}

#[derive(Clone, Copy)]
enum Run {
    /// Within a session, which it leaves open.
    Session(fn(&mut Session) -> Verdict),
    /// With sessions that it opens and ends as it likes.
    Life(fn(&mut ClientUnderTest) -> Verdict),
}

impl Entry {
    const fn session(
        name: &'static str,
        about: &'static str,
        reference: &'static str,
        run: fn(&mut Session) -> Verdict,
    ) -> Self {
        Self { scenario: Scenario { name, about, reference }, needs: Needs::Either, run: Run::Session(run) }
    }

    const fn life(
        name: &'static str,
        about: &'static str,
        reference: &'static str,
        run: fn(&mut ClientUnderTest) -> Verdict,
    ) -> Self {
        Self { scenario: Scenario { name, about, reference }, needs: Needs::Either, run: Run::Life(run) }
    }

    /// For clients that exchange certificates.
    const fn secure(mut self) -> Self {
        self.needs = Needs::Secure;
        self
    }

    /// For clients of the browser port.
    const fn browser(mut self) -> Self {
        self.needs = Needs::Browser;
        self
    }

    fn fits(&self, transport: Transport) -> Verdict {
        match (self.needs, transport) {
            (Needs::Secure, Transport::Browser { .. }) => Err(Stop::skipped("needs TLS; this is the browser port")),
            (Needs::Browser, Transport::Secure { .. }) => Err(Stop::skipped("is about the browser port; this is TLS")),
            (Needs::Either | Needs::Secure, Transport::Secure { .. })
            | (Needs::Either | Needs::Browser, Transport::Browser { .. }) => Ok(()),
        }
    }
}

impl Ready {
    fn wait_for_somebody(&mut self) -> Result<(), RunError> {
        let Some(client) = &mut self.client else { return Ok(()) };
        let deadline = Instant::now() + self.check.first_patience;
        if client.somebody_comes(deadline) {
            return Ok(());
        }
        Err(RunError::Unable {
            what: format!(
                "no client connected within {}; is it pointed at these ports?",
                seconds(self.check.first_patience)
            ),
        })
    }

    fn run_one(&mut self, entry: &Entry) -> Result<Outcome, RunError> {
        let mut fresh;
        let client = match &mut self.client {
            Some(client) => client,
            None => {
                fresh = ClientUnderTest::new(&self.check)?;
                &mut fresh
            }
        };
        client.begin(entry.scenario.name);
        let verdict = match entry.run {
            Run::Life(run) => run(client),
            Run::Session(run) => client.session().and_then(|mut session| {
                run(&mut session)?;
                session.tidy()?;
                client.keep(session);
                Ok(())
            }),
        };
        let mut outcome = Outcome::from(verdict);
        if let (Outcome::Failed(finding), Some(output)) = (&mut outcome, client.output())
            && !finding.came.contains(&output)
        {
            finding.came.push_str("\nthe client's last output:");
            finding.came.push_str(&output);
        }
        Ok(outcome)
    }
}
