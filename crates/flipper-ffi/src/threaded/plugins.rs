//! Plugins, and what an app sends for them.

use std::ffi::{c_char, c_int, c_void};
use std::sync::Arc;

use flipper_blocking::{Call, Connection, Plugin, SendError};
use flipper_proto::{ErrorReport, Payload};

use super::app::{FlipperApp, with};
use super::call::FlipperCall;
use super::user::User;
use crate::pointer;
use crate::record::{self, Record};
use crate::result::FlipperResult;

/// What a plugin does. All of it may be NULL.
///
/// Callbacks come from threads of the app, one after the other unless it was given several handlers. They may call every
/// function, also to remove their own plugin, and stop or free their own app. They must return: neither an exception nor
/// `longjmp` may leave them.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct FlipperPluginCallbacks {
    /// `sizeof(flipper_plugin_callbacks)`.
    pub size: usize,
    /// What every callback gets back.
    pub user: *mut c_void,
    /// The desktop has initialised the plugin. Where a user interface is reloaded this comes again, after `on_disconnect`.
    pub on_connect: Option<unsafe extern "C" fn(user: *mut c_void)>,
    /// The desktop has left the plugin, or is gone.
    pub on_disconnect: Option<unsafe extern "C" fn(user: *mut c_void)>,
    /// Whether the plugin has a method: 0 is no, and its calls are answered with an error. NULL says yes to all, where there
    /// is `on_call`. The text has no NUL, and is good until the callback returns.
    pub has_method: Option<unsafe extern "C" fn(user: *mut c_void, method: *const c_char, len: usize) -> c_int>,
    /// The desktop calls a method. The call is the callback's from now on: it is to be answered, there or later and from any
    /// thread, and then freed.
    pub on_call: Option<unsafe extern "C" fn(user: *mut c_void, call: *mut FlipperCall)>,
    /// Frees `user`, when no callback will come any more.
    pub free_user: Option<unsafe extern "C" fn(user: *mut c_void)>,
}

// SAFETY: its size comes first; the rest is pointers that may be NULL.
unsafe impl Record for FlipperPluginCallbacks {}

/// Adds a plugin, before the start or later. `id` is the name that both ends know it by, such as Network. The desktop
/// initialises a background plugin, which it is if `background` is not 0, as soon as the app connects; others while somebody
/// looks at them.
///
/// Results: FLIPPER_RESULT_DUPLICATE_PLUGIN, TOO_MANY_PLUGINS, BAD_SIZE, BAD_VALUE. Only if it is FLIPPER_RESULT_OK will `user`
/// be freed by `free_user`, once: when the plugin was removed, or the app was freed and has ended, and the last callback has
/// returned. That is on whatever thread comes last, perhaps in `flipper_app_remove_plugin` or `flipper_app_free`.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_app_add_plugin(
    app: *const FlipperApp,
    id: *const c_char,
    id_len: usize,
    background: u8,
    callbacks: *const FlipperPluginCallbacks,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    unsafe {
        with(app, |shared| {
            let FlipperPluginCallbacks { user, on_connect, on_disconnect, has_method, on_call, free_user, .. } =
                record::read(callbacks)?;
            let id = pointer::text(id, id_len)?.into();
            let user = Arc::new(User::new(user, free_user));
            let (is_background, owner) = (background != 0, Arc::clone(&user));
            let plugin = CPlugin { id, is_background, user: owner, on_connect, on_disconnect, has_method, on_call };
            shared.flipper.add_plugin(plugin)?;
            // Whoever may have removed it meanwhile has not dropped this.
            user.take();
            Ok(())
        })
    }
}

/// Removes a plugin. Its calls that are not answered yet are answered with an error; `on_disconnect` still comes where
/// it is due.
///
/// Results: FLIPPER_RESULT_UNKNOWN_PLUGIN.
///
/// Threads: any, several at once, also in a callback of this plugin.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_app_remove_plugin(
    app: *const FlipperApp,
    id: *const c_char,
    id_len: usize,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    unsafe { with(app, |shared| Ok(shared.flipper.remove_plugin(pointer::text(id, id_len)?)?)) }
}

/// Sends an event of a plugin. It never blocks: where no desktop has initialised the plugin the event waits, and the
/// oldest go when too many do. Its params are JSON; NULL if it has none.
///
/// Results: FLIPPER_RESULT_INVALID_JSON, UNKNOWN_PLUGIN, TOO_LARGE, STOPPED.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_app_send(
    app: *const FlipperApp,
    plugin: *const c_char,
    plugin_len: usize,
    method: *const c_char,
    method_len: usize,
    params: *const c_char,
    params_len: usize,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    unsafe {
        with(app, |shared| {
            let connection = shared.flipper.connection(pointer::text(plugin, plugin_len)?);
            let method = pointer::text(method, method_len)?;
            let params = if params.is_null() && params_len == 0 { None } else { Some(json(params, params_len)?) };
            Ok(connection.send_json(method, params.as_ref())?)
        })
    }
}

/// Tells the desktop of an error outside any call. The name, which is for programs, and the stack trace may be NULL.
///
/// Results: FLIPPER_RESULT_NOT_CONNECTED, for errors do not wait; STOPPED, TOO_LARGE.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_app_report_error(
    app: *const FlipperApp,
    message: *const c_char,
    message_len: usize,
    name: *const c_char,
    name_len: usize,
    stacktrace: *const c_char,
    stacktrace_len: usize,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    unsafe {
        with(app, |shared| {
            let mut report = ErrorReport::new(pointer::text(message, message_len)?);
            report.name = pointer::optional(name, name_len)?.map(str::to_owned);
            report.stacktrace = pointer::optional(stacktrace, stacktrace_len)?.map(str::to_owned);
            Ok(shared.flipper.connection("").report_error(&report)?)
        })
    }
}

/// How many events of a plugin wait to be sent; 0 where there is no such plugin.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_app_waiting(
    app: *const FlipperApp,
    plugin: *const c_char,
    plugin_len: usize,
    out: *mut u64,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    unsafe {
        with(app, |shared| {
            let waiting = shared.flipper.connection(pointer::text(plugin, plugin_len)?).waiting();
            pointer::write(out, u64::try_from(waiting).unwrap_or(u64::MAX))
        })
    }
}

/// How many events of a plugin were dropped because too many waited; 0 where there is no such plugin. The desktop is told,
/// too.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_app_dropped(
    app: *const FlipperApp,
    plugin: *const c_char,
    plugin_len: usize,
    out: *mut u64,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    unsafe {
        with(app, |shared| pointer::write(out, shared.flipper.connection(pointer::text(plugin, plugin_len)?).dropped()))
    }
}

/// # Safety
/// As [`pointer::text`].
pub(super) unsafe fn json(ptr: *const c_char, len: usize) -> Result<Payload, FlipperResult> {
    // SAFETY: the caller's promise.
    Payload::from_json(unsafe { pointer::text(ptr, len) }?).map_err(|_| FlipperResult::InvalidJson)
}

impl From<SendError> for FlipperResult {
    fn from(error: SendError) -> Self {
        match error {
            SendError::NotJson(_) => Self::InvalidJson,
            SendError::TooLarge { .. } => Self::TooLarge,
            SendError::PluginRemoved => Self::UnknownPlugin,
            SendError::NotConnected => Self::NotConnected,
            SendError::Stopped => Self::Stopped,
            _ => Self::Misuse,
        }
    }
}

/// A plugin that C wrote.
struct CPlugin {
    id: Arc<str>,
    is_background: bool,
    user: Arc<User>,
    on_connect: Option<unsafe extern "C" fn(*mut c_void)>,
    on_disconnect: Option<unsafe extern "C" fn(*mut c_void)>,
    has_method: Option<unsafe extern "C" fn(*mut c_void, *const c_char, usize) -> c_int>,
    on_call: Option<unsafe extern "C" fn(*mut c_void, *mut FlipperCall)>,
}

impl Plugin for CPlugin {
    fn id(&self) -> &str {
        &self.id
    }

    fn run_in_background(&self) -> bool {
        self.is_background
    }

    fn on_connect(&self, _connection: Connection) {
        if let Some(on_connect) = self.on_connect {
            // SAFETY: whoever gave the callback promised that it may be called like this, from any thread.
            unsafe { on_connect(self.user.pointer()) };
        }
    }

    fn on_disconnect(&self) {
        if let Some(on_disconnect) = self.on_disconnect {
            // SAFETY: as above.
            unsafe { on_disconnect(self.user.pointer()) };
        }
    }

    fn has_method(&self, method: &str) -> bool {
        match self.has_method {
            // SAFETY: as above, and the text lives until it returns.
            Some(has_method) => unsafe { has_method(self.user.pointer(), method.as_ptr().cast(), method.len()) != 0 },
            None => self.on_call.is_some(),
        }
    }

    fn on_call(&self, call: Call) {
        if let Some(on_call) = self.on_call {
            let call = FlipperCall::new(Arc::clone(&self.id), call);
            // SAFETY: as above; C gives it back to `flipper_call_free`.
            unsafe { on_call(self.user.pointer(), Box::into_raw(Box::new(call))) };
        }
    }
}
