//! What our desktop runs on in tests.

use std::future::Future;

use flipper_async::Runtime;
use flipper_smol::Smol;
use flipper_tokio::Tokio;

use crate::Result;

/// A runtime that a test owns.
pub trait Host: Sized + Send + 'static {
    /// The runtime.
    type Runtime: Runtime;

    /// Starts one.
    ///
    /// # Errors
    /// What the system has against it.
    fn new() -> Result<Self>;

    /// A handle to it.
    fn runtime(&self) -> Self::Runtime;

    /// Runs something on it, and waits until that is done.
    fn wait_for<F: Future>(&self, future: F) -> F::Output;
}

/// tokio, with two threads.
#[derive(Debug)]
pub struct OnTokio {
    runtime: tokio::runtime::Runtime,
    handle: Tokio,
}

impl Host for OnTokio {
    type Runtime = Tokio;

    fn new() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let handle = {
            let _entered = runtime.enter();
            Tokio::current()?
        };
        Ok(Self { runtime, handle })
    }

    fn runtime(&self) -> Tokio {
        self.handle.clone()
    }

    fn wait_for<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }
}

/// smol, with the threads of its global executor.
#[derive(Debug)]
pub struct OnSmol;

impl Host for OnSmol {
    type Runtime = Smol;

    fn new() -> Result<Self> {
        Ok(Self)
    }

    fn runtime(&self) -> Smol {
        Smol::default()
    }

    fn wait_for<F: Future>(&self, future: F) -> F::Output {
        smol::block_on(future)
    }
}
