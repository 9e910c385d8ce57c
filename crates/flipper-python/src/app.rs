//! An app's Flipper in Python's hands.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use flipper_blocking::proto::client::State;
use flipper_blocking::{Flipper, Notice, Status};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::error::{misused, not_started, raise};
use crate::network::Network;
use crate::options::{self, seconds};
use crate::plugin::{Connection, PluginCore, PythonPlugin};
use crate::registry::{Local, Registration, SIGNALS, wait};
use crate::text::text;

/// An app that was started. When it is dropped, it stops.
#[pyclass(frozen, module = "flipper._flipper")]
pub(crate) struct App {
    flipper: Local<Flipper>,
    _registered: Registration,
}

/// A plugin to begin with: one of Python's with its callbacks, or one of Rust's.
#[derive(FromPyObject)]
enum Added<'py> {
    Python(PyRef<'py, PluginCore>, Py<PyAny>),
    Network(PyRef<'py, Network>),
}

impl Added<'_> {
    fn id(&self) -> &str {
        match self {
            Self::Python(core, _) => &core.known.id,
            Self::Network(_) => Network::ID,
        }
    }
}

impl App {
    fn flipper(&self, py: Python<'_>) -> PyResult<&Flipper> {
        self.flipper.need(py)
    }

    fn status(&self) -> Status {
        self.flipper.get().map_or_else(Status::stopped, Flipper::status)
    }
}

#[pymethods]
impl App {
    #[new]
    #[pyo3(signature = (name, app_id, options, plugins, observer))]
    fn start(
        py: Python<'_>,
        name: &Bound<'_, PyString>,
        app_id: &Bound<'_, PyString>,
        options: &Bound<'_, PyDict>,
        plugins: Vec<Added<'_>>,
        observer: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let builder = Flipper::builder(text(name, "the app's name")?, text(app_id, "the app's id")?);
        let threads = options::threads(options)?;
        let mut builder = options::apply(options, builder)?;
        let mut ids = BTreeSet::new();
        for plugin in &plugins {
            if !ids.insert(plugin.id()) {
                return Err(raise(py, "DuplicatePlugin", &format!("two plugins have the id {:?}", plugin.id())));
            }
            builder = match plugin {
                Added::Python(core, hooks) => {
                    builder.plugin(PythonPlugin { known: Arc::clone(&core.known), hooks: hooks.clone_ref(py) })
                }
                Added::Network(network) => builder.plugin(network.settle(py)?),
            };
        }
        if let Some(observer) = observer {
            builder = builder.observer(move |notice| tell(&observer, notice));
        }
        let flipper = builder
            .into_setup()
            .and_then(|setup| Flipper::launch_with(setup, &threads))
            .map_err(|error| not_started(py, &error))?;
        let registered = Registration::new(&flipper);
        Ok(Self { flipper: Local::new(flipper), _registered: registered })
    }

    #[getter]
    fn state(&self) -> String {
        self.status().state.to_string()
    }

    #[getter]
    fn is_connected(&self) -> bool {
        self.status().is_connected()
    }

    #[getter]
    fn last_failure(&self) -> Option<String> {
        self.status().last_failure.map(|failure| failure.to_string())
    }

    #[pyo3(signature = (timeout=None))]
    fn wait_connected(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        let deadline = match timeout {
            Some(timeout) => Instant::now().checked_add(seconds(py, "timeout", timeout)?),
            None => None,
        };
        let mut watch = self.flipper(py)?.watch();
        loop {
            let left = deadline.map_or(SIGNALS, |deadline| deadline.saturating_duration_since(Instant::now()));
            let slice = left.min(SIGNALS);
            py.detach(|| watch.blocking_until_within(slice, has_decided));
            let status = self.status();
            if has_decided(&status) || left.is_zero() {
                return Ok(status.is_connected());
            }
            py.check_signals()?;
        }
    }

    fn watch(&self, py: Python<'_>) -> PyResult<Watch> {
        Ok(Watch { watch: Mutex::new(self.flipper(py)?.watch()) })
    }

    fn add_plugin(&self, py: Python<'_>, plugin: Added<'_>) -> PyResult<()> {
        let flipper = self.flipper(py)?;
        match plugin {
            Added::Python(core, hooks) => flipper.add_plugin(PythonPlugin { known: Arc::clone(&core.known), hooks }),
            Added::Network(network) => flipper.add_plugin(network.settle(py)?),
        }
        .map_err(|misuse| misused(py, &misuse))
    }

    fn remove_plugin(&self, id: &Bound<'_, PyString>) -> PyResult<()> {
        let py = id.py();
        let id = text(id, "the plugin's id")?;
        self.flipper(py)?.remove_plugin(&id).map_err(|misuse| misused(py, &misuse))
    }

    fn connection(&self, id: &Bound<'_, PyString>) -> PyResult<Connection> {
        let flipper = self.flipper(id.py())?;
        Ok(Connection(Local::new(flipper.connection(&text(id, "the plugin's id")?))))
    }

    fn counters(&self, py: Python<'_>) -> PyResult<Counters> {
        let flipper = self.flipper(py)?;
        let counters = flipper.counters();
        Ok(Counters {
            bad_messages: counters.bad_messages,
            unexpected_replies: counters.unexpected_replies,
            binary_messages: counters.binary_messages,
            events_dropped: counters.events_dropped,
            answers_replaced: counters.answers_replaced,
            answers_dropped: counters.answers_dropped,
            missed_notices: flipper.missed_notices(),
        })
    }

    /// Begins to stop.
    fn stop(&self) {
        if let Some(flipper) = self.flipper.get() {
            let _ends_by_itself = flipper.stop();
        }
    }

    /// Stops, and waits until everything has ended. Says whether it has.
    #[pyo3(signature = (timeout=None))]
    fn wait_stopped(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        let timeout = timeout.map(|timeout| seconds(py, "timeout", timeout)).transpose()?;
        self.flipper.get().map_or(Ok(true), |flipper| wait(py, &flipper.stop(), timeout))
    }
}

/// Whether there is a session, or never will be.
fn has_decided(status: &Status) -> bool {
    status.is_connected() || status.state == State::Stopped
}

/// Tells Python's observer what has happened: of what kind it is, and its text.
fn tell(observer: &Py<PyAny>, notice: &Notice) {
    let (kind, text) = match notice {
        Notice::State(state) => ("state", state.to_string()),
        Notice::Step(step) => ("step", step.to_string()),
        Notice::Failed(failure) => ("failed", failure.to_string()),
        Notice::PeerMisbehaved(error) => ("misbehaved", error.to_string()),
        _ => return,
    };
    Python::try_attach(|py| {
        if let Err(error) = observer.call1(py, (kind, text)) {
            error.write_unraisable(py, Some(observer.bind(py)));
        }
    });
}

/// Waits for one status after the other, in a thread of its own.
#[pyclass(frozen, module = "flipper._flipper")]
pub(crate) struct Watch {
    watch: Mutex<flipper_blocking::Watch>,
}

#[pymethods]
impl Watch {
    /// The next state, or `None` when nothing will change any more. Only one thread may wait.
    fn changed(&self, py: Python<'_>) -> Option<String> {
        let status = py.detach(|| self.watch.lock().unwrap_or_else(PoisonError::into_inner).blocking_changed());
        status.map(|status| status.state.to_string())
    }
}

/// What was lost, refused or ignored so far.
#[pyclass(frozen, get_all, module = "flipper")]
pub(crate) struct Counters {
    /// Messages of the desktop that broke the protocol.
    bad_messages: u64,
    /// Answers to nobody, among the bad messages.
    unexpected_replies: u64,
    /// Binary messages that held text and were read as such.
    binary_messages: u64,
    /// Events that found their plugin's buffer full.
    events_dropped: u64,
    /// Answers that were replaced by an error because the desktop does not read, or because they were too large.
    answers_replaced: u64,
    /// Answers for which not even that error found room.
    answers_dropped: u64,
    /// Notices that the observer was not given because too many waited.
    missed_notices: u64,
}

#[pymethods]
impl Counters {
    fn __repr__(&self) -> String {
        format!(
            "Counters(bad_messages={}, unexpected_replies={}, binary_messages={}, events_dropped={}, \
             answers_replaced={}, answers_dropped={}, missed_notices={})",
            self.bad_messages,
            self.unexpected_replies,
            self.binary_messages,
            self.events_dropped,
            self.answers_replaced,
            self.answers_dropped,
            self.missed_notices
        )
    }
}
