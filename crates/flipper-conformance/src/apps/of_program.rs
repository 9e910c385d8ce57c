//! An app that is a program in any language.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flipper_client::proto::ErrorReport;
use flipper_client::proto::client::{ExchangeReason, State, Step};
use serde_json::Value;

use super::{App, Part, Settings};
use crate::Result;
use crate::programs::{self, Program};

/// A program, and so the client that it is made with.
pub trait Binding: 'static {
    /// The program's file name.
    const NAME: &'static str;

    /// Where it is. By default, where `cargo xtask programs` builds it.
    ///
    /// # Errors
    /// When it is not there.
    fn program() -> Result<PathBuf> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/programs").join(Self::NAME);
        if path.is_file() {
            return Ok(path);
        }
        let name = Self::NAME;
        Err(format!("{name} is not in target/programs: run `cargo xtask programs`, which builds it there").into())
    }
}

/// Over the threaded layer of the C ABI.
#[derive(Debug)]
pub enum CThreaded {}

impl Binding for CThreaded {
    const NAME: &'static str = "c-threaded";
}

/// Over the sans-IO layer of the C ABI, with sockets and TLS of its own.
#[derive(Debug)]
pub enum CSansIo {}

impl Binding for CSansIo {
    const NAME: &'static str = "c-sans-io";
}

/// Over the Python package.
#[derive(Debug)]
pub enum Python {}

impl Binding for Python {
    const NAME: &'static str = "python";
}

/// An app that is a program.
#[derive(Debug)]
pub struct ProgramApp<B> {
    program: Program,
    binding: PhantomData<B>,
}

impl<B: Binding> App for ProgramApp<B> {
    fn launch(settings: &Settings<'_>, parts: &[Part<'_>]) -> Result<Self> {
        let program = Program::spawn(
            &B::program()?,
            &programs::Settings {
                host: "localhost".to_owned(),
                ports: settings.ports,
                directory: settings.directory.to_owned(),
                app: settings.name.to_owned(),
                app_id: Settings::ID.to_owned(),
                scenario: "matrix".to_owned(),
                backoff: (Duration::from_millis(250), Settings::CEILING),
                grant: None,
                shows_output: false,
            },
        )?;
        parts.iter().try_for_each(|part| program.add(part.role()))?;
        program.command(&["start"])?;
        Ok(Self { program, binding: PhantomData })
    }

    fn wait_connected(&mut self) -> Result {
        let connected = State::Connected { unresponsive: false }.to_string();
        self.program.wait_for("state connected", |event| (*event == ["state", &connected]).then_some(()))
    }

    fn wait_failure(&mut self) -> Result<String> {
        self.program.wait_for("a failure", |event| (event[0] == "failed").then(|| event[1..].concat()))
    }

    fn wait_exchange(&mut self, reason: ExchangeReason) -> Result {
        let step = Step::ExchangeNeeded(reason).to_string();
        self.program.wait_for(&step, |event| (*event == ["step", &step]).then_some(()))
    }

    fn steps(&self) -> Vec<String> {
        self.program.told().iter().filter(|event| event[0] == "step").map(|event| event[1..].concat()).collect()
    }

    fn send(&self, plugin: &str, method: &str, params: &Value) -> Result {
        self.program.command(&["send", plugin, method, &params.to_string()]).map(drop)
    }

    fn waiting(&self, plugin: &str) -> Result<(usize, u64)> {
        match &self.program.command(&["waiting", plugin])?[..] {
            [answer, waiting, dropped] if answer == "waiting" => Ok((waiting.parse()?, dropped.parse()?)),
            other => Err(format!("no answer to waiting: {other:?}").into()),
        }
    }

    fn report_error(&self, report: &ErrorReport) -> Result {
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        self.program.command(&["report", &report.message, &text(&report.name), &text(&report.stacktrace)]).map(drop)
    }

    fn add_plugin(&self, part: &Part<'_>) -> Result {
        self.program.add(part.role())
    }

    fn remove_plugin(&self, id: &str) -> Result {
        self.program.remove(id)
    }

    fn stop(self) -> Result {
        self.program.stop()
    }
}
