//! Calls of the desktop, and their answers.

use std::ffi::{c_char, c_int};
use std::sync::{Arc, Mutex, PoisonError};

use flipper_blocking::{Call, Responder, UnknownCall};
use flipper_proto::{ErrorReport, Payload, Text};

use super::plugins::json;
use crate::exclusive::guard;
use crate::pointer::{self, FlipperStr};
use crate::result::FlipperResult;

/// A call of the desktop; opaque to C. It outlives its session and its app.
#[derive(Debug)]
pub struct FlipperCall {
    plugin: Arc<str>,
    method: Text,
    params: Option<Payload>,
    expects_reply: bool,
    /// Until it is answered.
    responder: Mutex<Option<Responder>>,
}

impl FlipperCall {
    pub(super) fn new(plugin: Arc<str>, call: Call) -> Self {
        let Call { method, params, responder } = call;
        let expects_reply = responder.expects_reply();
        Self { plugin, method, params, expects_reply, responder: Mutex::new(Some(responder)) }
    }

    /// Whoever comes first answers.
    fn take(&self) -> Result<Responder, FlipperResult> {
        self.responder.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or(FlipperResult::UnknownCall)
    }
}

/// Frees a call, with all texts that were taken from it. If it was not answered, the desktop is answered with an error.
/// NULL is nothing to free.
///
/// Threads: any, and no other call with it goes on or follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_call_free(call: *mut FlipperCall) {
    // SAFETY: the caller's promise.
    unsafe { pointer::free(call) };
}

/// The plugin that is called; NULL of NULL.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_call_plugin(call: *const FlipperCall) -> FlipperStr {
    // SAFETY: the caller's promise.
    unsafe { pointer::shared(call) }.map_or(FlipperStr::NONE, |call| FlipperStr::of(&call.plugin))
}

/// The method that is called; NULL of NULL.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_call_method(call: *const FlipperCall) -> FlipperStr {
    // SAFETY: the caller's promise.
    unsafe { pointer::shared(call) }.map_or(FlipperStr::NONE, |call| FlipperStr::of(&call.method))
}

/// The params, JSON as it came; NULL if there are none.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_call_params(call: *const FlipperCall) -> FlipperStr {
    // SAFETY: the caller's promise.
    let params = unsafe { pointer::shared(call) }.ok().and_then(|call| call.params.as_ref());
    params.map_or(FlipperStr::NONE, |params| FlipperStr::of(params.as_json()))
}

/// Whether the desktop waits for an answer: 1 or 0. An error is sent in any case.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_call_expects_reply(call: *const FlipperCall) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { pointer::shared(call) }.is_ok_and(|call| call.expects_reply).into()
}

/// Answers a call with a result, which is JSON; NULL stands for an empty object. The official UI never completes a call
/// that is answered with null, false, 0 or an empty string: rather send an object that holds it.
///
/// Results: FLIPPER_RESULT_INVALID_JSON, and the call can still be answered; UNKNOWN_CALL, if it was answered before, its
/// session has ended, or its plugin was removed. The call is still to be freed.
///
/// Threads: any, several at once: the first one answers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_call_respond(
    call: *const FlipperCall,
    result: *const c_char,
    len: usize,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    guard(|| unsafe {
        let call = pointer::shared(call)?;
        let is_none = result.is_null() && len == 0;
        let result = if is_none { Payload::empty_object() } else { json(result, len)? };
        Ok(call.take()?.success_json(result)?)
    })
}

/// Answers a call with an error object, which is JSON as it is to be sent. Official ones have "message", "name" and
/// "stacktrace": `flipper_call_fail` makes such a one.
///
/// Results: as `flipper_call_respond`.
///
/// Threads: any, several at once: the first one answers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_call_respond_error(
    call: *const FlipperCall,
    error: *const c_char,
    len: usize,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    guard(|| unsafe {
        let call = pointer::shared(call)?;
        let error = json(error, len)?;
        Ok(call.take()?.error_json(error)?)
    })
}

/// Answers a call with an error that has this message, for people, and this name, for programs, which may be NULL.
///
/// Results: as `flipper_call_respond`.
///
/// Threads: any, several at once: the first one answers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_call_fail(
    call: *const FlipperCall,
    message: *const c_char,
    message_len: usize,
    name: *const c_char,
    name_len: usize,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    guard(|| unsafe {
        let call = pointer::shared(call)?;
        let mut report = ErrorReport::new(pointer::text(message, message_len)?);
        report.name = pointer::optional(name, name_len)?.map(str::to_owned);
        Ok(call.take()?.error(&report)?)
    })
}

impl From<UnknownCall> for FlipperResult {
    fn from(UnknownCall: UnknownCall) -> Self {
        Self::UnknownCall
    }
}
