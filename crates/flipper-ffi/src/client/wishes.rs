//! What an app wishes of a client.

use std::ffi::c_char;

use flipper_proto::client::{PluginMode, Reply};
use flipper_proto::{CallId, ErrorReport, Payload, PluginId};

use super::handle::{FlipperClient, at, with};
use crate::pointer;
use crate::result::FlipperResult;

/// Begins to look for the desktop, and goes on until `flipper_client_stop`. Does nothing if it has begun.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_start(client: *mut FlipperClient, now_ms: u64) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            client.start(at(now_ms));
            Ok(())
        })
    }
}

/// Ends whatever is going on. A session sends the answers and events that are queued before it closes, as far as the desktop
/// reads them in time. Everything has ended when an event tells FLIPPER_STATE_KIND_STOPPED; it may start again.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_stop(client: *mut FlipperClient, now_ms: u64) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            client.stop(at(now_ms));
            Ok(())
        })
    }
}

/// Adds a plugin, before or after the start. A background plugin, where `background` is not 0, is initialised by a desktop
/// whether anybody looks at it or not.
///
/// FLIPPER_RESULT_DUPLICATE_PLUGIN: there is one of this id. FLIPPER_RESULT_TOO_MANY_PLUGINS: it would be one too many.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_add_plugin(
    client: *mut FlipperClient,
    id: *const c_char,
    len: usize,
    background: u8,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let mode = if background == 0 { PluginMode::Foreground } else { PluginMode::Background };
            Ok(client.add_plugin(pointer::text(id, len)?, mode)?)
        })
    }
}

/// Removes a plugin, with the events that wait in it. Its calls that are not answered yet are answered with an error.
///
/// FLIPPER_RESULT_UNKNOWN_PLUGIN: there is none of this id.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_remove_plugin(
    client: *mut FlipperClient,
    id: *const c_char,
    len: usize,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe { with(client, |client| Ok(client.remove_plugin(pointer::text(id, len)?)?)) }
}

/// Sends an event of a plugin. Its params are JSON, which goes out as it is; NULL if it has none. Until the desktop has
/// initialised the plugin, and while it does not read, events wait in the plugin's buffer.
///
/// FLIPPER_RESULT_UNKNOWN_PLUGIN: there is no plugin of this id. FLIPPER_RESULT_INVALID_JSON: the params are none.
/// FLIPPER_RESULT_TOO_LARGE: the message would be larger than the limit.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_send(
    client: *mut FlipperClient,
    plugin: *const c_char,
    plugin_len: usize,
    method: *const c_char,
    method_len: usize,
    params: *const c_char,
    params_len: usize,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let plugin = PluginId::new(pointer::text(plugin, plugin_len)?);
            let method = pointer::text(method, method_len)?;
            let params = pointer::optional(params, params_len)?.map(payload).transpose()?;
            Ok(client.send(&plugin, method, params.as_ref())?)
        })
    }
}

/// Answers a call with a result, which is JSON, at any time after its event.
///
/// FLIPPER_RESULT_UNKNOWN_CALL: it was answered before, or its session has ended. FLIPPER_RESULT_INVALID_JSON: the result is
/// none.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_respond(
    client: *mut FlipperClient,
    call: u64,
    json: *const c_char,
    len: usize,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let reply = Reply::Success(payload(pointer::text(json, len)?)?);
            Ok(client.respond(CallId::from_u64(call), &reply)?)
        })
    }
}

/// Answers a call with an error, which is JSON of any shape.
///
/// FLIPPER_RESULT_UNKNOWN_CALL and FLIPPER_RESULT_INVALID_JSON as `flipper_client_respond`.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_respond_error(
    client: *mut FlipperClient,
    call: u64,
    json: *const c_char,
    len: usize,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let reply = Reply::Error(payload(pointer::text(json, len)?)?);
            Ok(client.respond(CallId::from_u64(call), &reply)?)
        })
    }
}

/// Answers a call with an error that has this message, for people, and this name, for programs, which may be NULL.
///
/// FLIPPER_RESULT_UNKNOWN_CALL as `flipper_client_respond`.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_fail(
    client: *mut FlipperClient,
    call: u64,
    message: *const c_char,
    message_len: usize,
    name: *const c_char,
    name_len: usize,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let mut report = ErrorReport::new(pointer::text(message, message_len)?);
            report.name = pointer::optional(name, name_len)?.map(str::to_owned);
            Ok(client.respond_error(CallId::from_u64(call), &report)?)
        })
    }
}

/// Answers an event of kind FLIPPER_EVENT_KIND_SUPPORTS: whether the plugin has the method, 0 or 1.
///
/// FLIPPER_RESULT_UNKNOWN_CALL as `flipper_client_respond`.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_respond_supported(
    client: *mut FlipperClient,
    call: u64,
    supported: u8,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe { with(client, |client| Ok(client.respond_supported(CallId::from_u64(call), supported != 0)?)) }
}

/// Tells the desktop of an error outside any call. The name, which is for programs, and the stack trace may be NULL.
///
/// FLIPPER_RESULT_NOT_CONNECTED: there is no session, and errors do not wait. FLIPPER_RESULT_TOO_LARGE: the message would be
/// larger than the limit.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_report_error(
    client: *mut FlipperClient,
    message: *const c_char,
    message_len: usize,
    name: *const c_char,
    name_len: usize,
    stacktrace: *const c_char,
    stacktrace_len: usize,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(client, |client| {
            let mut report = ErrorReport::new(pointer::text(message, message_len)?);
            report.name = pointer::optional(name, name_len)?.map(str::to_owned);
            report.stacktrace = pointer::optional(stacktrace, stacktrace_len)?.map(str::to_owned);
            Ok(client.report_error(&report)?)
        })
    }
}

fn payload(json: &str) -> Result<Payload, FlipperResult> {
    Payload::from_json(json).map_err(|_| FlipperResult::InvalidJson)
}
