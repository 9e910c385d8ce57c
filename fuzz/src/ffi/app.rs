//! The calls of an app that is never started: it has no threads and no network.

use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering};

use flipper_ffi::*;

use super::calls::{Function, NO_HANDLE};
use super::given::{Given, read_words};

/// An app, or none, and whom it is to free.
pub(super) struct App {
    app: *mut FlipperApp,
    /// How many of the users that were given to this program's apps are freed. They point here.
    freed: Box<AtomicUsize>,
    given: usize,
}

unsafe extern "C" fn free_user(user: *mut c_void) {
    // SAFETY: it is the counter of a program that goes on.
    let freed = unsafe { &*user.cast::<AtomicUsize>() };
    freed.fetch_add(1, Ordering::Relaxed);
}

impl App {
    pub(super) fn none() -> Self {
        Self { app: null_mut(), freed: Box::default(), given: 0 }
    }

    pub(super) fn call(&mut self, function: Function, given: &Given) -> FlipperResult {
        let app = if given.has(NO_HANDLE) { null() } else { self.app.cast_const() };
        // SAFETY: the handle is NULL or good, and so are the texts, the records and the places.
        unsafe {
            match function {
                Function::AppNew => self.new_app(given),
                Function::AppFree => {
                    flipper_app_free(std::mem::replace(&mut self.app, null_mut()));
                    FlipperResult::Ok
                }
                Function::AppStop => flipper_app_stop(app),
                Function::AppAddPlugin => self.add_plugin(app, given),
                Function::AppRemovePlugin => flipper_app_remove_plugin(app, given.ptr(0), given.len(0)),
                Function::AppSend => flipper_app_send(
                    app,
                    given.ptr(0),
                    given.len(0),
                    given.ptr(1),
                    given.len(1),
                    given.ptr(2),
                    given.len(2),
                ),
                Function::AppReportError => flipper_app_report_error(
                    app,
                    given.ptr(0),
                    given.len(0),
                    given.ptr(1),
                    given.len(1),
                    given.ptr(2),
                    given.len(2),
                ),
                Function::AppAsk => look_at(app, given),
                _ => nobody_calls(given),
            }
        }
    }

    fn new_app(&mut self, given: &Given) -> FlipperResult {
        let record = self.config(given);
        // SAFETY: the record, its texts and the place are good.
        let (result, made) = given.place(null_mut(), |out| unsafe { flipper_app_new(given.record(&record), out) });
        if result == FlipperResult::Ok {
            self.given += usize::from(given.record_size::<FlipperAppConfig>() == size_of::<FlipperAppConfig>());
            // SAFETY: the old one is used no more.
            unsafe { flipper_app_free(std::mem::replace(&mut self.app, made)) };
        }
        result
    }

    fn add_plugin(&mut self, app: *const FlipperApp, given: &Given) -> FlipperResult {
        let callbacks = FlipperPluginCallbacks {
            size: given.record_size::<FlipperPluginCallbacks>(),
            user: self.user(),
            on_connect: None,
            on_disconnect: None,
            has_method: None,
            on_call: None,
            free_user: Some(free_user),
        };
        // SAFETY: the handle is NULL or good, and so are the text and the record.
        let result =
            unsafe { flipper_app_add_plugin(app, given.ptr(0), given.len(0), given.byte(0), given.record(&callbacks)) };
        if result == FlipperResult::Ok {
            self.given += usize::from(callbacks.size == size_of::<FlipperPluginCallbacks>());
        }
        result
    }

    fn user(&self) -> *mut c_void {
        (&raw const *self.freed).cast_mut().cast()
    }

    fn config(&self, given: &Given) -> FlipperAppConfig {
        FlipperAppConfig {
            size: given.record_size::<FlipperAppConfig>(),
            app: given.text(0),
            app_id: given.text(1),
            host: given.text(2),
            directory: given.text(3),
            os: given.text(4),
            device: given.text(5),
            device_id: given.text(6),
            pairing: given.text(7),
            backoff_first_ms: given.number(0),
            backoff_ceiling_ms: given.number(1),
            grant_ms: given.number(2),
            event_pause_ms: given.number(3),
            message_bytes: given.number(4),
            pending_call_bytes: given.number(5),
            buffered_event_bytes: given.number(6),
            pending_calls: given.word(7),
            buffered_events: given.word(8),
            plugins: given.word(9),
            overflow: given.word(10),
            medium: given.word(11),
            handlers: given.word(12),
            insecure_port: given.short(13),
            secure_port: given.short(14),
            on_event: None,
            user: self.user(),
            free_user: Some(free_user),
        }
    }

    /// Frees what is left. Whatever was given is freed by then, once.
    pub(super) fn end(self) {
        // SAFETY: it is used no more.
        unsafe { flipper_app_free(self.app) };
        assert_eq!(self.freed.load(Ordering::Relaxed), self.given, "what was given is to be freed once");
    }
}

fn look_at(app: *const FlipperApp, given: &Given) -> FlipperResult {
    let (ptr, len) = (given.ptr(0), given.len(0));
    // SAFETY: the handle is NULL or good, and so are the text and the places.
    unsafe {
        given.place(u64::MAX, |out| flipper_app_waiting(app, ptr, len, out));
        given.place(u64::MAX, |out| flipper_app_dropped(app, ptr, len, out));
        given.place(u64::MAX, |out| flipper_app_counter(app, given.word(0), out));
        let _nothing_to_wait_for = (flipper_app_wait_connected(app, 0), flipper_app_wait_stopped(app, 0));
        read_words(given.size(1), |buffer, capacity, length| flipper_app_state_text(app, buffer, capacity, length));
        read_words(given.size(1), |buffer, capacity, length| flipper_app_last_failure(app, buffer, capacity, length));
        given.place(u32::MAX, |out| flipper_app_state(app, out)).0
    }
}

/// A call that is NULL: there are no others before an app was started.
fn nobody_calls(given: &Given) -> FlipperResult {
    // SAFETY: NULL is allowed, and the texts are good.
    unsafe {
        flipper_call_free(null_mut());
        assert_eq!(flipper_call_plugin(null()).len + flipper_call_method(null()).len, 0);
        assert_eq!((flipper_call_params(null()).len, flipper_call_expects_reply(null())), (0, 0));
        assert_eq!(flipper_call_respond(null(), given.ptr(0), given.len(0)), FlipperResult::Null);
        assert_eq!(flipper_call_respond_error(null(), given.ptr(0), given.len(0)), FlipperResult::Null);
        flipper_call_fail(null(), given.ptr(0), given.len(0), given.ptr(1), given.len(1))
    }
}
