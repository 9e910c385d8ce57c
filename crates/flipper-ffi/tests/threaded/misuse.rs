//! What is no good: each is told, and nothing happens.

use std::ffi::c_char;
use std::ptr::{null, null_mut};

use flipper_ffi::*;

use crate::rig::{App, Plugin, config, text};

fn named() -> FlipperAppConfig {
    FlipperAppConfig { app: text("App"), app_id: text("com.example.app"), directory: text("nowhere"), ..config() }
}

fn new(config: &FlipperAppConfig) -> FlipperResult {
    let mut app = null_mut();
    // SAFETY: the record is at least as large as it says, and its texts are good for their lengths.
    let result = unsafe { flipper_app_new(config, &mut app) };
    assert_eq!(app.is_null(), result != FlipperResult::Ok, "nothing is written unless the result is good");
    // SAFETY: it is NULL, or was made above.
    unsafe { flipper_app_free(app) };
    result
}

#[test]
fn an_app_is_made_of_good_settings_only() {
    let size = size_of::<FlipperAppConfig>();
    let link = "flipper://pair?v=1&host=h&ports=1,2&id=e0f7b247d96e4bfe&secret=AAECAwQFBgcICQoLDA0ODw";
    for (config, expected) in [
        (named(), FlipperResult::Ok),
        (FlipperAppConfig { pairing: text(link), ..named() }, FlipperResult::Ok),
        (FlipperAppConfig { app: text(""), ..named() }, FlipperResult::NoName),
        (FlipperAppConfig { app_id: text(""), ..named() }, FlipperResult::NoName),
        (FlipperAppConfig { size: 0, ..named() }, FlipperResult::BadSize),
        (FlipperAppConfig { size: 7, ..named() }, FlipperResult::BadSize),
        (FlipperAppConfig { size: size - 1, ..named() }, FlipperResult::BadSize),
        (FlipperAppConfig { size: size + 8, ..named() }, FlipperResult::BadSize),
        (FlipperAppConfig { size: usize::MAX, ..named() }, FlipperResult::BadSize),
        // As far as the names, and without them.
        (
            FlipperAppConfig { size: size_of::<usize>() + 8 * size_of::<FlipperStr>(), handlers: 9999, ..named() },
            FlipperResult::Ok,
        ),
        (FlipperAppConfig { size: size_of::<usize>(), ..named() }, FlipperResult::NoName),
        (FlipperAppConfig { secure_port: 1, ..named() }, FlipperResult::BadValue),
        (FlipperAppConfig { insecure_port: 1, ..named() }, FlipperResult::BadValue),
        (FlipperAppConfig { medium: 4, ..named() }, FlipperResult::BadValue),
        (FlipperAppConfig { overflow: 2, ..named() }, FlipperResult::BadValue),
        (FlipperAppConfig { handlers: 1025, ..named() }, FlipperResult::BadValue),
        (FlipperAppConfig { medium: 2, ..named() }, FlipperResult::NotPaired),
        (FlipperAppConfig { pairing: text("flipper://pair?v=1"), ..named() }, FlipperResult::BadPairing),
        (FlipperAppConfig { host: FlipperStr { ptr: null(), len: 1 }, ..named() }, FlipperResult::Null),
        (FlipperAppConfig { host: FlipperStr { len: usize::MAX, ..text("h") }, ..named() }, FlipperResult::BadValue),
        (
            FlipperAppConfig { device: FlipperStr { ptr: c"\xff".as_ptr(), len: 1 }, ..named() },
            FlipperResult::InvalidUtf8,
        ),
    ] {
        assert_eq!(new(&config), expected, "{config:?}");
    }
    // SAFETY: NULL is allowed everywhere.
    unsafe {
        assert_eq!(flipper_app_new(null(), &mut null_mut()), FlipperResult::Null);
        assert_eq!(flipper_app_new(&named(), null_mut()), FlipperResult::Null);
    }
}

#[test]
fn null_is_told_and_frees_nothing() {
    let (mut number, mut count) = (7, 7);
    let a = text("A");
    // SAFETY: NULL is allowed everywhere.
    unsafe {
        flipper_app_free(null_mut());
        flipper_call_free(null_mut());
        let results = [
            flipper_app_start(null()),
            flipper_app_stop(null()),
            flipper_app_wait_connected(null(), 0),
            flipper_app_wait_stopped(null(), 0),
            flipper_app_state(null(), &mut number),
            flipper_app_state_text(null(), null_mut(), 0, null_mut()),
            flipper_app_last_failure(null(), null_mut(), 0, null_mut()),
            flipper_app_counter(null(), 1, &mut count),
            flipper_app_add_plugin(null(), a.ptr, a.len, 0, null()),
            flipper_app_remove_plugin(null(), a.ptr, a.len),
            flipper_app_send(null(), a.ptr, a.len, a.ptr, a.len, null(), 0),
            flipper_app_report_error(null(), a.ptr, a.len, null(), 0, null(), 0),
            flipper_app_waiting(null(), a.ptr, a.len, &mut count),
            flipper_app_dropped(null(), a.ptr, a.len, &mut count),
            flipper_call_respond(null(), null(), 0),
            flipper_call_respond_error(null(), a.ptr, a.len),
            flipper_call_fail(null(), a.ptr, a.len, null(), 0),
        ];
        assert_eq!(results, [FlipperResult::Null; 17]);
        assert!(flipper_call_plugin(null()).ptr.is_null());
        assert!(flipper_call_method(null()).ptr.is_null());
        assert!(flipper_call_params(null()).ptr.is_null());
        assert_eq!(flipper_call_expects_reply(null()), 0);
    }
    let app = App::new(&named());
    // SAFETY: as above, and the app was not freed.
    unsafe {
        let results = [
            flipper_app_state(app.0, null_mut()),
            flipper_app_state_text(app.0, null_mut(), 1, null_mut()),
            flipper_app_counter(app.0, 1, null_mut()),
            flipper_app_add_plugin(app.0, a.ptr, a.len, 0, null()),
            flipper_app_waiting(app.0, a.ptr, a.len, null_mut()),
            flipper_app_dropped(app.0, a.ptr, a.len, null_mut()),
        ];
        assert_eq!(results, [FlipperResult::Null; 6]);
        assert_eq!(flipper_app_counter(app.0, 99, &mut count), FlipperResult::BadValue);
        assert_eq!(flipper_app_state_text(app.0, null_mut(), 0, null_mut()), FlipperResult::Ok);
    }
    assert_eq!((number, count), (7, 7), "nothing is written unless the result is good");
    app.free();
}

#[test]
fn texts_are_good_or_told() {
    let app = App::new(&named());
    assert_eq!(app.add("A", Plugin::default()), FlipperResult::Ok);
    let callbacks = Plugin::default().callbacks();
    let good = c"A".as_ptr();
    let bad: [(*const c_char, usize, FlipperResult); 4] = [
        (null(), 1, FlipperResult::Null),
        (good, usize::MAX, FlipperResult::BadValue),
        (null(), usize::MAX, FlipperResult::Null),
        (c"\xc3\x28".as_ptr(), 2, FlipperResult::InvalidUtf8),
    ];
    for (ptr, len, expected) in bad {
        // SAFETY: what is not good for its length is not looked at.
        let results = unsafe {
            [
                flipper_app_add_plugin(app.0, ptr, len, 0, &callbacks),
                flipper_app_remove_plugin(app.0, ptr, len),
                flipper_app_send(app.0, ptr, len, good, 1, null(), 0),
                flipper_app_send(app.0, good, 1, ptr, len, null(), 0),
                flipper_app_send(app.0, good, 1, good, 1, ptr, len),
                flipper_app_report_error(app.0, ptr, len, null(), 0, null(), 0),
                flipper_app_report_error(app.0, good, 1, ptr, len, null(), 0),
                flipper_app_report_error(app.0, good, 1, null(), 0, ptr, len),
                flipper_app_waiting(app.0, ptr, len, &mut 0),
                flipper_app_dropped(app.0, ptr, len, &mut 0),
            ]
        };
        assert_eq!(results, [expected; 10], "{len}");
    }
    for params in ["{", "", "1 2", "\u{feff}1", "NaN", "[1,]"] {
        assert_eq!(app.send("A", "m", params), FlipperResult::InvalidJson, "{params}");
    }
    for size in [0, 7, size_of::<FlipperPluginCallbacks>() + 8, usize::MAX] {
        assert_eq!(app.add_as("B", &FlipperPluginCallbacks { size, ..callbacks }), FlipperResult::BadSize);
    }
    assert_eq!(app.events("A"), (0, 0));
    // SAFETY: nobody took it.
    drop(unsafe { Box::from_raw(callbacks.user.cast::<Plugin>()) });
    app.free();
}
