//! Errors on their way to Python. Their classes are Python's own, in `flipper._errors`.

use flipper_blocking::proto::ApiMisuse;
use flipper_blocking::{SendError, StartError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// An error of the class of this name, with this text.
///
/// No line of Python runs for it. At its end, an interpreter takes threads that still run Python off their stacks, which
/// must not happen beneath a function of Rust's.
pub(crate) fn raise(py: Python<'_>, class: &str, text: &str) -> PyErr {
    instance(py, class, text).map_or_else(|error| error, PyErr::from_value)
}

fn instance<'py>(py: Python<'py>, class: &str, text: &str) -> PyResult<Bound<'py, PyAny>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let module = MODULE.get_or_try_init(py, || py.import("flipper._errors").map(Bound::unbind))?;
    module.bind(py).getattr(class)?.call1((text,))
}

fn too_large(py: Python<'_>, size: usize, max: usize) -> PyErr {
    let text = format!("the message has {size} bytes, {max} are allowed; send it in pieces, or raise message_bytes");
    let make = || {
        let error = instance(py, "TooLarge", &text)?;
        error.setattr("size", size)?;
        error.setattr("max", max)?;
        Ok(error)
    };
    make().map_or_else(|error| error, PyErr::from_value)
}

pub(crate) fn not_sent(py: Python<'_>, error: &SendError) -> PyErr {
    match error {
        SendError::TooLarge { size, max } => too_large(py, *size, *max),
        SendError::NotConnected => raise(py, "NotConnected", "no desktop is connected, and errors do not wait for one"),
        SendError::Stopped => raise(py, "Stopped", "Flipper was stopped; start another one"),
        SendError::PluginRemoved => {
            raise(py, "UnknownPlugin", "no plugin of this id was added to the app, or it was removed")
        }
        other => raise(py, "NotJson", &other.to_string()),
    }
}

pub(crate) fn misused(py: Python<'_>, misuse: &ApiMisuse) -> PyErr {
    match misuse {
        ApiMisuse::DuplicatePlugin => raise(py, "DuplicatePlugin", &misuse.to_string()),
        ApiMisuse::UnknownPlugin => not_sent(py, &SendError::PluginRemoved),
        other => raise(py, "Error", &other.to_string()),
    }
}

pub(crate) fn not_started(py: Python<'_>, error: &StartError) -> PyErr {
    raise(py, "StartError", &error.to_string())
}
