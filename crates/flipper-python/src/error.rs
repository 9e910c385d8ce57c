//! Errors on their way to Python. Their classes are Python's own, in `flipper._errors`.

use flipper_blocking::proto::ApiMisuse;
use flipper_blocking::{SendError, StartError};
use pyo3::call::PyCallArgs;
use pyo3::prelude::*;

/// An error of the class of this name.
pub(crate) fn raise<'py>(py: Python<'py>, class: &str, args: impl PyCallArgs<'py>) -> PyErr {
    let make = || py.import("flipper._errors")?.getattr(class)?.call1(args);
    make().map_or_else(|error| error, PyErr::from_value)
}

pub(crate) fn not_sent(py: Python<'_>, error: &SendError) -> PyErr {
    match error {
        SendError::TooLarge { size, max } => raise(py, "TooLarge", (*size, *max)),
        SendError::NotConnected => raise(py, "NotConnected", ()),
        SendError::Stopped => raise(py, "Stopped", ()),
        SendError::PluginRemoved => raise(py, "UnknownPlugin", ()),
        other => raise(py, "NotJson", (other.to_string(),)),
    }
}

pub(crate) fn misused(py: Python<'_>, misuse: &ApiMisuse) -> PyErr {
    match misuse {
        ApiMisuse::DuplicatePlugin => raise(py, "DuplicatePlugin", (misuse.to_string(),)),
        ApiMisuse::UnknownPlugin => raise(py, "UnknownPlugin", ()),
        ApiMisuse::NotConnected => raise(py, "NotConnected", ()),
        ApiMisuse::TooLarge { size, max } => raise(py, "TooLarge", (*size, *max)),
        other => raise(py, "Error", (other.to_string(),)),
    }
}

pub(crate) fn not_started(py: Python<'_>, error: &StartError) -> PyErr {
    raise(py, "StartError", (error.to_string(),))
}
