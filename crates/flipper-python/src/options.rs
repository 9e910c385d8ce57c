//! The settings of an app, as Python gives them.

use std::path::PathBuf;
use std::time::Duration;

use flipper_blocking::proto::client::Config;
use flipper_blocking::proto::{Medium, Overflow};
use flipper_blocking::{Builder, Options as Threads};
use pyo3::conversion::FromPyObjectOwned;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::raise;

/// Applies what `flipper.start` was given: each option by its name, `None` for its default.
pub(crate) fn apply(options: &Bound<'_, PyDict>, mut builder: Builder) -> PyResult<Builder> {
    let py = options.py();
    if let Some(host) = get::<String>(options, "host")? {
        builder = builder.host(host);
    }
    if let Some((insecure, secure)) = get(options, "ports")? {
        builder = builder.ports(insecure, secure);
    }
    if let Some(directory) = get::<PathBuf>(options, "directory")? {
        builder = builder.directory(directory);
    }
    if let Some(os) = get::<String>(options, "os")? {
        builder = builder.os(os);
    }
    if let Some(device) = get::<String>(options, "device")? {
        builder = builder.device(device);
    }
    if let Some(device_id) = get::<String>(options, "device_id")? {
        builder = builder.device_id(device_id);
    }
    if let Some(medium) = get::<String>(options, "medium")? {
        builder = builder.medium(match medium.as_str() {
            "fs-access" => Medium::FsAccess,
            "www" => Medium::Www,
            "none" => Medium::None,
            _ => return Err(bad(py, "medium", "must be \"fs-access\", \"www\" or \"none\"")),
        });
    }
    if let Some(link) = get::<String>(options, "pairing")? {
        builder = builder.pairing(link);
    }
    if let Some(overflow) = get::<String>(options, "overflow")? {
        builder = builder.overflow(match overflow.as_str() {
            "oldest" => Overflow::DropOldest,
            "newest" => Overflow::DropNewest,
            _ => return Err(bad(py, "overflow", "must be \"oldest\" or \"newest\", whichever is to go")),
        });
    }
    let mut configured = Ok(());
    builder = builder.configure(|config| configured = configure(options, config));
    configured.map(|()| builder)
}

fn configure(options: &Bound<'_, PyDict>, config: &mut Config) -> PyResult<()> {
    let py = options.py();
    if let Some((first, ceiling)) = get(options, "backoff")? {
        config.backoff.first = seconds(py, "backoff", first)?;
        config.backoff.ceiling = seconds(py, "backoff", ceiling)?;
    }
    if let Some(grant) = get(options, "grant")? {
        config.timing.grant = seconds(py, "grant", grant)?;
    }
    if let Some(pause) = get(options, "event_pause")? {
        config.event_pause = seconds(py, "event_pause", pause)?;
    }
    match get::<Bound<'_, PyDict>>(options, "limits")? {
        Some(limits) => set_limits(config, &limits),
        None => Ok(()),
    }
}

/// How many threads call plugins back.
pub(crate) fn threads(options: &Bound<'_, PyDict>) -> PyResult<Threads> {
    let mut threads = Threads::default();
    threads.handlers = get(options, "handlers")?.unwrap_or(threads.handlers);
    Ok(threads)
}

/// An option, unless it has its default.
fn get<'py, T: FromPyObjectOwned<'py>>(options: &Bound<'py, PyDict>, name: &str) -> PyResult<Option<T>> {
    let Some(given) = options.get_item(name)?.filter(|given| !given.is_none()) else { return Ok(None) };
    given.extract::<T>().map(Some).map_err(|error| {
        let error = Into::<PyErr>::into(error);
        if name == "pairing" {
            // It holds a secret.
            return bad(options.py(), name, &format!("is no text: {error}"));
        }
        bad(options.py(), name, &format!("is {given:?}: {error}"))
    })
}

fn set_limits(config: &mut Config, given: &Bound<'_, PyDict>) -> PyResult<()> {
    let limits = &mut config.limits;
    for (name, value) in given {
        let name: String = name.extract()?;
        let limit = match name.as_str() {
            "message_bytes" => &mut limits.message_bytes,
            "pending_calls" => &mut limits.pending_calls,
            "pending_call_bytes" => &mut limits.pending_call_bytes,
            "plugins" => &mut limits.plugins,
            "buffered_events" => &mut limits.buffered_events,
            "buffered_event_bytes" => &mut limits.buffered_event_bytes,
            "queued_answer_bytes" => &mut limits.queued_answer_bytes,
            _ => {
                let known = "message_bytes, pending_calls, pending_call_bytes, plugins, buffered_events, \
                             buffered_event_bytes and queued_answer_bytes";
                return Err(bad(given.py(), "limits", &format!("has {name:?}; there are {known}")));
            }
        };
        *limit = value.extract().map_err(|error| bad(given.py(), &name, &format!("is {value:?}: {error}")))?;
    }
    Ok(())
}

/// A time of so many seconds.
pub(crate) fn seconds(py: Python<'_>, what: &str, seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| bad(py, what, &format!("is {seconds}, which is no time in seconds")))
}

fn bad(py: Python<'_>, option: &str, why: &str) -> PyErr {
    raise(py, "StartError", &format!("{option} {why}"))
}
