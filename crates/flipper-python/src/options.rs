//! The settings of an app, as Python gives them.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use flipper_blocking::Builder;
use flipper_blocking::proto::client::Config;
use flipper_blocking::proto::{Medium, Overflow};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::raise;

/// What `flipper.start` takes, each perhaps `None`, which stands for the default.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Options<'py> {
    host: Option<String>,
    ports: Option<(u16, u16)>,
    directory: Option<PathBuf>,
    os: Option<String>,
    device: Option<String>,
    device_id: Option<String>,
    medium: Option<String>,
    pairing: Option<String>,
    backoff: Option<(f64, f64)>,
    grant: Option<f64>,
    event_pause: Option<f64>,
    overflow: Option<String>,
    limits: Option<Bound<'py, PyDict>>,
    pub(crate) handlers: Option<NonZeroUsize>,
}

impl Options<'_> {
    pub(crate) fn apply(self, py: Python<'_>, mut builder: Builder) -> PyResult<Builder> {
        if let Some(host) = self.host {
            builder = builder.host(host);
        }
        if let Some((insecure, secure)) = self.ports {
            builder = builder.ports(insecure, secure);
        }
        if let Some(directory) = self.directory {
            builder = builder.directory(directory);
        }
        if let Some(os) = self.os {
            builder = builder.os(os);
        }
        if let Some(device) = self.device {
            builder = builder.device(device);
        }
        if let Some(device_id) = self.device_id {
            builder = builder.device_id(device_id);
        }
        if let Some(medium) = self.medium {
            builder = builder.medium(match medium.as_str() {
                "fs-access" => Medium::FsAccess,
                "www" => Medium::Www,
                "none" => Medium::None,
                _ => return Err(bad(py, "medium", "must be \"fs-access\", \"www\" or \"none\"")),
            });
        }
        if let Some(link) = self.pairing {
            builder = builder.pairing(link);
        }
        if let Some(overflow) = self.overflow {
            builder = builder.overflow(match overflow.as_str() {
                "oldest" => Overflow::DropOldest,
                "newest" => Overflow::DropNewest,
                _ => return Err(bad(py, "overflow", "must be \"oldest\" or \"newest\", whichever is to go")),
            });
        }
        let backoff = match self.backoff {
            Some((first, ceiling)) => Some((seconds(py, "backoff", first)?, seconds(py, "backoff", ceiling)?)),
            None => None,
        };
        let grant = self.grant.map(|grant| seconds(py, "grant", grant)).transpose()?;
        let event_pause = self.event_pause.map(|pause| seconds(py, "event_pause", pause)).transpose()?;
        let mut refused = Ok(());
        builder = builder.configure(|config| {
            if let Some((first, ceiling)) = backoff {
                config.backoff.first = first;
                config.backoff.ceiling = ceiling;
            }
            if let Some(grant) = grant {
                config.timing.grant = grant;
            }
            if let Some(event_pause) = event_pause {
                config.event_pause = event_pause;
            }
            if let Some(limits) = &self.limits {
                refused = set_limits(config, limits);
            }
        });
        refused.map(|()| builder)
    }
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
        *limit = value.extract()?;
    }
    Ok(())
}

/// A time of so many seconds.
pub(crate) fn seconds(py: Python<'_>, what: &str, seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| bad(py, what, &format!("is {seconds}, which is no time in seconds")))
}

fn bad(py: Python<'_>, option: &str, why: &str) -> PyErr {
    raise(py, "StartError", (format!("{option} {why}"),))
}
