//! What a client tells in words it tells in numbers, too, and what its record says it does.

#![expect(unsafe_code, reason = "this is the place of a C program")]
#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

use std::ptr::{null, null_mut};
use std::slice;

use FlipperEventField as Field;
use FlipperEventKind as Kind;
use flipper_ffi::*;

#[allow(dead_code, reason = "other tests use more of it")]
mod support;

use support::{PLUGIN, action, config, credentials, drain, session, text};

/// Polls the next event: its kind, these numbers of it, and its words.
fn event(client: *mut FlipperClient, fields: &[Field]) -> (u32, Vec<Option<u64>>, String) {
    let mut event = null_mut();
    // SAFETY: the handles and the places to write to are good.
    unsafe {
        assert_eq!(flipper_client_poll_event(client, &mut event), FlipperResult::Ok);
        let kind = flipper_event_kind_of(event);
        let numbers = fields.iter().map(|field| {
            let mut number = 0;
            let result = flipper_event_number(event, *field as u32, &mut number);
            (result == FlipperResult::Ok).then_some(number)
        });
        let numbers = numbers.collect();
        let mut words = support::NOTHING;
        let result = flipper_event_text(event, Field::Text as u32, &mut words);
        let words = if result == FlipperResult::Ok { owned(words) } else { String::new() };
        flipper_event_free(event);
        (kind, numbers, words)
    }
}

fn owned(text: FlipperStr) -> String {
    // SAFETY: whoever has it has not freed what it comes from.
    let bytes = unsafe { slice::from_raw_parts(text.ptr.cast::<u8>(), text.len) };
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A client of this record that was started at 5, and has given its first job.
fn started(config: &FlipperClientConfig) -> (*mut FlipperClient, u64) {
    let mut client = null_mut();
    // SAFETY: the record and the place to write to are good.
    unsafe {
        assert_eq!(flipper_client_new(config, &mut client), FlipperResult::Ok);
        assert_eq!(flipper_client_start(client, 5), FlipperResult::Ok);
    }
    (client, action(client, FlipperActionKind::Job, FlipperActionField::Job))
}

#[test]
fn the_way_to_a_session_that_is_refused_is_told_in_numbers() {
    let record = FlipperClientConfig { backoff_first_ms: 1_000, ..config() };
    let (client, job) = started(&record);
    let state = |kind: FlipperStateKind| (Kind::State as u32, vec![Some(kind as u64)]);
    let told = |fields: &[Field]| {
        let (kind, numbers, words) = event(client, fields);
        assert!(!words.is_empty(), "{kind}");
        (kind, numbers)
    };
    assert_eq!(told(&[Field::State]), state(FlipperStateKind::Preparing));
    // SAFETY: the handle, the record and the places to write to are good.
    unsafe {
        let io = FlipperCredentialProblem::Invalid as u32;
        let loaded = flipper_client_job_loaded(client, job, &credentials(), io, c"damaged".as_ptr(), 7, 6);
        assert_eq!(loaded, FlipperResult::Ok);
        let (kind, numbers, words) = event(client, &[Field::Failure, Field::CredentialProblem, Field::CloseKind]);
        assert_eq!(kind, Kind::Failed as u32);
        let failure = FlipperClientFailure::Credentials as u64;
        assert_eq!(numbers, [Some(failure), Some(FlipperCredentialProblem::Invalid as u64), None]);
        assert_eq!(words, "damaged");
        let step = |step: FlipperClientStep| (Kind::Step as u32, vec![Some(step as u64), Some(1)]);
        assert_eq!(told(&[Field::Step, Field::Generation]), step(FlipperClientStep::CredentialsFound));
        assert_eq!(told(&[Field::Step, Field::Generation]), step(FlipperClientStep::SessionAttempted));
        assert_eq!(told(&[Field::State]), state(FlipperStateKind::Connecting));

        let (mut timer, mut at) = (0, 0);
        assert_eq!(flipper_client_poll_timeout(client, &mut timer, &mut at), FlipperResult::Ok);
        assert_eq!((timer, at), (FlipperClientTimer::Connect as u32, 10_006), "10 s are the default");

        let attempt = action(client, FlipperActionKind::Connect, FlipperActionField::Attempt);
        let kind = FlipperCloseKind::Http as u32;
        assert_eq!(flipper_client_closed(client, attempt, kind, 503, null(), 0, 7), FlipperResult::Ok);
        let failed = told(&[Field::Failure, Field::CloseKind, Field::Code, Field::State]);
        let failure = FlipperClientFailure::SessionConnection as u64;
        assert_eq!(failed, (Kind::Failed as u32, vec![Some(failure), Some(kind.into()), Some(503), None]));
        let (kind, waiting) = told(&[Field::State, Field::Until]);
        assert_eq!(flipper_client_poll_timeout(client, &mut timer, &mut at), FlipperResult::Ok);
        assert_eq!((kind, waiting), (Kind::State as u32, vec![Some(FlipperStateKind::Waiting as u64), Some(at)]));
        assert_eq!(timer, FlipperClientTimer::Retry as u32);
        assert!((507..=1_007).contains(&at), "the upper half of a second, not {at}");
        flipper_client_free(client);
    }
}

#[test]
fn what_failed_last_can_be_asked_in_words() {
    let (client, attempt) = session();
    let (mut buffer, mut length) = ([0_u8; 300], 0);
    // SAFETY: the handle, the buffer and the place to write to are good.
    unsafe {
        let mut ask = || flipper_client_last_failure(client, buffer.as_mut_ptr().cast(), 300, &mut length);
        assert_eq!(ask(), FlipperResult::NotFound);
        let code = FlipperCloseKind::Code as u32;
        let closed = flipper_client_closed(client, attempt, code, 1001, c"bye".as_ptr(), 3, 7);
        assert_eq!(closed, FlipperResult::Ok);
        assert_eq!(ask(), FlipperResult::Ok);
        let words = str::from_utf8(&buffer[..length]).unwrap();
        assert!(words.contains("1001") && words.contains("bye"), "{words}");
        let mut state = || flipper_client_state_text(client, buffer.as_mut_ptr().cast(), 8, &mut length);
        assert_eq!((state(), length), (FlipperResult::Ok, "waiting to try again".len()));
        assert_eq!(&buffer[..8], b"waiting\0");
        flipper_client_free(client);
    }
}

#[test]
fn a_client_goes_where_its_record_says_and_presents_what_it_says() {
    let record = FlipperClientConfig {
        os: text("Plan9"),
        os_fixed: 1,
        host: text("desk.example"),
        insecure_port: 1,
        secure_port: 2,
        device: text("Box"),
        instance_id: text("7"),
        foreground: FlipperForeground::No as u32,
        ..config()
    };
    let (client, job) = started(&record);
    let (mut connect, mut words, mut port) = (null_mut(), support::NOTHING, 0);
    // SAFETY: the handles, the record and the places to write to are good.
    unsafe {
        assert_eq!(flipper_client_job_loaded(client, job, &credentials(), 0, null(), 0, 6), FlipperResult::Ok);
        assert_eq!(flipper_client_poll_action(client, &mut connect), FlipperResult::Ok);
        let mut read = |field: FlipperActionField| {
            assert_eq!(flipper_action_text(connect, field as u32, &mut words), FlipperResult::Ok);
            owned(words)
        };
        assert_eq!(read(FlipperActionField::Host), "desk.example");
        let target = read(FlipperActionField::Target);
        for part in ["os=Plan9", "device=Box", "instance_id=7", "foreground=false", "app=Sample"] {
            assert!(target.contains(part), "{part} is not in {target}");
        }
        let field = FlipperActionField::Port as u32;
        assert_eq!((flipper_action_number(connect, field, &mut port), port), (FlipperResult::Ok, 2));
        flipper_action_free(connect);
        flipper_client_free(client);
    }
}

#[test]
fn events_that_wait_are_counted_and_what_has_left_is_known() {
    let (client, attempt) = session();
    let plugin = text(PLUGIN);
    let (mut waiting, mut flag) = (0, 7);
    // SAFETY: the handle, the texts and the places to write to are good.
    unsafe {
        let send = || flipper_client_send(client, plugin.ptr, plugin.len, plugin.ptr, plugin.len, null(), 0);
        assert_eq!((send(), send()), (FlipperResult::Ok, FlipperResult::Ok));
        let mut asked = |client| {
            assert_eq!(flipper_client_waiting(client, plugin.ptr, plugin.len, &mut waiting), FlipperResult::Ok);
            assert_eq!(flipper_client_is_flushed(client, plugin.ptr, plugin.len, &mut flag), FlipperResult::Ok);
            (waiting, flag)
        };
        assert_eq!(asked(client), (2, 0), "there is no room yet");
        assert_eq!(flipper_client_writable(client, attempt, 1 << 20, 1), FlipperResult::Ok);
        drain(client);
        assert_eq!(asked(client), (0, 0), "they were given, but are not with the system");
        assert_eq!(flipper_client_flushed(client, attempt, 2), FlipperResult::Ok);
        assert_eq!(asked(client), (0, 1));
        assert_eq!(flipper_client_is_plugin_connected(client, plugin.ptr, plugin.len, &mut flag), FlipperResult::Ok);
        assert_eq!(flag, 1);
        let other = text("Other");
        let unknown = flipper_client_is_plugin_connected(client, other.ptr, other.len, &mut flag);
        assert_eq!(unknown, FlipperResult::UnknownPlugin);
        flipper_client_free(client);
    }
}

#[test]
fn a_paired_app_proves_it_and_is_given_its_certificates_to_check() {
    let (client, job) = started(&FlipperClientConfig { medium: FlipperMedium::Www as u32, ..config() });
    let prepared = FlipperPrepared {
        size: size_of::<FlipperPrepared>(),
        generation: 3,
        csr: text("request"),
        destination: text("/app/3/"),
        wall_ms: 1_700_000_000_000,
        pairing_id: text("pair"),
        pairing_nonce: text("fresh"),
        pairing_proof: text("known"),
    };
    // SAFETY: the handles and the records are good.
    unsafe {
        assert_eq!(flipper_client_job_loaded(client, job, null(), 0, null(), 0, 6), FlipperResult::Ok);
        let attempt = action(client, FlipperActionKind::Connect, FlipperActionField::Attempt);
        assert_eq!(flipper_client_opened(client, attempt, 7), FlipperResult::Ok);
        let job = action(client, FlipperActionKind::Job, FlipperActionField::Job);
        assert_eq!(flipper_client_job_prepared(client, job, &prepared, 8), FlipperResult::Ok);
        assert_eq!(flipper_client_writable(client, attempt, 1 << 20, 8), FlipperResult::Ok);
        let request = texts(client, FlipperActionKind::Send, [FlipperActionField::Text]).concat();
        assert!(request.contains(r#""pairing":{"id":"pair","nonce":"fresh","proof":"known"}"#), "{request}");
        support::message(client, attempt, r#"{"deviceId":"d","bundle":{"ca":"CA","certificate":"C","proof":"P"}}"#);
        let fields = [
            FlipperActionField::DeviceId,
            FlipperActionField::Ca,
            FlipperActionField::Certificate,
            FlipperActionField::Proof,
        ];
        assert_eq!(texts(client, FlipperActionKind::Job, fields), ["d", "CA", "C", "P"]);
        flipper_client_free(client);
    }
}

/// Texts of the next action of this kind; others are passed over.
fn texts<const N: usize>(
    client: *mut FlipperClient,
    kind: FlipperActionKind,
    fields: [FlipperActionField; N],
) -> [String; N] {
    let (mut action, mut words) = (null_mut(), support::NOTHING);
    // SAFETY: the handles and the places to write to are good.
    unsafe {
        loop {
            assert_eq!(flipper_client_poll_action(client, &mut action), FlipperResult::Ok);
            if flipper_action_kind_of(action) == kind as u32 {
                break;
            }
            flipper_action_free(action);
        }
        let texts = fields.map(|field| {
            assert_eq!(flipper_action_text(action, field as u32, &mut words), FlipperResult::Ok, "{field:?}");
            owned(words)
        });
        flipper_action_free(action);
        texts
    }
}
