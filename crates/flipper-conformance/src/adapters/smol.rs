//! `flipper-smol`: every app on an executor of its own, run by two threads.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use flipper_client::Builder;
use flipper_smol::{Flipper, Smol};
use smol::channel::{Sender, bounded};
use smol::{Executor, future};

use crate::{Adapter, Handle, Result};

/// `flipper-smol`.
#[derive(Debug)]
pub enum SmolAdapter {}

/// An app on smol.
#[derive(Clone, Debug)]
pub struct SmolHandle {
    flipper: Flipper,
}

impl SmolHandle {
    /// What an app on smol holds itself.
    #[must_use]
    pub fn flipper(&self) -> &Flipper {
        &self.flipper
    }
}

/// The threads that run an app's executor, until this is dropped.
#[derive(Debug)]
pub struct SmolRuntime {
    /// Closed, it ends the threads.
    goes_on: Sender<()>,
    threads: Vec<JoinHandle<()>>,
}

impl Adapter for SmolAdapter {
    const NAME: &'static str = "smol";
    type Launch = Flipper;
    type Handle = SmolHandle;
    type Runtime = SmolRuntime;

    fn start(builder: Builder<Flipper>) -> Result<(SmolHandle, SmolRuntime)> {
        let executor = Arc::new(Executor::new());
        let (goes_on, ends) = bounded::<()>(1);
        let flipper = Flipper::launch_on(Smol::on(&executor), builder.into_setup()?)?;
        let run = || {
            let (executor, ends) = (Arc::clone(&executor), ends.clone());
            thread::spawn(move || {
                // The end of the channel is what it waits for.
                let _closed = future::block_on(executor.run(ends.recv()));
            })
        };
        let threads = vec![run(), run()];
        Ok((SmolHandle { flipper }, SmolRuntime { goes_on, threads }))
    }
}

impl Drop for SmolRuntime {
    fn drop(&mut self) {
        self.goes_on.close();
        for thread in self.threads.drain(..) {
            // A panic was told where it happened.
            let _ended = thread.join();
        }
    }
}

impl Handle for SmolHandle {
    super::handle_over_flipper!();

    fn stop(&self) {
        smol::block_on(self.flipper.stop());
    }

    fn wait_connected(&self) -> bool {
        smol::block_on(self.flipper.connected())
    }
}
