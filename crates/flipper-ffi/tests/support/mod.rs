//! A C program's client, in a session with a desktop.

use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};

use flipper_ffi::*;

pub(crate) const NOTHING: FlipperStr = FlipperStr { ptr: null(), len: 0 };

pub(crate) const PLUGIN: &str = "Example";

pub(crate) fn text(text: &'static str) -> FlipperStr {
    FlipperStr { ptr: text.as_ptr().cast(), len: text.len() }
}

pub(crate) fn config() -> FlipperClientConfig {
    // SAFETY: zero is good for all of it.
    let nothing = unsafe { MaybeUninit::<FlipperClientConfig>::zeroed().assume_init() };
    FlipperClientConfig {
        size: size_of::<FlipperClientConfig>(),
        app: text("Sample"),
        app_id: text("com.example.sample"),
        ..nothing
    }
}

pub(crate) fn credentials() -> FlipperCredentials {
    FlipperCredentials {
        size: size_of::<FlipperCredentials>(),
        generation: 1,
        device_id: text("device"),
        os: NOTHING,
        csr: text("request"),
        csr_path: text("/app/1/"),
        valid_until_ms: u64::MAX / 2,
        medium: FlipperMedium::FsAccess as u32,
    }
}

/// A client that is stopped and has no plugins.
pub(crate) fn client() -> *mut FlipperClient {
    let mut client = null_mut();
    // SAFETY: both are what they should be.
    assert_eq!(unsafe { flipper_client_new(&config(), &mut client) }, FlipperResult::Ok);
    client
}

/// A client in a session, with one plugin, which the desktop has initialised. Gives the session's attempt, too.
pub(crate) fn session() -> (*mut FlipperClient, u64) {
    let client = client();
    let plugin = text(PLUGIN);
    // SAFETY: the handle and the texts are good.
    let attempt = unsafe {
        assert_eq!(flipper_client_add_plugin(client, plugin.ptr, plugin.len, 0), FlipperResult::Ok);
        assert_eq!(flipper_client_start(client, 0), FlipperResult::Ok);
        let job = action(client, FlipperActionKind::Job, FlipperActionField::Job);
        let loaded = flipper_client_job_loaded(client, job, &credentials(), 0, null(), 0, 0);
        assert_eq!(loaded, FlipperResult::Ok);
        let attempt = action(client, FlipperActionKind::Connect, FlipperActionField::Attempt);
        assert_eq!(flipper_client_opened(client, attempt, 0), FlipperResult::Ok);
        attempt
    };
    message(client, attempt, r#"{"method":"init","params":{"plugin":"Example"}}"#);
    drain(client);
    (client, attempt)
}

/// The desktop calls the plugin, and waits for an answer. Gives the number of the call.
pub(crate) fn call(client: *mut FlipperClient, attempt: u64) -> u64 {
    message(client, attempt, r#"{"id":1,"method":"execute","params":{"api":"Example","method":"m"}}"#);
    let (mut event, mut call) = (null_mut(), 0);
    // SAFETY: the handles and the places to write to are good.
    unsafe {
        assert_eq!(flipper_client_poll_event(client, &mut event), FlipperResult::Ok);
        assert_eq!(flipper_event_kind_of(event), FlipperEventKind::Call as u32);
        assert_eq!(flipper_event_number(event, FlipperEventField::Call as u32, &mut call), FlipperResult::Ok);
        flipper_event_free(event);
    }
    call
}

pub(crate) fn message(client: *mut FlipperClient, attempt: u64, message: &'static str) {
    let message = text(message);
    // SAFETY: the handle and the text are good.
    let result = unsafe { flipper_client_message(client, attempt, message.ptr, message.len, 0) };
    assert_eq!(result, FlipperResult::Ok);
}

/// A number of the next action, which is of this kind.
pub(crate) fn action(client: *mut FlipperClient, kind: FlipperActionKind, field: FlipperActionField) -> u64 {
    let (mut action, mut number) = (null_mut(), 0);
    // SAFETY: the handles and the places to write to are good.
    unsafe {
        assert_eq!(flipper_client_poll_action(client, &mut action), FlipperResult::Ok);
        assert_eq!(flipper_action_kind_of(action), kind as u32);
        assert_eq!(flipper_action_number(action, field as u32, &mut number), FlipperResult::Ok);
        flipper_action_free(action);
    }
    number
}

/// Polls until there is nothing more.
pub(crate) fn drain(client: *mut FlipperClient) {
    let (mut action, mut event) = (null_mut(), null_mut());
    // SAFETY: the handles and the places to write to are good.
    unsafe {
        while flipper_client_poll_action(client, &mut action) == FlipperResult::Ok {
            flipper_action_free(action);
        }
        while flipper_client_poll_event(client, &mut event) == FlipperResult::Ok {
            flipper_event_free(event);
        }
    }
}
