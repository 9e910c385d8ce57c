//! Every transcript of a desktop, through the C functions: what comes out is what comes out in Rust.

use std::path::Path;
use std::ptr::null_mut;

use flipper_ffi::*;
use flipper_model::play::{self, DeskInput};
use flipper_proto::desktop::{Channel, Config, PeerIdentity};
use flipper_proto::{CloseCause, Payload};
use flipper_transcript::Side;

use crate::lines;
use crate::program::{NOTHING, record, text};

#[test]
fn the_c_functions_do_what_the_transcripts_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../flipper-conformance/transcripts");
    let transcripts = flipper_transcript::read_folder(&folder).unwrap_or_else(|error| panic!("{error}"));
    let mut played = 0;
    for transcript in transcripts.iter().filter(|transcript| transcript.tests().includes(Side::Desktop)) {
        let recording = play::play_desktop(transcript).unwrap_or_else(|mismatch| panic!("{mismatch}"));
        let desktop = new(&recording.config);
        for ((now, input), expected) in recording.inputs.iter().zip(&recording.outputs) {
            // SAFETY: the desktop is good.
            let came = unsafe { turn(desktop, input, now.as_millis()) };
            assert_eq!(&came, expected, "{}: {input:?}", transcript.name);
        }
        // SAFETY: it is used no more.
        unsafe { flipper_desktop_free(desktop) };
        played += 1;
    }
    assert!(played >= 8, "only {played} transcripts were played");
}

fn new(config: &Config) -> *mut FlipperDesktop {
    let Config { limits, .. } = config;
    let number = |limit: usize| u64::try_from(limit).unwrap();
    let record = FlipperDesktopConfig {
        message_bytes: number(limits.message_bytes),
        pending_calls: number(limits.pending_calls),
        plugins: number(limits.plugins),
        queued_bytes: number(limits.queued_answer_bytes),
        ..record()
    };
    let mut desktop = null_mut();
    // SAFETY: the record and the place are good.
    assert_eq!(unsafe { flipper_desktop_new(&record, &mut desktop) }, FlipperResult::Ok);
    desktop
}

/// Tells a desktop something, and everything that comes of it.
///
/// # Safety
/// The desktop is good.
unsafe fn turn(desktop: *mut FlipperDesktop, input: &DeskInput, now: u64) -> Vec<String> {
    let (mut action, mut event, mut reason, mut at) = (null_mut(), null_mut(), 0, 0);
    // SAFETY: the caller's promise; nothing is used after it was freed.
    unsafe {
        let mut came = vec![tell(desktop, input, now)];
        while flipper_desktop_poll_action(desktop, &mut action) == FlipperResult::Ok {
            came.push(lines::action(action));
            flipper_action_free(action);
        }
        while flipper_desktop_poll_event(desktop, &mut event) == FlipperResult::Ok {
            came.push(lines::event(event));
            flipper_event_free(event);
        }
        assert_eq!(flipper_desktop_poll_timeout(desktop, &mut reason, &mut at), FlipperResult::Ok);
        came.push(lines::timer(reason, at));
        came
    }
}

/// # Safety
/// The desktop is good.
unsafe fn tell(desktop: *mut FlipperDesktop, input: &DeskInput, now: u64) -> String {
    // SAFETY: the caller's promise; texts and records are good.
    let result = unsafe {
        match input {
            DeskInput::Upgrade { channel, target, host, origin } => {
                return upgrade(desktop, channel, [target, host], origin.as_deref(), now);
            }
            DeskInput::Message(conn, message) => {
                let message = text(message);
                flipper_desktop_message(desktop, conn.as_u64(), message.ptr, message.len, now)
            }
            DeskInput::Binary(conn, bytes) => {
                flipper_desktop_binary(desktop, conn.as_u64(), bytes.as_ptr().cast(), bytes.len(), now)
            }
            DeskInput::Alive(conn) => flipper_desktop_alive(desktop, conn.as_u64(), now),
            DeskInput::Writable(conn, room) => flipper_desktop_writable(desktop, conn.as_u64(), *room, now),
            DeskInput::Closed(conn, cause) => {
                let (kind, code, reason) = close(cause);
                let reason = text(reason);
                flipper_desktop_closed(desktop, conn.as_u64(), kind as u32, code, reason.ptr, reason.len, now)
            }
            DeskInput::Timeout => flipper_desktop_timeout(desktop, now),
            DeskInput::Finish(exchange, Ok(device_id)) => {
                let grant = FlipperGrant { device_id: text(device_id), ..record() };
                flipper_desktop_grant(desktop, exchange.as_u64(), &grant, now)
            }
            DeskInput::Finish(exchange, Err(message)) => {
                let refusal = FlipperRefusal { message: text(message), ..record() };
                flipper_desktop_refuse(desktop, exchange.as_u64(), &refusal, now)
            }
            DeskInput::Init(client, plugin) => {
                let (client, plugin) = (text(client.as_str()), text(plugin));
                flipper_desktop_init_plugin(desktop, client.ptr, client.len, plugin.ptr, plugin.len)
            }
            DeskInput::Deinit(client, plugin) => {
                let (client, plugin) = (text(client.as_str()), text(plugin));
                flipper_desktop_deinit_plugin(desktop, client.ptr, client.len, plugin.ptr, plugin.len)
            }
            DeskInput::Call(client, plugin, method, params) => {
                let request = request(client.as_str(), plugin, method, params.as_ref());
                return asked(|out| flipper_desktop_call(desktop, &request, now, out));
            }
            DeskInput::Supports(client, plugin, method) => {
                let request = request(client.as_str(), plugin, method, None);
                return asked(|out| flipper_desktop_is_method_supported(desktop, &request, now, out));
            }
            DeskInput::Notify(client, plugin, method, params) => {
                flipper_desktop_notify(desktop, &request(client.as_str(), plugin, method, params.as_ref()))
            }
            DeskInput::Disconnect(client, code) => {
                let client = text(client.as_str());
                flipper_desktop_disconnect(desktop, client.ptr, client.len, code.as_u16(), now)
            }
            DeskInput::Stop => flipper_desktop_stop(desktop, now),
        }
    };
    said(result)
}

fn said(result: FlipperResult) -> String {
    String::from(if result == FlipperResult::Ok { "done" } else { "refused" })
}

fn asked(call: impl FnOnce(*mut u64) -> FlipperResult) -> String {
    let mut request = 0;
    match call(&mut request) {
        FlipperResult::Ok => format!("request request={request}"),
        result => said(result),
    }
}

fn request(client: &str, plugin: &str, method: &str, params: Option<&Payload>) -> FlipperRequest {
    FlipperRequest {
        client: text(client),
        plugin: text(plugin),
        method: text(method),
        params: params.map_or(NOTHING, |params| text(params.as_json())),
        ..record()
    }
}

/// # Safety
/// The desktop is good.
unsafe fn upgrade(
    desktop: *mut FlipperDesktop,
    channel: &Channel,
    [target, host]: [&String; 2],
    origin: Option<&str>,
    now: u64,
) -> String {
    let mut upgrade = FlipperUpgrade {
        target: text(target),
        host: text(host),
        origin: origin.map_or(NOTHING, text),
        peer: text("127.0.0.1:50000"),
        ..record()
    };
    let channel = match channel {
        Channel::Insecure => FlipperChannel::Insecure,
        Channel::Browser => FlipperChannel::Browser,
        Channel::Secure(identity) => {
            let certificate = match identity {
                PeerIdentity::Bound { app, device_id } => {
                    (upgrade.common_name, upgrade.device_id) = (text(app), text(device_id));
                    FlipperCertificate::Bound
                }
                PeerIdentity::Unbound { common_name } => {
                    upgrade.common_name = common_name.as_deref().map_or(NOTHING, text);
                    FlipperCertificate::Unbound
                }
                PeerIdentity::Unusable(how) => {
                    upgrade.problem = text(how.as_str());
                    FlipperCertificate::Unusable
                }
            };
            upgrade.certificate = certificate as u32;
            FlipperChannel::Secure
        }
    };
    upgrade.channel = channel as u32;
    let mut admission = null_mut();
    // SAFETY: the caller's promise; the record and the place are good.
    unsafe {
        assert_eq!(flipper_desktop_upgrade(desktop, &upgrade, now, &mut admission), FlipperResult::Ok);
        let line = lines::admission(admission);
        flipper_admission_free(admission);
        line
    }
}

fn close(cause: &CloseCause) -> (FlipperCloseKind, u16, &str) {
    match cause {
        CloseCause::Code { code, reason } => (FlipperCloseKind::Code, *code, reason.as_str()),
        CloseCause::Eof => (FlipperCloseKind::Eof, 0, ""),
        CloseCause::Reset => (FlipperCloseKind::Reset, 0, ""),
        other => panic!("no transcript has {other:?}"),
    }
}
