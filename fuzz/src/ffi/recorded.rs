//! What transcripts do to the state machines, as calls.

use flipper_ffi::{FlipperCertificate, FlipperChannel, FlipperCloseKind, FlipperCredentialProblem};
use flipper_model::play::{DeskInput, DeskRecording, Input, Recording};
use flipper_proto::client::{Config, Credentials, JobOutcome, PluginMode, Reply};
use flipper_proto::desktop::{Channel, PeerIdentity};
use flipper_proto::{CloseCause, Instant, Payload, TlsFailure};

use super::calls::{Call, Function, NO_RECORD, Text};

/// A client with the usual settings, and all that it was told.
#[must_use]
pub fn client(recording: &Recording) -> Vec<Call> {
    let Config { app, app_id, device, device_id, .. } = &recording.config;
    let texts = [text(app), text(app_id), text("Linux"), text(device), text(device_id)];
    let mut calls = vec![Call::new(Function::ClientNew, &[], &texts)];
    let mut clock = Instant::ZERO;
    for (now, input) in &recording.inputs {
        calls.extend(wait(&mut clock, *now));
        calls.push(client_call(input));
    }
    calls.push(Call::new(Function::ClientAsk, &[1], &[text("A")]));
    calls
}

/// A desktop with the usual settings, and all that it was told.
#[must_use]
pub fn desktop(recording: &DeskRecording) -> Vec<Call> {
    let mut calls = vec![Call::new(Function::DesktopNew, &[], &[])];
    let mut clock = Instant::ZERO;
    for (now, input) in &recording.inputs {
        calls.extend(wait(&mut clock, *now));
        calls.push(desktop_call(input));
    }
    calls.push(Call::new(Function::DesktopAsk, &[1], &[]));
    calls
}

/// An app that is made, used and freed, though no transcript has one.
#[must_use]
pub fn app() -> Vec<Call> {
    let plugin = text("Example");
    vec![
        Call::new(Function::AppNew, &[], &[text("Sample"), text("com.example.sample"), Text::Null, text("/nowhere")]),
        Call::new(Function::AppAddPlugin, &[1], std::slice::from_ref(&plugin)),
        Call::new(Function::AppSend, &[], &[plugin.clone(), text("event"), text(r#"{"a":1}"#)]),
        Call::new(Function::AppAsk, &[4, 20], std::slice::from_ref(&plugin)),
        Call::new(Function::AppReportError, &[], &[text("it broke"), text("Broken")]),
        Call::new(Function::AppRemovePlugin, &[], &[plugin]),
        Call::new(Function::AppStop, &[], &[]),
        Call::new(Function::CallOfNobody, &[], &[text("{}")]),
        Call::new(Function::AppFree, &[], &[]),
    ]
}

fn text(text: &str) -> Text {
    Text::Bytes(text.as_bytes().to_vec())
}

fn json(payload: Option<&Payload>) -> Text {
    payload.map_or(Text::Null, |payload| text(payload.as_json()))
}

fn wait(clock: &mut Instant, now: Instant) -> Option<Call> {
    let span = now.as_millis().saturating_sub(clock.as_millis());
    *clock = now;
    (span > 0).then(|| Call::new(Function::Wait, &[span], &[]))
}

fn client_call(input: &Input) -> Call {
    let call = |function, numbers: &[u64], texts: &[Text]| Call::new(function, numbers, texts);
    match input {
        Input::Start => call(Function::ClientStart, &[], &[]),
        Input::Stop => call(Function::ClientStop, &[], &[]),
        Input::AddPlugin(id, mode) => {
            call(Function::ClientAddPlugin, &[u64::from(*mode == PluginMode::Background)], &[text(id)])
        }
        Input::RemovePlugin(id) => call(Function::ClientRemovePlugin, &[], &[text(id)]),
        Input::Send(plugin, method, params) => {
            call(Function::ClientSend, &[], &[text(plugin), text(method), json(params.as_ref())])
        }
        Input::Respond(id, Reply::Success(value)) => {
            call(Function::ClientRespond, &[id.as_u64()], &[json(Some(value))])
        }
        Input::Respond(id, Reply::Error(value)) => {
            call(Function::ClientRespondError, &[id.as_u64()], &[json(Some(value))])
        }
        Input::Fail(id, message) => call(Function::ClientFail, &[id.as_u64()], &[text(message)]),
        Input::Supported(id, supported) => {
            call(Function::ClientRespondSupported, &[id.as_u64(), u64::from(*supported)], &[])
        }
        Input::Report(message) => call(Function::ClientReportError, &[], &[text(message)]),
        Input::Opened(attempt) => call(Function::ClientOpened, &[attempt.as_u64()], &[]),
        Input::Message(attempt, message) => call(Function::ClientMessage, &[attempt.as_u64()], &[text(message)]),
        Input::Binary(attempt, bytes) => {
            call(Function::ClientBinary, &[attempt.as_u64()], &[Text::Bytes(bytes.clone())])
        }
        Input::Alive(attempt) => call(Function::ClientAlive, &[attempt.as_u64()], &[]),
        Input::Writable(attempt, room) => call(Function::ClientWritable, &[attempt.as_u64(), size(*room)], &[]),
        Input::Closed(attempt, cause) => {
            let (kind, code) = close(cause);
            call(Function::ClientClosed, &[attempt.as_u64(), kind, code], &[text("why")])
        }
        Input::JobDone(job, outcome) => job_call(job.as_u64(), outcome),
        Input::Timeout => call(Function::ClientTimeout, &[], &[]),
    }
}

fn job_call(job: u64, outcome: &JobOutcome) -> Call {
    match outcome {
        JobOutcome::Loaded { credentials: None, .. } => {
            Call { flags: NO_RECORD, ..Call::new(Function::ClientJobLoaded, &[job], &[]) }
        }
        JobOutcome::Loaded { credentials: Some(found), .. } => with(Function::ClientJobLoaded, job, found),
        JobOutcome::Stored(found) => with(Function::ClientJobStored, job, found),
        JobOutcome::Prepared(made) => Call::new(
            Function::ClientJobPrepared,
            &[job, made.generation.as_u64(), made.wall.as_unix_millis()],
            &[text(&made.csr), text(&made.destination)],
        ),
        JobOutcome::Failed(_) => {
            Call::new(Function::ClientJobFailed, &[job, FlipperCredentialProblem::Io as u64], &[text("why")])
        }
        _ => Call::new(Function::ClientJobDone, &[job], &[]),
    }
}

fn with(function: Function, job: u64, credentials: &Credentials) -> Call {
    let Credentials { generation, device_id, medium, os, csr, csr_path, valid_until } = credentials;
    let numbers = [job, generation.as_u64(), valid_until.as_millis(), medium.number().into()];
    let os = os.as_deref().map_or(Text::Null, text);
    Call::new(function, &numbers, &[text(device_id), os, text(csr), text(csr_path)])
}

fn desktop_call(input: &DeskInput) -> Call {
    let call = |function, numbers: &[u64], texts: &[Text]| Call::new(function, numbers, texts);
    match input {
        DeskInput::Upgrade { channel, target, host, origin } => {
            let mut texts = vec![text(target), text(host), origin.as_deref().map_or(Text::Null, text)];
            texts.push(text("127.0.0.1:50000"));
            let (channel, certificate) = match channel {
                Channel::Insecure => (FlipperChannel::Insecure, 0),
                Channel::Browser => (FlipperChannel::Browser, 0),
                Channel::Secure(PeerIdentity::Bound { app, device_id }) => {
                    texts.extend([text(app), text(device_id)]);
                    (FlipperChannel::Secure, FlipperCertificate::Bound as u64)
                }
                Channel::Secure(_) => (FlipperChannel::Secure, FlipperCertificate::Unbound as u64),
            };
            call(Function::DesktopUpgrade, &[channel as u64, certificate], &texts)
        }
        DeskInput::Message(conn, message) => call(Function::DesktopMessage, &[conn.as_u64()], &[text(message)]),
        DeskInput::Binary(conn, bytes) => {
            call(Function::DesktopBinary, &[conn.as_u64()], &[Text::Bytes(bytes.clone())])
        }
        DeskInput::Alive(conn) => call(Function::DesktopAlive, &[conn.as_u64()], &[]),
        DeskInput::Writable(conn, room) => call(Function::DesktopWritable, &[conn.as_u64(), size(*room)], &[]),
        DeskInput::Closed(conn, cause) => {
            let (kind, code) = close(cause);
            call(Function::DesktopClosed, &[conn.as_u64(), kind, code], &[text("why")])
        }
        DeskInput::Timeout => call(Function::DesktopTimeout, &[], &[]),
        DeskInput::Finish(exchange, Ok(device)) => call(Function::DesktopGrant, &[exchange.as_u64()], &[text(device)]),
        DeskInput::Finish(exchange, Err(why)) => call(Function::DesktopRefuse, &[exchange.as_u64()], &[text(why)]),
        DeskInput::Init(_, plugin) => call(Function::DesktopInit, &[], &[Text::Client, text(plugin)]),
        DeskInput::Deinit(_, plugin) => call(Function::DesktopDeinit, &[], &[Text::Client, text(plugin)]),
        DeskInput::Call(_, plugin, method, params) => {
            let texts = [Text::Client, text(plugin), text(method), json(params.as_ref())];
            call(Function::DesktopCall, &[], &texts)
        }
        DeskInput::Supports(_, plugin, method) => {
            call(Function::DesktopSupports, &[], &[Text::Client, text(plugin), text(method)])
        }
        DeskInput::Notify(_, plugin, method, params) => {
            let texts = [Text::Client, text(plugin), text(method), json(params.as_ref())];
            call(Function::DesktopNotify, &[], &texts)
        }
        DeskInput::Disconnect(_, code) => call(Function::DesktopDisconnect, &[code.as_u16().into()], &[Text::Client]),
        DeskInput::Stop => call(Function::DesktopStop, &[], &[]),
    }
}

fn size(room: usize) -> u64 {
    u64::try_from(room).unwrap_or(u64::MAX)
}

/// The kind of a close, and its code.
fn close(cause: &CloseCause) -> (u64, u64) {
    let (kind, code) = match cause {
        CloseCause::Refused => (FlipperCloseKind::Refused, 0),
        CloseCause::Unreachable(_) => (FlipperCloseKind::Unreachable, 0),
        CloseCause::Timeout => (FlipperCloseKind::Timeout, 0),
        CloseCause::Tls(TlsFailure::UnknownCa) => (FlipperCloseKind::TlsUnknownCa, 0),
        CloseCause::Tls(TlsFailure::Expired) => (FlipperCloseKind::TlsExpired, 0),
        CloseCause::Tls(TlsFailure::NotYetValid) => (FlipperCloseKind::TlsNotYetValid, 0),
        CloseCause::Tls(_) => (FlipperCloseKind::TlsPeerRefused, 0),
        CloseCause::DroppedBeforeUpgrade => (FlipperCloseKind::Dropped, 0),
        CloseCause::Http(status) => (FlipperCloseKind::Http, *status),
        CloseCause::BadUpgrade(_) => (FlipperCloseKind::BadUpgrade, 0),
        CloseCause::Code { code, .. } => (FlipperCloseKind::Code, *code),
        CloseCause::Eof => (FlipperCloseKind::Eof, 0),
        _ => (FlipperCloseKind::Reset, 0),
    };
    (kind as u64, code.into())
}
