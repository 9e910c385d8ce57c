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
        Err(_) => Err(invalid(value.py(), what)),
    }
}

fn invalid(py: Python<'_>, what: &str) -> PyErr {
    let text = format!(
        "{what}: it holds surrogates, which are no characters and have no UTF-8; they come from bytes that were decoded with \
         \"surrogateescape\", such as file names: decode those with errors=\"replace\""
    );
    raise(py, "InvalidText", &text)
}

/// JSON that Python has written, or that somebody gave as it is.
pub(crate) fn json(value: &Bound<'_, PyString>, what: &str) -> PyResult<Payload> {
    let py = value.py();
    let text = text(value, what)?;
    let payload = if text.len() > LONG { py.detach(|| Payload::from_json(text)) } else { Payload::from_json(text) };
    payload.map_err(|error| raise(py, "NotJson", &format!("{what}: {error}")))
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

/// A text that is only shown, whatever it is: what is no text is described, and bytes that are no UTF-8 are escaped.
pub(crate) fn shown(value: &Bound<'_, PyAny>) -> String {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        let bytes = bytes.as_bytes();
        return str::from_utf8(bytes).map_or_else(|_| bytes.escape_ascii().to_string(), str::to_owned);
    }
    value.str().map_or_else(|_| String::new(), |text| text.to_string_lossy().into_owned())
}

/// Looks at bytes, of whatever type. What are none is left alone.
pub(crate) fn with_bytes(value: &Bound<'_, PyAny>, look: impl FnOnce(&[u8])) {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        look(bytes.as_bytes());
    } else if let Ok(copy) = value.py().get_type::<PyBytes>().call1((value,))
        && let Ok(bytes) = copy.cast::<PyBytes>()
    {
        look(bytes.as_bytes());
    }
}
