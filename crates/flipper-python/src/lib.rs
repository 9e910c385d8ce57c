//! The native part of the Python package `flipper`: what Rust does for it, and nothing that Python does as well.
//!
//! `docs/python.md` is about the package. Its pure part, in `python/flipper`, wraps everything that is here.

mod app;
mod error;
mod network;
mod options;
mod plugin;
mod registry;
mod text;

use pyo3::prelude::*;

/// What Rust does for the package `flipper`. Apps use the package.
#[pymodule]
mod _flipper {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::app::{App, Counters, Watch};
    #[pymodule_export]
    use super::network::{Body, Exchange, Network};
    #[pymodule_export]
    use super::plugin::{Connection, PluginCore, Responder};
    #[pymodule_export]
    use super::registry::{forked, stop_all};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
