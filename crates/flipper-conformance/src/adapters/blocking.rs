//! `flipper-blocking`: every app has its own threads anyway.

use flipper_blocking::Flipper;
use flipper_client::Builder;

use crate::{Adapter, Handle, Result};

/// `flipper-blocking`.
#[derive(Debug)]
pub enum BlockingAdapter {}

/// An app on threads.
#[derive(Clone, Debug)]
pub struct BlockingHandle {
    flipper: Flipper,
}

impl BlockingHandle {
    /// What an app on threads holds itself.
    #[must_use]
    pub fn flipper(&self) -> &Flipper {
        &self.flipper
    }
}

impl Adapter for BlockingAdapter {
    const NAME: &'static str = "blocking";
    type Launch = Flipper;
    type Handle = BlockingHandle;
    type Runtime = ();

    fn start(builder: Builder<Flipper>) -> Result<(BlockingHandle, ())> {
        Ok((BlockingHandle { flipper: builder.start()? }, ()))
    }
}

impl Handle for BlockingHandle {
    super::handle_over_flipper!();

    fn stop(&self) {
        if let Err(error) = self.flipper.stop().wait() {
            unreachable!("{error}");
        }
    }

    fn wait_connected(&self) -> bool {
        self.flipper.connected()
    }
}
