//! What a C program can do wrong without breaking the rules of C: it is told, and nothing happens.

#![expect(unsafe_code, reason = "this is the place of a C program")]
#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

use std::mem::{MaybeUninit, offset_of};
use std::ptr::{null, null_mut};

use flipper_ffi::*;

const NOTHING: FlipperStr = FlipperStr { ptr: null(), len: 0 };

fn text(text: &'static str) -> FlipperStr {
    FlipperStr { ptr: text.as_ptr().cast(), len: text.len() }
}

fn config() -> FlipperClientConfig {
    // SAFETY: zero is good for all of it.
    let nothing = unsafe { MaybeUninit::<FlipperClientConfig>::zeroed().assume_init() };
    FlipperClientConfig {
        size: size_of::<FlipperClientConfig>(),
        app: text("Sample"),
        app_id: text("com.example.sample"),
        ..nothing
    }
}

fn client() -> *mut FlipperClient {
    let mut client = null_mut();
    // SAFETY: both are what they should be.
    assert_eq!(unsafe { flipper_client_new(&config(), &mut client) }, FlipperResult::Ok);
    client
}

#[test]
fn a_client_is_made_of_a_good_record_only() {
    let new = |config: &FlipperClientConfig| {
        let mut client = null_mut();
        // SAFETY: the record is as large as it should be, whatever it says, and its texts are good for their lengths.
        let code = unsafe { flipper_client_new(config, &mut client) };
        assert_eq!(client.is_null(), code != FlipperResult::Ok, "nothing is written unless the result is good");
        // SAFETY: it is NULL, or was made above.
        unsafe { flipper_client_free(client) };
        code
    };
    for size in [0, 7, size_of::<FlipperClientConfig>() - 4, size_of::<FlipperClientConfig>() + 8, usize::MAX] {
        assert_eq!(new(&FlipperClientConfig { size, ..config() }), FlipperResult::BadSize, "{size}");
    }
    // An earlier version may have had no more than this; what it lacks has its default.
    let earlier = offset_of!(FlipperClientConfig, os);
    assert_eq!(new(&FlipperClientConfig { size: earlier, medium: 77, ..config() }), FlipperResult::Ok);
    assert_eq!(new(&FlipperClientConfig { size: size_of::<usize>(), ..config() }), FlipperResult::Null, "no name");
    assert_eq!(
        new(&FlipperClientConfig { app: FlipperStr { ptr: c"\xff".as_ptr(), len: 1 }, ..config() }),
        FlipperResult::InvalidUtf8
    );
    assert_eq!(new(&FlipperClientConfig { os: FlipperStr { ptr: null(), len: 3 }, ..config() }), FlipperResult::Null);
    assert_eq!(new(&FlipperClientConfig { device_id: NOTHING, ..config() }), FlipperResult::Ok);
    // SAFETY: NULL is allowed everywhere.
    unsafe {
        assert_eq!(flipper_client_new(null(), &mut null_mut()), FlipperResult::Null);
        assert_eq!(flipper_client_new(&config(), null_mut()), FlipperResult::Null);
    }
}

#[test]
fn null_is_told_and_frees_nothing() {
    // SAFETY: NULL is allowed everywhere.
    unsafe {
        flipper_client_free(null_mut());
        flipper_action_free(null_mut());
        flipper_event_free(null_mut());
        assert_eq!(flipper_client_start(null_mut(), 0), FlipperResult::Null);
        assert_eq!((flipper_action_kind_of(null()), flipper_event_kind_of(null())), (0, 0));
        assert_eq!(flipper_action_number(null(), 1, null_mut()), FlipperResult::Null);
        assert_eq!(flipper_event_text(null(), 20, null_mut()), FlipperResult::Null);
        let client = client();
        assert_eq!(flipper_client_message(client, 0, null(), 3, 0), FlipperResult::Null);
        assert_eq!(
            flipper_client_message(client, 0, null(), 0, 0),
            FlipperResult::Ok,
            "a message without bytes is one"
        );
        assert_eq!(flipper_client_poll_timeout(client, null_mut(), null_mut()), FlipperResult::Null);
        flipper_client_free(client);
    }
}

#[test]
fn misuse_has_numbers() {
    let client = client();
    let id = text("A");
    // SAFETY: the handle and the texts are good.
    unsafe {
        let add = || flipper_client_add_plugin(client, id.ptr, id.len, 1);
        assert_eq!((add(), add()), (FlipperResult::Ok, FlipperResult::DuplicatePlugin));
        let other = text("B");
        assert_eq!(flipper_client_remove_plugin(client, other.ptr, other.len), FlipperResult::UnknownPlugin);
        let send = |json: FlipperStr| flipper_client_send(client, id.ptr, id.len, id.ptr, id.len, json.ptr, json.len);
        assert_eq!(send(text("{]")), FlipperResult::InvalidJson);
        assert_eq!((send(text("1.10")), send(NOTHING)), (FlipperResult::Ok, FlipperResult::Ok));
        assert_eq!(flipper_client_respond(client, 5, c"{}".as_ptr(), 2), FlipperResult::UnknownCall);
        assert_eq!(flipper_client_respond_supported(client, 5, 1), FlipperResult::UnknownCall);
        let report = || flipper_client_report_error(client, id.ptr, id.len, null(), 0, null(), 0);
        assert_eq!(report(), FlipperResult::NotConnected);
        assert_eq!(flipper_client_closed(client, 0, 999, 0, null(), 0, 0), FlipperResult::BadValue);
        flipper_client_free(client);
    }
}

#[test]
fn what_is_polled_is_not_lost_and_has_only_its_own_fields() {
    let client = client();
    let (mut action, mut number, mut words) = (null_mut(), 0, NOTHING);
    // SAFETY: the handle and the places to write to are good; nothing is used after it was freed.
    unsafe {
        assert_eq!(flipper_client_start(client, 5), FlipperResult::Ok);
        assert_eq!(flipper_client_poll_action(client, null_mut()), FlipperResult::Null);
        assert_eq!(flipper_client_poll_event(client, null_mut()), FlipperResult::Null);
        assert_eq!(flipper_client_poll_action(client, &mut action), FlipperResult::Ok);
        assert_eq!(flipper_action_kind_of(action), FlipperActionKind::Job as u32);
        assert_eq!(flipper_action_number(action, FlipperActionField::JobKind as u32, &mut number), FlipperResult::Ok);
        assert_eq!(number, FlipperJobKind::Load as u64);
        assert_eq!(
            flipper_action_number(action, FlipperActionField::Attempt as u32, &mut number),
            FlipperResult::NotFound
        );
        assert_eq!(flipper_action_number(action, 999, &mut number), FlipperResult::NotFound);
        assert_eq!(flipper_action_text(action, FlipperActionField::Os as u32, &mut words), FlipperResult::NotFound);
        assert!(words.ptr.is_null(), "nothing is written unless the result is good");
        flipper_action_free(action);
        assert_eq!(flipper_client_poll_action(client, &mut action), FlipperResult::Done);
        let mut event = null_mut();
        assert_eq!(flipper_client_poll_event(client, &mut event), FlipperResult::Ok);
        assert_eq!(flipper_event_kind_of(event), FlipperEventKind::State as u32);
        assert_eq!(flipper_event_number(event, FlipperEventField::Call as u32, &mut number), FlipperResult::NotFound);
        assert_eq!(flipper_event_text(event, FlipperEventField::Text as u32, &mut words), FlipperResult::Ok);
        assert_eq!(words.len, "preparing".len());
        flipper_event_free(event);
        assert_eq!(flipper_client_poll_timeout(client, null_mut(), &mut number), FlipperResult::Ok);
        assert_eq!(number, u64::MAX, "no timer");
        flipper_client_free(client);
    }
}
