//! What a C program can do wrong without breaking the rules of C: it is told, and nothing happens.

use std::ptr::{null, null_mut};

use flipper_ffi::*;

use crate::program::{NOTHING, new_desktop, record, request, text, upgrade};

#[test]
fn a_desktop_is_made_of_a_good_record_only() {
    let new = |config: &FlipperDesktopConfig| {
        let mut desktop = null_mut();
        // SAFETY: the record is as large as it should be, whatever it says, and its texts are good.
        let result = unsafe { flipper_desktop_new(config, &mut desktop) };
        assert_eq!(desktop.is_null(), result != FlipperResult::Ok, "nothing is written unless the result is good");
        // SAFETY: it is NULL, or was made above.
        unsafe { flipper_desktop_free(desktop) };
        result
    };
    let (good, host, origin) = (record::<FlipperDesktopConfig>(), [text("box.lan")], [text("not an origin")]);
    assert_eq!(new(&good), FlipperResult::Ok);
    assert_eq!(new(&FlipperDesktopConfig { size: size_of::<usize>(), ..good }), FlipperResult::Ok, "an early version");
    assert_eq!(new(&FlipperDesktopConfig { size: good.size + 8, ..good }), FlipperResult::BadSize);
    let with_host = FlipperDesktopConfig { known_hosts: host.as_ptr(), known_host_count: 1, ..good };
    assert_eq!(new(&with_host), FlipperResult::Ok);
    assert_eq!(new(&FlipperDesktopConfig { known_hosts: null(), ..with_host }), FlipperResult::Null);
    assert_eq!(new(&FlipperDesktopConfig { known_host_count: usize::MAX, ..with_host }), FlipperResult::BadValue);
    let with_origin = FlipperDesktopConfig { allowed_origins: origin.as_ptr(), allowed_origin_count: 1, ..good };
    assert_eq!(new(&with_origin), FlipperResult::BadValue);
    // SAFETY: NULL is allowed everywhere.
    unsafe { assert_eq!(flipper_desktop_new(&good, null_mut()), FlipperResult::Null) };
}

#[test]
fn null_is_told_and_frees_nothing() {
    // SAFETY: NULL is allowed everywhere.
    unsafe {
        flipper_desktop_free(null_mut());
        flipper_admission_free(null_mut());
        flipper_clients_free(null_mut());
        assert_eq!(flipper_admission_kind_of(null()), 0);
        assert_eq!(flipper_admission_number(null(), 1, &mut 0), FlipperResult::Null);
        assert_eq!(
            (flipper_clients_count(null()), flipper_clients_number(null(), 0, 1, &mut 0)),
            (0, FlipperResult::Null)
        );
        assert_eq!(flipper_event_item(null(), 91, 0, null_mut()), FlipperResult::Null);
        assert_eq!(flipper_desktop_stop(null_mut(), 0), FlipperResult::Null);
        let desktop = new_desktop();
        assert_eq!(flipper_desktop_upgrade(desktop, null(), 0, &mut null_mut()), FlipperResult::Null);
        assert_eq!(flipper_desktop_upgrade(desktop, &upgrade(), 0, null_mut()), FlipperResult::Null);
        assert_eq!(flipper_desktop_poll_action(desktop, null_mut()), FlipperResult::Null);
        assert_eq!(flipper_desktop_poll_timeout(desktop, null_mut(), null_mut()), FlipperResult::Null);
        assert_eq!(flipper_desktop_clients(desktop, null_mut()), FlipperResult::Null);
        assert_eq!(flipper_desktop_message(desktop, 0, null(), 3, 0), FlipperResult::Null);
        assert_eq!(flipper_desktop_message(desktop, 0, c"".as_ptr(), usize::MAX, 0), FlipperResult::BadValue);
        assert_eq!(flipper_desktop_message(desktop, 0, c"\xff".as_ptr(), 1, 0), FlipperResult::InvalidUtf8);
        assert_eq!(flipper_desktop_grant(desktop, 0, null(), 0), FlipperResult::Null);
        flipper_desktop_free(desktop);
    }
}

#[test]
fn who_forgets_what_a_certificate_says_lets_nobody_in() {
    let desktop = new_desktop();
    let ask = |upgrade: &FlipperUpgrade| {
        let mut admission = null_mut();
        // SAFETY: the handle and the record are good.
        let result = unsafe { flipper_desktop_upgrade(desktop, upgrade, 0, &mut admission) };
        assert_eq!(admission.is_null(), result != FlipperResult::Ok);
        // SAFETY: it is NULL, or was made above.
        unsafe { flipper_admission_free(admission) };
        result
    };
    assert_eq!(ask(&FlipperUpgrade { certificate: 0, ..upgrade() }), FlipperResult::BadValue);
    assert_eq!(ask(&FlipperUpgrade { certificate: 99, ..upgrade() }), FlipperResult::BadValue);
    assert_eq!(ask(&FlipperUpgrade { channel: 0, ..upgrade() }), FlipperResult::BadValue);
    assert_eq!(ask(&FlipperUpgrade { peer: text("localhost"), ..upgrade() }), FlipperResult::BadValue);
    assert_eq!(ask(&FlipperUpgrade { target: NOTHING, ..upgrade() }), FlipperResult::Null);
    assert_eq!(
        ask(&FlipperUpgrade { host: NOTHING, ..upgrade() }),
        FlipperResult::Ok,
        "that is the machine's to refuse"
    );
    // SAFETY: it was made above.
    unsafe {
        let mut connections = 77;
        assert_eq!(flipper_desktop_connections(desktop, &mut connections), FlipperResult::Ok);
        assert_eq!(connections, 0);
        flipper_desktop_free(desktop);
    }
}

#[test]
fn misuse_has_numbers_and_asks_nobody() {
    let desktop = new_desktop();
    let (mut number, name) = (77, text("Sample#Linux#box#d1"));
    // SAFETY: the handles, the records and the places are good; nothing is used after it was freed.
    unsafe {
        assert_eq!(flipper_desktop_call(desktop, &request(), 0, &mut number), FlipperResult::NotConnected);
        assert_eq!(flipper_desktop_init_plugin(desktop, name.ptr, name.len, name.ptr, 1), FlipperResult::NotConnected);
        assert_eq!(flipper_desktop_disconnect(desktop, name.ptr, name.len, 1000, 0), FlipperResult::NotConnected);
        assert_eq!(flipper_desktop_grant(desktop, 5, &record(), 0), FlipperResult::UnknownExchange);
        let refusal = FlipperRefusal { message: text("no"), ..record() };
        assert_eq!(flipper_desktop_refuse(desktop, 5, &refusal, 0), FlipperResult::UnknownExchange);
        assert_eq!(flipper_desktop_refuse(desktop, 5, &record(), 0), FlipperResult::Null, "a refusal says why");
        assert_eq!(flipper_desktop_closed(desktop, 0, 999, 0, null(), 0, 0), FlipperResult::BadValue);
        assert_eq!(flipper_desktop_counter_of(desktop, 99, &mut number), FlipperResult::BadValue);
        let mut admission = null_mut();
        assert_eq!(flipper_desktop_upgrade(desktop, &upgrade(), 0, &mut admission), FlipperResult::Ok);
        flipper_admission_free(admission);
        let params = FlipperRequest { params: text("{]"), ..request() };
        assert_eq!(flipper_desktop_call(desktop, &params, 0, &mut number), FlipperResult::InvalidJson);
        assert_eq!(flipper_desktop_call(desktop, &request(), 0, null_mut()), FlipperResult::Null);
        assert_eq!(number, 77, "nothing is written unless the result is good");
        flipper_desktop_writable(desktop, 0, usize::MAX, 0);
        assert_eq!(sends(desktop), 1, "getPlugins alone");
        assert_eq!(flipper_desktop_call(desktop, &request(), 0, &mut number), FlipperResult::Ok);
        assert_ne!(number, 77);
        assert_eq!(sends(desktop), 1);
        flipper_desktop_free(desktop);
    }
}

#[test]
fn what_is_polled_is_not_lost_and_outlives_its_desktop() {
    let desktop = new_desktop();
    let (mut admission, mut event, mut words, mut number) = (null_mut(), null_mut(), NOTHING, 77);
    // SAFETY: the handles, the records and the places are good; nothing is used after it was freed.
    unsafe {
        assert_eq!(flipper_desktop_upgrade(desktop, &upgrade(), 0, &mut admission), FlipperResult::Ok);
        assert_eq!(flipper_desktop_poll_event(desktop, null_mut()), FlipperResult::Null);
        assert_eq!(flipper_desktop_poll_event(desktop, &mut event), FlipperResult::Ok);
        let (mut judgement, mut detail) = (77, 77);
        let judged = flipper_desktop_judge_proof(desktop, event, 1, 0, &mut judgement, &mut detail);
        assert_eq!((judged, judgement, detail), (FlipperResult::NotFound, 77, 77), "it is no certificate request");
        let mut clients = null_mut();
        assert_eq!(flipper_desktop_clients(desktop, &mut clients), FlipperResult::Ok);
        flipper_desktop_free(desktop);
        assert_eq!(flipper_event_kind_of(event), FlipperEventKind::ClientConnected as u32);
        assert_eq!(flipper_event_text(event, FlipperEventField::App as u32, &mut words), FlipperResult::Ok);
        assert_eq!(words.len, "Sample".len());
        for field in [FlipperEventField::Exchange as u32, FlipperEventField::Call as u32, 999] {
            assert_eq!(flipper_event_number(event, field, &mut number), FlipperResult::NotFound);
        }
        assert_eq!(
            flipper_event_item(event, FlipperEventField::Plugins as u32, 0, &mut words),
            FlipperResult::NotFound
        );
        assert_eq!((number, words.len), (77, "Sample".len()), "nothing is written unless the result is good");
        assert_eq!(flipper_clients_count(clients), 1);
        let conn = FlipperEventField::Conn as u32;
        assert_eq!(flipper_clients_number(clients, 0, conn, &mut number), FlipperResult::Ok);
        assert_eq!(flipper_clients_number(clients, 1, conn, &mut number), FlipperResult::NotFound);
        flipper_admission_free(admission);
        flipper_event_free(event);
        flipper_clients_free(clients);
    }
}

/// How many messages there are to send.
///
/// # Safety
/// The desktop is good.
unsafe fn sends(desktop: *mut FlipperDesktop) -> usize {
    let (mut count, mut action) = (0, null_mut());
    // SAFETY: the caller's promise; nothing is used after it was freed.
    unsafe {
        while flipper_desktop_poll_action(desktop, &mut action) == FlipperResult::Ok {
            count += usize::from(flipper_action_kind_of(action) == FlipperActionKind::Send as u32);
            flipper_action_free(action);
        }
    }
    count
}
