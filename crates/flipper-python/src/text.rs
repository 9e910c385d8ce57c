//! Texts on their way from Python.

use flipper_blocking::proto::{ErrorReport, Payload};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::error::raise;

/// Beyond this, other threads of Python run while a text is looked at.
const LONG: usize = 64 << 10;

/// A text, which Python's strings need not be: they may hold surrogates.
pub(crate) fn text(value: &Bound<'_, PyString>, what: &str) -> PyResult<String> {
    match value.to_cow() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err(raise(value.py(), "InvalidText", (what,))),
    }
}

/// JSON that Python has written, or that somebody gave as it is.
pub(crate) fn json(value: &Bound<'_, PyString>, what: &str) -> PyResult<Payload> {
    let py = value.py();
    let text = text(value, what)?;
    let payload = if text.len() > LONG { py.detach(|| Payload::from_json(text)) } else { Payload::from_json(text) };
    payload.map_err(|error| raise(py, "NotJson", (format!("{what}: {error}"),)))
}

/// An error as the desktop gets it.
pub(crate) fn report(
    message: &Bound<'_, PyString>,
    name: Option<&Bound<'_, PyString>>,
    stacktrace: Option<&Bound<'_, PyString>>,
) -> PyResult<ErrorReport> {
    let mut report = ErrorReport::new(text(message, "the error's message")?);
    if let Some(name) = name {
        report = report.named(text(name, "the error's name")?);
    }
    if let Some(stacktrace) = stacktrace {
        report = report.with_stacktrace(text(stacktrace, "the error's stack trace")?);
    }
    Ok(report)
}

/// The name or the value of a header, which may be text or bytes.
pub(crate) fn bytes(value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    let text = value.cast::<PyString>()?;
    Ok(text.to_string_lossy().into_owned().into_bytes())
}
