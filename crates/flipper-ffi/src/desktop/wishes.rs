//! What the program around a desktop wishes of it.

use std::ffi::c_char;
use std::time::Duration;

use flipper_proto::desktop::{Call, Desktop, Grant};
use flipper_proto::{
    ApiMisuse, Bundle, ClientId, CloseCode, ErrorReport, ExchangeId, Instant, Payload, PluginId, RequestId,
};

use super::handle::{FlipperDesktop, with};
use crate::pointer::{self, FlipperStr};
use crate::record::{self, Record};
use crate::result::FlipperResult;

/// What a client is told whose certificate request is granted.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct FlipperGrant {
    /// `sizeof(flipper_grant)`.
    pub size: usize,
    /// The id of the device that the client runs on, which it presents from then on; empty for the desktop's own machine.
    pub device_id: FlipperStr,
    /// The desktop's CA in PEM, where the certificates are to travel in the answer itself; else NULL.
    pub ca: FlipperStr,
    /// The client's certificate in PEM, where there is a CA.
    pub certificate: FlipperStr,
    /// The proof that both come from a desktop that knows the pairing's secret: base64url of 32 bytes, or NULL.
    pub proof: FlipperStr,
}

// SAFETY: its size comes first; the rest is texts and numbers.
unsafe impl Record for FlipperGrant {}

impl FlipperGrant {
    /// # Safety
    /// `record` is NULL or points to a record of the size that it says, with good texts in it.
    unsafe fn read(record: *const Self) -> Result<Grant, FlipperResult> {
        // SAFETY: the caller's promise.
        unsafe {
            let record = record::read(record)?;
            let grant = Grant::new(record.device_id.read()?);
            let Some(ca) = record.ca.read_optional()? else { return Ok(grant) };
            let certificate = record.certificate.read_required()?;
            let proof = record.proof.read_optional()?.map(str::to_owned);
            Ok(grant.with_bundle(Bundle { ca: ca.to_owned(), certificate: certificate.to_owned(), proof }))
        }
    }
}

/// Why a certificate request is refused: the client shows it to people.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct FlipperRefusal {
    /// `sizeof(flipper_refusal)`.
    pub size: usize,
    /// What is wrong.
    pub message: FlipperStr,
    /// The kind of error, as `NoRequestInDestination`; NULL if it has no name.
    pub name: FlipperStr,
    /// What to do about it; or NULL.
    pub hint: FlipperStr,
}

// SAFETY: its size comes first; the rest is texts and numbers.
unsafe impl Record for FlipperRefusal {}

impl FlipperRefusal {
    /// # Safety
    /// As [`FlipperGrant::read`].
    unsafe fn read(record: *const Self) -> Result<ErrorReport, FlipperResult> {
        // SAFETY: the caller's promise.
        unsafe {
            let record = record::read(record)?;
            let mut report = ErrorReport::new(record.message.read_required()?);
            report.name = record.name.read_optional()?.map(str::to_owned);
            report.hint = record.hint.read_optional()?.map(str::to_owned);
            Ok(report)
        }
    }
}

/// What a client is asked, or told.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct FlipperRequest {
    /// `sizeof(flipper_request)`.
    pub size: usize,
    /// The client's id.
    pub client: FlipperStr,
    /// The plugin. `flipper_desktop_request` has no use for it.
    pub plugin: FlipperStr,
    /// The method.
    pub method: FlipperStr,
    /// The params, JSON; NULL if there are none.
    pub params: FlipperStr,
    /// How long to wait for the answer, in milliseconds; 0 for as long as the desktop's `call_ms`.
    pub deadline_ms: u64,
}

/// A [`FlipperRequest`] that was looked at.
struct Wish<'a> {
    client: ClientId,
    plugin: PluginId,
    method: &'a str,
    params: Option<Payload>,
    deadline: Option<Duration>,
}

// SAFETY: its size comes first; the rest is texts and numbers.
unsafe impl Record for FlipperRequest {}

impl FlipperRequest {
    /// # Safety
    /// As [`FlipperGrant::read`].
    unsafe fn read<'a>(record: *const Self) -> Result<Wish<'a>, FlipperResult> {
        // SAFETY: the caller's promise.
        unsafe {
            let record = record::read(record)?;
            let params = record.params.read_optional()?.map(Payload::from_json).transpose();
            Ok(Wish {
                client: ClientId::from_text(record.client.read_required()?),
                plugin: PluginId::new(record.plugin.read()?),
                method: record.method.read_required()?,
                params: params.map_err(|_| FlipperResult::InvalidJson)?,
                deadline: (record.deadline_ms != 0).then(|| Duration::from_millis(record.deadline_ms)),
            })
        }
    }
}

/// Grants a certificate request, at any time after the event that told of it.
///
/// Results: FLIPPER_RESULT_UNKNOWN_EXCHANGE if it was answered before, or its connection has ended.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_desktop_grant(
    desktop: *mut FlipperDesktop,
    exchange: u64,
    grant: *const FlipperGrant,
    now_ms: u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(desktop, |desktop| {
            let grant = FlipperGrant::read(grant)?;
            Ok(desktop.finish_exchange(ExchangeId::from_u64(exchange), Ok(grant), Instant::from_millis(now_ms))?)
        })
    }
}

/// Refuses a certificate request, at any time after the event that told of it.
///
/// Results: as `flipper_desktop_grant`.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_desktop_refuse(
    desktop: *mut FlipperDesktop,
    exchange: u64,
    refusal: *const FlipperRefusal,
    now_ms: u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(desktop, |desktop| {
            let report = FlipperRefusal::read(refusal)?;
            Ok(desktop.finish_exchange(ExchangeId::from_u64(exchange), Err(report), Instant::from_millis(now_ms))?)
        })
    }
}

/// Initialises a plugin of a client: its events are wanted, and its methods will be called. One that is initialised already
/// starts over. Whether the client has it is not checked: it answers with an error if not.
///
/// Results: FLIPPER_RESULT_NOT_CONNECTED, FLIPPER_RESULT_TOO_LARGE, FLIPPER_RESULT_QUEUE_FULL.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_desktop_init_plugin(
    desktop: *mut FlipperDesktop,
    client: *const c_char,
    client_len: usize,
    plugin: *const c_char,
    plugin_len: usize,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(desktop, |desktop| {
            let client = ClientId::from_text(pointer::text(client, client_len)?);
            Ok(desktop.init_plugin(&client, &PluginId::new(pointer::text(plugin, plugin_len)?))?)
        })
    }
}

/// Leaves a plugin of a client: its events are not wanted any more.
///
/// Results: as `flipper_desktop_init_plugin`.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_desktop_deinit_plugin(
    desktop: *mut FlipperDesktop,
    client: *const c_char,
    client_len: usize,
    plugin: *const c_char,
    plugin_len: usize,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(desktop, |desktop| {
            let client = ClientId::from_text(pointer::text(client, client_len)?);
            Ok(desktop.deinit_plugin(&client, &PluginId::new(pointer::text(plugin, plugin_len)?))?)
        })
    }
}

/// Calls a method of a plugin. How it ended is told by exactly one event of kind FLIPPER_EVENT_KIND_REPLY that carries the
/// number which is written to `out`.
///
/// Results: FLIPPER_RESULT_NOT_CONNECTED, FLIPPER_RESULT_TOO_LARGE; FLIPPER_RESULT_TOO_MANY_PENDING and
/// FLIPPER_RESULT_QUEUE_FULL while the client does not keep up.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_desktop_call(
    desktop: *mut FlipperDesktop,
    request: *const FlipperRequest,
    now_ms: u64,
    out: *mut u64,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    unsafe {
        ask(desktop, request, out, |desktop, wish| {
            let mut call = Call::new(wish.plugin, wish.method);
            (call.params, call.deadline) = (wish.params, wish.deadline);
            desktop.call(&wish.client, &call, Instant::from_millis(now_ms))
        })
    }
}

/// Asks whether a plugin has a method. The reply's JSON is `{"isSupported":true}`, or `false`. `params` and `deadline_ms`
/// of the request are not looked at.
///
/// Results: as `flipper_desktop_call`.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_desktop_is_method_supported(
    desktop: *mut FlipperDesktop,
    request: *const FlipperRequest,
    now_ms: u64,
    out: *mut u64,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    unsafe {
        ask(desktop, request, out, |desktop, wish| {
            desktop.is_method_supported(&wish.client, &wish.plugin, wish.method, Instant::from_millis(now_ms))
        })
    }
}

/// Sends a request of any method with params as they are, for programs that pass on the requests of others. Not for `init`
/// and `deinit`, which have functions of their own and no answer.
///
/// Results: as `flipper_desktop_call`.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_desktop_request(
    desktop: *mut FlipperDesktop,
    request: *const FlipperRequest,
    now_ms: u64,
    out: *mut u64,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    unsafe {
        ask(desktop, request, out, |desktop, wish| {
            let Wish { client, method, params, deadline, .. } = wish;
            desktop.request(&client, method, params.as_ref(), deadline, Instant::from_millis(now_ms))
        })
    }
}

/// Calls a method of a plugin whose answer nobody wants. The client reports an error if it fails.
///
/// Results: as `flipper_desktop_init_plugin`.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_desktop_notify(
    desktop: *mut FlipperDesktop,
    request: *const FlipperRequest,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(desktop, |desktop| {
            let wish = FlipperRequest::read(request)?;
            Ok(desktop.notify(&wish.client, &wish.plugin, wish.method, wish.params.as_ref())?)
        })
    }
}

/// Closes the connection of a client with this code. What was sent to it before still goes, but for requests: they fail at
/// once.
///
/// Results: FLIPPER_RESULT_NOT_CONNECTED.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_desktop_disconnect(
    desktop: *mut FlipperDesktop,
    client: *const c_char,
    client_len: usize,
    code: u16,
    now_ms: u64,
) -> FlipperResult {
    // SAFETY: the caller's promise, here and in what is done with the pointers.
    unsafe {
        with(desktop, |desktop| {
            let client = ClientId::from_text(pointer::text(client, client_len)?);
            Ok(desktop.disconnect(&client, CloseCode::from_u16(code), Instant::from_millis(now_ms))?)
        })
    }
}

/// Closes every connection, and refuses new ones from now on. Drive the desktop on until it has no connection left.
///
/// Threads: any, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_desktop_stop(desktop: *mut FlipperDesktop, now_ms: u64) -> FlipperResult {
    // SAFETY: the caller's promise.
    unsafe {
        with(desktop, |desktop| {
            desktop.stop(Instant::from_millis(now_ms));
            Ok(())
        })
    }
}

/// Sends a request that is answered. The place for its number is looked at first: nothing is sent that nobody could tell
/// from others.
///
/// # Safety
/// As [`with`], and `request` and `out` are NULL or good.
unsafe fn ask(
    desktop: *mut FlipperDesktop,
    request: *const FlipperRequest,
    out: *mut u64,
    send: impl FnOnce(&mut Desktop, Wish<'_>) -> Result<RequestId, ApiMisuse>,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    unsafe {
        with(desktop, |desktop| {
            let out = pointer::place(out)?;
            out.write(send(desktop, FlipperRequest::read(request)?)?.as_u64());
            Ok(())
        })
    }
}
