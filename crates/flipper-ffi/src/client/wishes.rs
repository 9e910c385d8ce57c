//! What an app wishes of a client.

use std::ffi::c_char;

use flipper_proto::client::{PluginMode, Reply};
use flipper_proto::{CallId, ErrorReport, Payload, PluginId};

use super::facts::at;
use super::handle::{FlipperClient, with};
use crate::pointer;
use crate::result::FlipperResult;

/// Begins to look for the desktop.
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

/// Ends whatever is going on.
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

/// Adds a plugin, which is a background plugin if `background` is not 0.
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

/// Removes a plugin.
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

/// Sends an event of a plugin. Its params are JSON; NULL if it has none.
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
            let params = if params.is_null() { None } else { Some(payload(pointer::text(params, params_len)?)?) };
            Ok(client.send(&plugin, method, params.as_ref())?)
        })
    }
}

/// Answers a call with a result, which is JSON.
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

/// Answers a call with an error, which is JSON.
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

/// Answers whether a plugin has a method.
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

/// Tells the desktop of an error outside any call.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_client_report(
    client: *mut FlipperClient,
    message: *const c_char,
    len: usize,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe { with(client, |client| Ok(client.report_error(&ErrorReport::new(pointer::text(message, len)?))?)) }
}

fn payload(json: &str) -> Result<Payload, FlipperResult> {
    Payload::from_json(json).map_err(|_| FlipperResult::InvalidJson)
}
