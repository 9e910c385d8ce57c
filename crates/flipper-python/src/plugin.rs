//! Plugins in Python, their calls and their events.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use flipper_blocking::{Call, Plugin};
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::error::{not_sent, raise};
use crate::registry::{Local, Once};
use crate::text::{json, report, text};

/// What is known of a plugin without asking Python.
#[pyclass(frozen, module = "flipper._flipper")]
pub(crate) struct PluginCore {
    pub(crate) known: Arc<Known>,
}

pub(crate) struct Known {
    pub(crate) id: String,
    background: bool,
    methods: RwLock<BTreeSet<String>>,
}

#[pymethods]
impl PluginCore {
    #[new]
    fn new(id: &Bound<'_, PyString>, background: bool) -> PyResult<Self> {
        let id = text(id, "the plugin's id")?;
        Ok(Self { known: Arc::new(Known { id, background, methods: RwLock::default() }) })
    }

    #[getter]
    fn id(&self) -> &str {
        &self.known.id
    }

    #[getter]
    fn background(&self) -> bool {
        self.known.background
    }

    fn add_method(&self, name: &Bound<'_, PyString>) -> PyResult<()> {
        let name = text(name, "the method's name")?;
        self.known.methods.write().unwrap_or_else(PoisonError::into_inner).insert(name);
        Ok(())
    }
}

/// A plugin whose callbacks are Python's.
pub(crate) struct PythonPlugin {
    pub(crate) known: Arc<Known>,
    pub(crate) hooks: Py<PyAny>,
}

impl PythonPlugin {
    /// Calls one of the hooks, which never raise anything that somebody could handle. At the interpreter's end nobody is
    /// called back any more.
    fn call(&self, hook: &str, args: impl FnOnce(Python<'_>) -> PyResult<Bound<'_, pyo3::types::PyTuple>>) {
        Python::try_attach(|py| {
            let hooks = self.hooks.bind(py);
            let called = args(py).and_then(|args| hooks.call_method1(hook, args));
            if let Err(error) = called {
                error.write_unraisable(py, Some(hooks));
            }
        });
    }
}

impl Plugin for PythonPlugin {
    fn id(&self) -> &str {
        &self.known.id
    }

    fn run_in_background(&self) -> bool {
        self.known.background
    }

    fn on_added(&self, connection: flipper_blocking::Connection) {
        let connection = Connection(Local::new(connection));
        self.call("_added", |py| (connection,).into_pyobject(py));
    }

    fn on_connect(&self, _: flipper_blocking::Connection) {
        self.call("_connected", |py| Ok(pyo3::types::PyTuple::empty(py)));
    }

    fn on_disconnect(&self) {
        self.call("_disconnected", |py| Ok(pyo3::types::PyTuple::empty(py)));
    }

    fn has_method(&self, method: &str) -> bool {
        self.known.methods.read().unwrap_or_else(PoisonError::into_inner).contains(method)
    }

    fn on_call(&self, call: Call) {
        let Call { method, params, responder } = call;
        let responder = Responder(Once::of(Some(responder)));
        self.call("_called", |py| {
            let params = params.as_ref().map(|params| params.as_json());
            (method.as_str(), params, responder).into_pyobject(py)
        });
    }
}

/// Answers one call.
#[pyclass(frozen, module = "flipper._flipper")]
pub(crate) struct Responder(Once<flipper_blocking::Responder>);

impl Responder {
    fn take(&self, py: Python<'_>) -> PyResult<flipper_blocking::Responder> {
        self.0.need(py)?;
        self.0.take().ok_or_else(|| raise(py, "AlreadyAnswered", "the call was answered already"))
    }
}

#[pymethods]
impl Responder {
    /// Whether the desktop waits for an answer.
    #[getter]
    fn expects_reply(&self) -> bool {
        self.0.lock().is_some_and(|responder| responder.as_ref().is_some_and(|responder| responder.expects_reply()))
    }

    #[getter]
    fn is_answered(&self) -> bool {
        self.0.lock().is_none_or(|responder| responder.is_none())
    }

    fn success(&self, result: &Bound<'_, PyString>) -> PyResult<()> {
        let py = result.py();
        let payload = json(result, "the result")?;
        self.take(py)?.success_json(payload).map_err(|error| raise(py, "SessionEnded", &error.to_string()))
    }

    fn error_json(&self, error: &Bound<'_, PyString>) -> PyResult<()> {
        let py = error.py();
        let payload = json(error, "the error")?;
        self.take(py)?.error_json(payload).map_err(|error| raise(py, "SessionEnded", &error.to_string()))
    }

    #[pyo3(signature = (message, name=None, stacktrace=None))]
    fn error(
        &self,
        message: &Bound<'_, PyString>,
        name: Option<&Bound<'_, PyString>>,
        stacktrace: Option<&Bound<'_, PyString>>,
    ) -> PyResult<()> {
        let py = message.py();
        let report = report(message, name, stacktrace)?;
        self.take(py)?.error(&report).map_err(|error| raise(py, "SessionEnded", &error.to_string()))
    }
}

/// Sends the events of one plugin.
#[pyclass(frozen, module = "flipper._flipper")]
pub(crate) struct Connection(pub(crate) Local<flipper_blocking::Connection>);

#[pymethods]
impl Connection {
    fn send(&self, method: &Bound<'_, PyString>, params: Option<&Bound<'_, PyString>>) -> PyResult<()> {
        let py = method.py();
        let connection = self.0.need(py)?;
        let params = params.map(|params| json(params, "the params")).transpose()?;
        let method = text(method, "the event's name")?;
        connection.send_json(&method, params.as_ref()).map_err(|error| not_sent(py, &error))
    }

    #[pyo3(signature = (message, name=None, stacktrace=None))]
    fn report_error(
        &self,
        message: &Bound<'_, PyString>,
        name: Option<&Bound<'_, PyString>>,
        stacktrace: Option<&Bound<'_, PyString>>,
    ) -> PyResult<()> {
        let py = message.py();
        let connection = self.0.need(py)?;
        let report = report(message, name, stacktrace)?;
        connection.report_error(&report).map_err(|error| not_sent(py, &error))
    }

    #[getter]
    fn is_connected(&self) -> bool {
        self.0.get().is_some_and(|connection| connection.is_connected())
    }

    #[getter]
    fn waiting(&self) -> usize {
        self.0.get().map_or(0, |connection| connection.waiting())
    }

    #[getter]
    fn dropped(&self) -> u64 {
        self.0.get().map_or(0, |connection| connection.dropped())
    }

    #[getter]
    fn is_flushed(&self) -> bool {
        self.0.get().is_some_and(|connection| connection.is_flushed())
    }
}
