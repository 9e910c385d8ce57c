//! The one timer of a desk.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::shared::{Shared, Tick};
use crate::runtime::{Runtime, Sleep as _};

/// Tells the state machine the time whenever it asked for that.
pub(super) struct Alarm<R: Runtime> {
    desk: Arc<Shared>,
    sleep: Pin<Box<R::Sleep>>,
}

impl<R: Runtime> Alarm<R> {
    pub(super) fn new(runtime: &R, desk: Arc<Shared>) -> Self {
        Self { desk, sleep: Box::pin(runtime.sleep_until(runtime.now())) }
    }
}

impl<R: Runtime> Future for Alarm<R> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        loop {
            match this.desk.tick(cx.waker()) {
                Tick::Over => return Poll::Ready(()),
                Tick::Never => return Poll::Pending,
                Tick::At(at) => {
                    this.sleep.as_mut().reset(this.desk.clock().when(at));
                    if this.sleep.as_mut().poll_expired(cx).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}
