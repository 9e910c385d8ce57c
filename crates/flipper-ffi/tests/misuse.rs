//! What a C program can do wrong without breaking the rules of C: it is told, and nothing happens.

#![expect(unsafe_code, reason = "this is the place of a C program")]
#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

use std::ffi::c_char;
use std::mem::offset_of;
use std::ptr::{null, null_mut};
use std::sync::Barrier;
use std::thread;

use flipper_ffi::*;

mod support;

use support::{NOTHING, PLUGIN, call, client, config, credentials, drain, session, text};

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
fn a_number_without_a_meaning_is_told() {
    let new = |config: &FlipperClientConfig| {
        let mut client = null_mut();
        // SAFETY: the record and its texts are good.
        unsafe { flipper_client_new(config, &mut client) }
    };
    let bad = FlipperResult::BadValue;
    assert_eq!(new(&FlipperClientConfig { medium: 4, ..config() }), bad);
    assert_eq!(new(&FlipperClientConfig { overflow: 2, ..config() }), bad);
    assert_eq!(new(&FlipperClientConfig { foreground: 3, ..config() }), bad);
    assert_eq!(new(&FlipperClientConfig { os_fixed: 2, ..config() }), bad);
    let client = client();
    let mut number = 0;
    // SAFETY: the handle, the record and its texts are good.
    unsafe {
        for unknown in [0, 19, 999, u32::MAX] {
            assert_eq!(flipper_client_closed(client, 0, unknown, 0, null(), 0, 0), bad);
            assert_eq!(flipper_client_counter(client, unknown, &mut number), bad);
        }
        for unknown in [0, 7, u32::MAX] {
            assert_eq!(flipper_client_job_failed(client, 0, unknown, null(), 0, 0), bad);
        }
        assert_eq!(flipper_client_job_loaded(client, 0, null(), 7, null(), 0, 0), bad);
        let automatic = FlipperCredentials { medium: FlipperMedium::Automatic as u32, ..credentials() };
        assert_eq!(flipper_client_job_stored(client, 0, &automatic, 0), bad);
        flipper_client_free(client);
    }
}

/// Every function of a client that takes nothing but numbers besides it, and places to write to, which are NULL here.
fn without_texts(client: *mut FlipperClient) -> Vec<FlipperResult> {
    // SAFETY: the client is good or NULL, and NULL is allowed everywhere.
    unsafe {
        vec![
            flipper_client_start(client, 0),
            flipper_client_stop(client, 0),
            flipper_client_timeout(client, 0),
            flipper_client_opened(client, 0, 0),
            flipper_client_alive(client, 0, 0),
            flipper_client_writable(client, 0, 0, 0),
            flipper_client_flushed(client, 0, 0),
            flipper_client_job_done(client, 0, 0),
            flipper_client_respond_supported(client, 0, 1),
        ]
    }
}

/// Every function of a client that takes a text, with this one.
fn with_text(client: *mut FlipperClient, ptr: *const c_char, len: usize) -> Vec<FlipperResult> {
    let good = text(PLUGIN);
    let (mut flag, mut number) = (0, 0);
    let text = FlipperStr { ptr, len };
    let io = FlipperCredentialProblem::Io as u32;
    let prepared = FlipperPrepared {
        size: size_of::<FlipperPrepared>(),
        generation: 1,
        csr: good,
        destination: good,
        wall_ms: 0,
        pairing_id: NOTHING,
        pairing_nonce: NOTHING,
        pairing_proof: NOTHING,
    };
    // SAFETY: the client is good, the text is one that it must look through, and everything else is good.
    unsafe {
        vec![
            flipper_client_message(client, 0, ptr, len, 0),
            flipper_client_closed(client, 0, FlipperCloseKind::Code as u32, 1000, ptr, len, 0),
            flipper_client_job_loaded(client, 0, null(), io, ptr, len, 0),
            flipper_client_job_failed(client, 0, io, ptr, len, 0),
            flipper_client_job_loaded(
                client,
                0,
                &FlipperCredentials { device_id: text, ..credentials() },
                0,
                null(),
                0,
                0,
            ),
            flipper_client_job_stored(client, 0, &FlipperCredentials { csr: text, ..credentials() }, 0),
            flipper_client_job_stored(client, 0, &FlipperCredentials { csr_path: text, ..credentials() }, 0),
            flipper_client_job_stored(client, 0, &FlipperCredentials { os: text, ..credentials() }, 0),
            flipper_client_job_prepared(client, 0, &FlipperPrepared { csr: text, ..prepared }, 0),
            flipper_client_job_prepared(client, 0, &FlipperPrepared { destination: text, ..prepared }, 0),
            flipper_client_job_prepared(client, 0, &FlipperPrepared { pairing_id: text, ..prepared }, 0),
            flipper_client_add_plugin(client, ptr, len, 0),
            flipper_client_remove_plugin(client, ptr, len),
            flipper_client_send(client, ptr, len, good.ptr, good.len, null(), 0),
            flipper_client_send(client, good.ptr, good.len, ptr, len, null(), 0),
            flipper_client_send(client, good.ptr, good.len, good.ptr, good.len, ptr, len),
            flipper_client_respond(client, 0, ptr, len),
            flipper_client_respond_error(client, 0, ptr, len),
            flipper_client_fail(client, 0, ptr, len, null(), 0),
            flipper_client_fail(client, 0, good.ptr, good.len, ptr, len),
            flipper_client_report_error(client, ptr, len, null(), 0, null(), 0),
            flipper_client_report_error(client, good.ptr, good.len, ptr, len, null(), 0),
            flipper_client_report_error(client, good.ptr, good.len, null(), 0, ptr, len),
            flipper_client_is_plugin_connected(client, ptr, len, &mut flag),
            flipper_client_is_flushed(client, ptr, len, &mut flag),
            flipper_client_waiting(client, ptr, len, &mut number),
            flipper_client_dropped(client, ptr, len, &mut number),
        ]
    }
}

/// Every function of a client that gives something, to nowhere.
fn to_nowhere(client: *mut FlipperClient) -> Vec<FlipperResult> {
    let plugin = text(PLUGIN);
    // SAFETY: the client is good or NULL, the text is good, and NULL is allowed everywhere.
    unsafe {
        vec![
            flipper_client_poll_action(client, null_mut()),
            flipper_client_poll_event(client, null_mut()),
            flipper_client_poll_timeout(client, null_mut(), null_mut()),
            flipper_client_state(client, null_mut()),
            flipper_client_counter(client, 1, null_mut()),
            flipper_client_state_text(client, null_mut(), 1, null_mut()),
            flipper_client_is_plugin_connected(client, plugin.ptr, plugin.len, null_mut()),
            flipper_client_is_flushed(client, plugin.ptr, plugin.len, null_mut()),
            flipper_client_waiting(client, plugin.ptr, plugin.len, null_mut()),
            flipper_client_dropped(client, plugin.ptr, plugin.len, null_mut()),
        ]
    }
}

fn assert_all(results: &[FlipperResult], expected: FlipperResult) {
    for (at, result) in results.iter().enumerate() {
        assert_eq!(*result, expected, "number {at} of {results:?}");
    }
}

#[test]
fn null_is_told_and_frees_nothing() {
    // SAFETY: NULL is allowed everywhere.
    unsafe {
        flipper_client_free(null_mut());
        flipper_action_free(null_mut());
        flipper_event_free(null_mut());
        assert_eq!((flipper_action_kind_of(null()), flipper_event_kind_of(null())), (0, 0));
        let (mut number, mut words) = (0, NOTHING);
        assert_eq!(flipper_action_number(null(), 1, &mut number), FlipperResult::Null);
        assert_eq!(flipper_event_number(null(), 1, &mut number), FlipperResult::Null);
        assert_eq!(flipper_action_text(null(), 20, &mut words), FlipperResult::Null);
        assert_eq!(flipper_event_text(null(), 20, &mut words), FlipperResult::Null);
        let client = client();
        assert_eq!(flipper_client_job_stored(client, 0, null(), 0), FlipperResult::Null);
        assert_eq!(flipper_client_job_prepared(client, 0, null(), 0), FlipperResult::Null);
        flipper_client_free(client);
    }
    let good = text(PLUGIN);
    assert_all(&without_texts(null_mut()), FlipperResult::Null);
    assert_all(&with_text(null_mut(), good.ptr, good.len), FlipperResult::Null);
    assert_all(&to_nowhere(null_mut()), FlipperResult::Null);
    let (client, _) = session();
    assert_all(&with_text(client, null(), 3), FlipperResult::Null);
    assert_all(&to_nowhere(client), FlipperResult::Null);
    // SAFETY: it is good.
    unsafe { flipper_client_free(client) };
}

#[test]
fn bytes_that_are_no_text_are_told_and_so_is_a_length_that_nothing_has() {
    let (client, _) = session();
    assert_all(&with_text(client, c"\xff".as_ptr(), 1), FlipperResult::InvalidUtf8);
    // Half a character.
    assert_all(&with_text(client, c"\xc3".as_ptr(), 1), FlipperResult::InvalidUtf8);
    for length in [usize::MAX, usize::MAX / 2 + 1] {
        assert_all(&with_text(client, c"text".as_ptr(), length), FlipperResult::BadValue);
    }
    // SAFETY: it is good.
    unsafe { flipper_client_free(client) };
}

#[test]
fn a_text_of_no_bytes_is_one_wherever_it_may_point() {
    let client = client();
    // SAFETY: nothing is read of a text that has no bytes.
    unsafe {
        for pointer in [null(), c"x".as_ptr(), c"\xff".as_ptr()] {
            assert_eq!(flipper_client_message(client, 0, pointer, 0, 0), FlipperResult::Ok);
            assert_eq!(flipper_client_binary(client, 0, pointer, 0, 0), FlipperResult::Ok);
            assert_eq!(flipper_client_add_plugin(client, pointer, 0, 0), FlipperResult::Ok);
            assert_eq!(flipper_client_remove_plugin(client, pointer, 0), FlipperResult::Ok);
        }
        assert_eq!(flipper_client_binary(client, 0, null(), 1, 0), FlipperResult::Null);
        assert_eq!(flipper_client_binary(client, 0, c"x".as_ptr(), usize::MAX, 0), FlipperResult::BadValue);
        let empty = c"x".as_ptr();
        let send = |plugin: FlipperStr, pointer| {
            flipper_client_send(client, plugin.ptr, plugin.len, plugin.ptr, plugin.len, pointer, 0)
        };
        assert_eq!(flipper_client_add_plugin(client, empty, 0, 0), FlipperResult::Ok);
        assert_eq!(send(NOTHING, null()), FlipperResult::Ok, "an event without params");
        assert_eq!(send(NOTHING, empty), FlipperResult::InvalidJson, "nothing is no JSON");
        flipper_client_free(client);
    }
}

#[test]
fn a_call_is_answered_once_and_not_after_its_session() {
    let (client, attempt) = session();
    // SAFETY: the handle and the texts are good.
    unsafe {
        let respond = |call| flipper_client_respond(client, call, c"{}".as_ptr(), 2);
        let fail = |call| flipper_client_fail(client, call, c"no".as_ptr(), 2, null(), 0);
        let number = call(client, attempt);
        assert_eq!((respond(number), respond(number)), (FlipperResult::Ok, FlipperResult::UnknownCall));
        assert_eq!(fail(number), FlipperResult::UnknownCall);
        drain(client);
        let number = call(client, attempt);
        // Whoever is told what is wrong with an answer can still give another.
        assert_eq!(flipper_client_respond(client, number, c"{".as_ptr(), 1), FlipperResult::InvalidJson);
        assert_eq!(flipper_client_respond_error(client, number, c"\xff".as_ptr(), 1), FlipperResult::InvalidUtf8);
        assert_eq!((fail(number), respond(number)), (FlipperResult::Ok, FlipperResult::UnknownCall));
        drain(client);
        let number = call(client, attempt);
        let eof = FlipperCloseKind::Eof as u32;
        assert_eq!(flipper_client_closed(client, attempt, eof, 0, null(), 0, 1), FlipperResult::Ok);
        assert_eq!(respond(number), FlipperResult::UnknownCall);
        assert_eq!(flipper_client_respond_supported(client, number, 1), FlipperResult::UnknownCall);
        flipper_client_free(client);
    }
}

#[test]
fn a_client_that_was_stopped_can_be_told_and_asked_everything() {
    let (client, attempt) = session();
    let plugin = text(PLUGIN);
    let (mut number, mut state) = (0, 0);
    // SAFETY: the handle, the texts and the places to write to are good.
    unsafe {
        let call = call(client, attempt);
        assert_eq!(flipper_client_stop(client, 1), FlipperResult::Ok);
        drain(client);
        let eof = FlipperCloseKind::Eof as u32;
        assert_eq!(flipper_client_closed(client, attempt, eof, 0, null(), 0, 2), FlipperResult::Ok);
        drain(client);
        assert_eq!(flipper_client_state(client, &mut state), FlipperResult::Ok);
        assert_eq!(state, FlipperStateKind::Stopped as u32);
        assert_eq!(flipper_client_respond(client, call, c"{}".as_ptr(), 2), FlipperResult::UnknownCall);
        let report = || flipper_client_report_error(client, plugin.ptr, plugin.len, null(), 0, null(), 0);
        assert_eq!(report(), FlipperResult::NotConnected);
        let send = || flipper_client_send(client, plugin.ptr, plugin.len, plugin.ptr, plugin.len, null(), 0);
        assert_eq!(send(), FlipperResult::Ok, "it waits for the next session");
        assert_eq!(flipper_client_waiting(client, plugin.ptr, plugin.len, &mut number), FlipperResult::Ok);
        assert_eq!(number, 1);
        // Facts about what is over change nothing, but are counted.
        assert_eq!(flipper_client_opened(client, attempt, 3), FlipperResult::Ok);
        assert_eq!(flipper_client_job_done(client, 77, 3), FlipperResult::Ok);
        let stale = FlipperCounter::StaleFacts as u32;
        assert_eq!(flipper_client_counter(client, stale, &mut number), FlipperResult::Ok);
        assert!(number >= 2, "{number}");
        assert_eq!(
            (flipper_client_stop(client, 4), flipper_client_start(client, 4)),
            (FlipperResult::Ok, FlipperResult::Ok)
        );
        flipper_client_free(client);
    }
}

#[test]
fn two_threads_at_once_are_told_and_break_nothing() {
    struct Shared(*mut FlipperClient);
    // SAFETY: a client is made to be used from several threads, one at a time; whoever comes meanwhile is told.
    unsafe impl Sync for Shared {}

    let shared = &Shared(client());
    let start = &Barrier::new(2);
    let messages = |thread: u64| {
        let Shared(client) = *shared;
        let long = vec![b' '; 1 << 20];
        start.wait();
        (0..200).map(move |_| {
            // SAFETY: the handle and the text are good.
            unsafe { flipper_client_message(client, thread, long.as_ptr().cast(), long.len(), 0) }
        })
    };
    let (mut done, mut meanwhile) = (0, 0);
    let mut count = |result: FlipperResult| match result {
        FlipperResult::Ok => done += 1,
        FlipperResult::InUse => meanwhile += 1,
        other => unreachable!("{other:?}"),
    };
    thread::scope(|scope| {
        let other = scope.spawn(|| messages(1).collect::<Vec<_>>());
        messages(2).for_each(&mut count);
        other.join().unwrap().into_iter().for_each(&mut count);
    });
    assert_eq!(done + meanwhile, 400);
    let (mut stale, counter) = (0, FlipperCounter::StaleFacts as u32);
    // SAFETY: the handle and the place to write to are good.
    unsafe {
        assert_eq!(flipper_client_counter(shared.0, counter, &mut stale), FlipperResult::Ok);
        flipper_client_free(shared.0);
    }
    assert_eq!(stale, done, "who was told OK was heard, and nobody else");
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
