//! An app, from its making to its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use flipper_blocking::{Flipper, Options};
use flipper_proto::client::State;

use super::config::{FlipperAppConfig, Wanted};
use crate::FLIPPER_NEVER;
use crate::exclusive::guard;
use crate::pointer;
use crate::result::FlipperResult;

/// An app with its Flipper, which has threads of its own; opaque to C.
///
/// Any thread may call its functions at any time, several at once, and so may its callbacks; only
/// `flipper_app_free` comes last. A process that was forked must not use the apps of its parent, and the library must not be
/// unloaded before `flipper_app_wait_stopped` was FLIPPER_RESULT_OK. `exit` may come at any time.
#[derive(Debug)]
pub struct FlipperApp {
    shared: Arc<Shared>,
}

/// What a call keeps for as long as it lasts, whoever frees the handle meanwhile.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) flipper: Flipper,
    options: Options,
    is_broken: AtomicBool,
}

/// Makes an app that has not started. Plugins can be added and events sent, which wait.
///
/// Results: FLIPPER_RESULT_NO_NAME, NO_DIRECTORY, BAD_PORTS (of the environment), BAD_PAIRING, NOT_PAIRED, BAD_VALUE,
/// BAD_SIZE. Only if it is FLIPPER_RESULT_OK will `user` be freed by `free_user`: on some thread, when the observer will not
/// be called any more. `flipper_app_free` must follow.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_app_new(config: *const FlipperAppConfig, out: *mut *mut FlipperApp) -> FlipperResult {
    // SAFETY: the caller's promise.
    guard(|| unsafe {
        pointer::give_next(out, || {
            let Wanted { setup, options, observer } = FlipperAppConfig::read(config)?;
            let flipper = Flipper::prepare(setup);
            observer.take();
            Ok(FlipperApp { shared: Arc::new(Shared { flipper, options, is_broken: AtomicBool::new(false) }) })
        })
    })
}

/// Stops an app as `flipper_app_stop` does, and frees it. NULL is nothing to free.
///
/// It does not wait, so that a callback may free its own app. Callbacks that go on, or are due, still come after it;
/// `free_user` tells when the last one has returned. To have that here, stop first and wait: `flipper_app_wait_stopped`.
/// Calls that were not answered stay good until they are freed.
///
/// Threads: any, also in a callback of this app. Calls of other threads that have begun end as after a stop; none may begin.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_app_free(app: *mut FlipperApp) {
    // SAFETY: the caller's promise.
    unsafe { pointer::free(app) };
}

impl Drop for FlipperApp {
    /// By itself it would stop only when the last call has ended.
    fn drop(&mut self) {
        let _ends_by_itself = self.shared.flipper.stop();
    }
}

/// Starts, and goes on looking for a desktop until it is stopped. Returns at once.
///
/// Results: FLIPPER_RESULT_ALREADY_STARTED, also after a stop; NO_THREADS. Neither the network nor the disk is ever a
/// reason.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_app_start(app: *const FlipperApp) -> FlipperResult {
    // SAFETY: the caller's promise.
    unsafe { with(app, |shared| Ok(shared.flipper.begin(&shared.options)?)) }
}

/// Begins to stop: sends what is queued, closes the connection, and never comes back. Returns at once.
///
/// Threads: any, several at once, also in a callback.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_app_stop(app: *const FlipperApp) -> FlipperResult {
    // SAFETY: the caller's promise.
    unsafe {
        with(app, |shared| {
            let _ends_by_itself = shared.flipper.stop();
            Ok(())
        })
    }
}

/// Waits until there is a session with a desktop, for no longer than so many milliseconds; FLIPPER_NEVER is for ever.
///
/// Results: FLIPPER_RESULT_TIMED_OUT; STOPPED, also where it was not started.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_app_wait_connected(app: *const FlipperApp, timeout_ms: u64) -> FlipperResult {
    // SAFETY: the caller's promise.
    unsafe {
        with(app, |Shared { flipper, .. }| {
            let connected = match timeout_ms {
                FLIPPER_NEVER => flipper.connected(),
                ms => flipper.connected_within(Duration::from_millis(ms)),
            };
            match flipper.status().state {
                _ if connected => Ok(()),
                State::Stopped => Err(FlipperResult::Stopped),
                _ => Err(FlipperResult::TimedOut),
            }
        })
    }
}

/// Waits until an app that was stopped has ended, for no longer than so many milliseconds; FLIPPER_NEVER is for ever. Then
/// the desktop was told, every callback has returned, and no thread is left. One that was not started has ended.
///
/// Results: FLIPPER_RESULT_TIMED_OUT; IN_CALLBACK, at once, in a callback of this app, which would wait for itself.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_app_wait_stopped(app: *const FlipperApp, timeout_ms: u64) -> FlipperResult {
    // SAFETY: the caller's promise.
    unsafe {
        with(app, |Shared { flipper, .. }| {
            let ended = flipper.ending().wait_for(match timeout_ms {
                FLIPPER_NEVER => Duration::MAX,
                ms => Duration::from_millis(ms),
            });
            if ended.map_err(|_| FlipperResult::InCallback)? { Ok(()) } else { Err(FlipperResult::TimedOut) }
        })
    }
}

/// Does something with an app.
///
/// # Safety
/// `app` is NULL, or came from [`flipper_app_new`] and was not freed before this was called.
pub(super) unsafe fn with(
    app: *const FlipperApp,
    work: impl FnOnce(&Shared) -> Result<(), FlipperResult>,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    let shared = match unsafe { pointer::shared(app) } {
        Ok(app) => Arc::clone(&app.shared),
        Err(result) => return result,
    };
    shared.enter(work)
}

impl Shared {
    /// Does something, unless a panic has ended something before.
    fn enter(&self, work: impl FnOnce(&Self) -> Result<(), FlipperResult>) -> FlipperResult {
        if self.is_broken.load(Ordering::Relaxed) {
            return FlipperResult::Panic;
        }
        let result = guard(|| work(self));
        if result == FlipperResult::Panic {
            self.is_broken.store(true, Ordering::Relaxed);
        }
        result
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails panics")]
mod tests {
    use super::*;

    fn shared() -> Shared {
        let setup = Flipper::builder("App", "com.example.app").directory("nowhere").into_setup().unwrap();
        let flipper = Flipper::prepare(setup);
        Shared { flipper, options: Options::default(), is_broken: AtomicBool::new(false) }
    }

    #[test]
    fn a_call_that_has_begun_ends_as_after_a_stop_once_the_app_is_freed() {
        let app = Box::into_raw(Box::new(FlipperApp { shared: Arc::new(shared()) }));
        // SAFETY: it is freed once, in the midst of the only call.
        let result = unsafe {
            with(app, |Shared { flipper, options, .. }| {
                flipper_app_free(app);
                assert!(!flipper.connected());
                Ok(flipper.begin(options)?)
            })
        };
        assert_eq!(result, FlipperResult::AlreadyStarted);
    }

    #[test]
    fn after_a_panic_an_app_is_of_no_use() {
        let shared = shared();
        assert_eq!(shared.enter(|_| Ok(())), FlipperResult::Ok);
        assert_eq!(shared.enter(|_| panic!("a fault of this library")), FlipperResult::Panic);
        assert_eq!(shared.enter(|_| unreachable!("it is broken")), FlipperResult::Panic);
    }
}
