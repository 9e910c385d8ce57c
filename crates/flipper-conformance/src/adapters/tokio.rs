//! `flipper-tokio`: every app on a runtime with two workers.

use flipper_client::Builder;
use flipper_tokio::Flipper;
use tokio::runtime::{self, Runtime};

use crate::{Adapter, Handle, Result};

/// `flipper-tokio`.
#[derive(Debug)]
pub enum TokioAdapter {}

/// An app on tokio.
#[derive(Clone, Debug)]
pub struct TokioHandle {
    flipper: Flipper,
    runtime: runtime::Handle,
}

impl TokioHandle {
    /// What an app on tokio holds itself.
    #[must_use]
    pub fn flipper(&self) -> &Flipper {
        &self.flipper
    }
}

impl Adapter for TokioAdapter {
    const NAME: &'static str = "tokio";
    type Launch = Flipper;
    type Handle = TokioHandle;
    type Runtime = Runtime;

    fn start(builder: Builder<Flipper>) -> Result<(TokioHandle, Runtime)> {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let flipper = {
            let _entered = runtime.enter();
            builder.start()?
        };
        Ok((TokioHandle { flipper, runtime: runtime.handle().clone() }, runtime))
    }
}

impl Handle for TokioHandle {
    super::handle_over_flipper!();

    fn stop(&self) {
        self.runtime.block_on(self.flipper.stop());
    }

    fn wait_connected(&self) -> bool {
        self.runtime.block_on(self.flipper.connected())
    }
}
