//! What an app wishes of a client.

use std::ffi::c_char;

use flipper_proto::client::{Client, PluginMode, Reply};
use flipper_proto::{CallId, ErrorReport, Payload, PluginId};

use crate::code::Code;
use crate::facts::{at, facts};
use crate::handle::{FlipperClient, with};
use crate::pointer;

facts! {
    /// Begins to look for the desktop.
    fn flipper_client_start(client, now_ms: u64) {
        client.start(at(now_ms));
        Ok(())
    }

    /// Ends whatever is going on.
    fn flipper_client_stop(client, now_ms: u64) {
        client.stop(at(now_ms));
        Ok(())
    }

    /// Adds a plugin, which is a background plugin if `background` is not 0.
    fn flipper_client_add_plugin(client, id: *const c_char, len: usize, background: u8) {
        let mode = if background == 0 { PluginMode::Foreground } else { PluginMode::Background };
        Ok(client.add_plugin(pointer::text(id, len)?, mode)?)
    }

    /// Removes a plugin.
    fn flipper_client_remove_plugin(client, id: *const c_char, len: usize) {
        Ok(client.remove_plugin(pointer::text(id, len)?)?)
    }

    /// Sends an event of a plugin. Its params are JSON; NULL if it has none.
    fn flipper_client_send(
        client,
        plugin: *const c_char,
        plugin_len: usize,
        method: *const c_char,
        method_len: usize,
        params: *const c_char,
        params_len: usize
    ) {
        let plugin = PluginId::new(pointer::text(plugin, plugin_len)?);
        let method = pointer::text(method, method_len)?;
        let params = if params.is_null() { None } else { Some(payload(pointer::text(params, params_len)?)?) };
        Ok(client.send(&plugin, method, params.as_ref())?)
    }

    /// Answers a call with a result, which is JSON.
    fn flipper_client_respond(client, call: u64, json: *const c_char, len: usize) {
        let reply = Reply::Success(payload(pointer::text(json, len)?)?);
        Ok(client.respond(CallId::from_u64(call), &reply)?)
    }

    /// Answers a call with an error, which is JSON.
    fn flipper_client_respond_error(client, call: u64, json: *const c_char, len: usize) {
        let reply = Reply::Error(payload(pointer::text(json, len)?)?);
        Ok(client.respond(CallId::from_u64(call), &reply)?)
    }

    /// Answers whether a plugin has a method.
    fn flipper_client_respond_supported(client, call: u64, supported: u8) {
        Ok(client.respond_supported(CallId::from_u64(call), supported != 0)?)
    }

    /// Tells the desktop of an error outside any call.
    fn flipper_client_report(client, message: *const c_char, len: usize) {
        Ok(client.report_error(&ErrorReport::new(pointer::text(message, len)?))?)
    }
}

fn payload(json: &str) -> Result<Payload, Code> {
    Payload::from_json(json).map_err(|_| Code::InvalidJson)
}
