//! What a fact costs through the C functions, and in Rust: medians of the same run, each side in turn.

#![expect(unsafe_code, reason = "this is the place of a C program")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a benchmark that fails panics")]

use std::ffi::c_char;
use std::hint::black_box;
use std::ptr::null_mut;
use std::time::Instant as Clock;

use flipper_ffi::*;
use flipper_proto::client::{Action, Client, Config, Credentials, Event, JobOutcome, PluginMode, Reply};
use flipper_proto::{AttemptId, Generation, Instant, Medium, Payload, PluginId};

#[path = "../tests/support/mod.rs"]
#[allow(dead_code, reason = "tests use more of it")]
mod support;

const NOW: Instant = Instant::ZERO;
const SAMPLES: usize = 501;
const FACTS: u32 = 1_000;

/// The desktop calls a method of the plugin, with about 100 bytes, and waits for no answer.
const CALL: &str = concat!(
    r#"{"method":"execute","params":{"api":"Example","method":"newRequest","params":"#,
    r#"{"id":1,"url":"https://example.com/1","ms":1.5,"ok":true,"tag":null,"data":"xxxxxxxxxxxxxxxx"}}}"#
);

fn main() {
    let (client, attempt) = support::session();
    let (mut direct, id) = session();
    let alive = black_box(flipper_client_alive as unsafe extern "C" fn(_, _, u64) -> _);
    compare(
        "alive",
        // SAFETY: the handle is good.
        || unsafe { _ = alive(client, attempt, 0) },
        || direct.handle_alive(id, NOW),
    );
    let writable = black_box(flipper_client_writable as unsafe extern "C" fn(_, _, _, u64) -> _);
    compare(
        "writable",
        // SAFETY: the handle is good.
        || unsafe { _ = writable(client, attempt, usize::MAX, 0) },
        || direct.handle_writable(id, usize::MAX, NOW),
    );
    let timeout = black_box(flipper_client_timeout as unsafe extern "C" fn(_, u64) -> _);
    compare(
        "timeout",
        // SAFETY: the handle is good.
        || unsafe { _ = timeout(client, 0) },
        || direct.handle_timeout(NOW),
    );
    let message = black_box(flipper_client_message as unsafe extern "C" fn(_, _, *const c_char, _, u64) -> _);
    let poll_event = black_box(flipper_client_poll_event as unsafe extern "C" fn(_, *mut *mut _) -> _);
    let number = black_box(flipper_event_number as unsafe extern "C" fn(*const _, u32, *mut u64) -> _);
    let respond = black_box(flipper_client_respond as unsafe extern "C" fn(_, u64, *const c_char, usize) -> _);
    let free_event = black_box(flipper_event_free as unsafe extern "C" fn(_));
    compare(
        "message of a call, its event polled, looked at, answered and freed: 5 functions",
        // SAFETY: the handle, the texts and the places to write to are good.
        || unsafe {
            let (mut event, mut call) = (null_mut(), 0);
            message(client, attempt, CALL.as_ptr().cast(), CALL.len(), 0);
            poll_event(client, &mut event);
            assert_eq!(number(event, FlipperEventField::Call as u32, &mut call), FlipperResult::Ok);
            assert_eq!(respond(client, call, c"{}".as_ptr(), 2), FlipperResult::Ok);
            free_event(event);
        },
        || {
            direct.handle_message(id, CALL, NOW);
            let Some(Event::Call { call, .. }) = black_box(direct.poll_event()) else { panic!("a call") };
            direct.respond(call, &Reply::Success(Payload::from_json("{}").unwrap())).unwrap();
        },
    );
    let send = black_box(flipper_client_send as unsafe extern "C" fn(_, _, _, _, _, *const c_char, _) -> _);
    let poll_action = black_box(flipper_client_poll_action as unsafe extern "C" fn(_, *mut *mut _) -> _);
    let free_action = black_box(flipper_action_free as unsafe extern "C" fn(_));
    let (plugin, json) = (PluginId::new("Example"), r#"{"id":1,"url":"https://example.com/1","ms":1.5,"ok":true}"#);
    compare(
        "event sent, its action polled and freed: 3 functions",
        // SAFETY: the handle, the texts and the place to write to are good.
        || unsafe {
            let mut action = null_mut();
            let (id, method) = (support::text("Example"), support::text("newRequest"));
            send(client, id.ptr, id.len, method.ptr, method.len, json.as_ptr().cast(), json.len());
            assert_eq!(poll_action(client, &mut action), FlipperResult::Ok);
            free_action(action);
        },
        || {
            let params = Payload::from_json(json).unwrap();
            direct.send(&plugin, "newRequest", Some(&params)).unwrap();
            assert!(matches!(black_box(direct.poll_action()), Some(Action::Send { .. })));
        },
    );
    // SAFETY: it is good.
    unsafe { flipper_client_free(client) };
}

/// Prints the median of what each side takes, and the difference.
fn compare(what: &str, mut through_c: impl FnMut(), mut direct: impl FnMut()) {
    let (mut c, mut rust) = (Vec::new(), Vec::new());
    for _ in 0..SAMPLES {
        c.push(sample(&mut through_c));
        rust.push(sample(&mut direct));
    }
    let (c, rust) = (median(c), median(rust));
    println!("{what}: C {c:.1} ns, Rust {rust:.1} ns, {:+.1} ns", c - rust);
}

/// Nanoseconds for one of many.
fn sample(fact: &mut impl FnMut()) -> f64 {
    let start = Clock::now();
    (0..FACTS).for_each(|_| fact());
    start.elapsed().as_secs_f64() * 1e9 / f64::from(FACTS)
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// As the one that C has.
fn session() -> (Client, AttemptId) {
    let mut client = Client::new(Config::new("Sample", "com.example.sample"));
    client.add_plugin(support::PLUGIN, PluginMode::Foreground).unwrap();
    client.start(NOW);
    let Some(Action::Job { job, .. }) = client.poll_action() else { panic!("a job to load credentials") };
    let credentials = Credentials {
        generation: Generation::from_u64(1),
        device_id: String::from("device"),
        medium: Medium::FsAccess,
        os: None,
        csr: String::from("request"),
        csr_path: String::from("/app/1/"),
        valid_until: Instant::from_millis(u64::MAX / 2),
    };
    client.handle_job_done(job, JobOutcome::Loaded { credentials: Some(credentials), problem: None }, NOW);
    let Some(Action::Connect { attempt, .. }) = client.poll_action() else { panic!("an attempt") };
    client.handle_opened(attempt, NOW);
    client.handle_message(attempt, r#"{"method":"init","params":{"plugin":"Example"}}"#, NOW);
    while client.poll_action().is_some() || client.poll_event().is_some() {}
    (client, attempt)
}
