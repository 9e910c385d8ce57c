//! A C program drives a client with every transcript that it can be told, and prints the same as the player in Rust.

#![cfg(unix)]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that fails panics")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flipper_ffi::{FlipperCloseKind, FlipperCredentialProblem};
use flipper_model::play::{self, Input, Recording};
use flipper_proto::client::{
    Config, CredentialFailure, CredentialProblem, Credentials, JobOutcome, MediumChoice, Os, PluginMode, Reply,
};
use flipper_proto::{CloseCause, Overflow, TlsFailure};
use flipper_transcript::{Side, Transcript};

macro_rules! fields {
    ($($field:expr),* $(,)?) => { vec![$($field.to_string()),*] };
}

#[test]
fn a_c_program_does_what_the_transcripts_say() {
    let folder = tempfile::tempdir().unwrap();
    let program = build(folder.path());
    let mut played = 0;
    for transcript in transcripts().iter().filter(|transcript| transcript.tests().includes(Side::App)) {
        let recording = play::play_app(transcript).unwrap_or_else(|mismatch| panic!("{mismatch}"));
        let printed = run(&program, &commands(&recording));
        let expected: String = recording.outputs.iter().flatten().map(|line| expected(line) + "\n").collect();
        assert_eq!(printed, expected, "{}", transcript.name);
        played += 1;
    }
    assert!(played >= 25, "only {played} transcripts were played");
}

// --- The program ---

fn build(folder: &Path) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let library = build_library();
    let compiler = cc::Build::new()
        .target(&target())
        .host(&target())
        .opt_level(1)
        .debug(true)
        .out_dir(folder)
        .cargo_metadata(false)
        .get_compiler();
    let program = folder.join("smoke");
    let compile = |sanitizers: &[&str]| {
        let mut command = compiler.to_command();
        command.args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]).args(sanitizers);
        command.arg("-I").arg(here.join("include")).arg(here.join("tests/smoke.c")).arg(&library);
        command.args(["-lpthread", "-ldl", "-lm", "-o"]).arg(&program);
        command.output().expect("a C compiler")
    };
    // Not every compiler has them.
    if !compile(&["-fsanitize=address,undefined", "-fno-sanitize-recover"]).status.success() {
        eprintln!("the C compiler has no sanitizers; the program runs without");
        let output = compile(&[]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    program
}

/// The library as C links it. It is where Cargo says that it is.
fn build_library() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--package", "flipper-ffi", "--lib", "--message-format", "json"]);
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).unwrap();
    let files = messages.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let ours = message["target"]["name"] == "flipper_ffi";
        ours.then(|| message["filenames"].as_array().cloned().unwrap_or_default())
    });
    let library = files.flatten().find_map(|file| file.as_str().filter(|file| file.ends_with(".a")).map(PathBuf::from));
    library.expect("a static library")
}

fn target() -> String {
    let version = Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    version.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host").to_owned()
}

fn run(program: &Path, commands: &str) -> String {
    let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let commands = commands.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(commands.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "{}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

// --- What it is told ---

fn commands(recording: &Recording) -> String {
    let mut text = settings(&recording.config);
    for (now, input) in &recording.inputs {
        let mut fields = vec![now.as_millis().to_string()];
        fields.extend(command(input));
        text += &row(&fields);
    }
    text
}

/// What a transcript may set; everything else has its default.
fn settings(config: &Config) -> String {
    let Config { app, app_id, device, device_id, host, ports, limits, .. } = config;
    let (os, fixed) = match &config.os {
        Os::Automatic(os) => (os, 0),
        Os::Fixed(os) => (os, 1),
    };
    let medium = match config.medium {
        MediumChoice::Automatic => 0,
        MediumChoice::Fixed(medium) => medium.number(),
    };
    let overflow = u8::from(config.overflow == Overflow::DropNewest);
    let (bytes, count) = (limits.buffered_event_bytes, limits.buffered_events);
    let pause = config.event_pause.as_millis();
    let mut told = Config::new(app.as_str(), app_id.as_str());
    told.os.clone_from(&config.os);
    told.device.clone_from(device);
    told.device_id.clone_from(device_id);
    told.host.clone_from(host);
    told.limits.message_bytes = limits.message_bytes;
    told.limits.buffered_event_bytes = bytes;
    told.limits.buffered_events = count;
    (told.medium, told.ports, told.overflow) = (config.medium, *ports, config.overflow);
    (told.event_pause, told.seed) = (config.event_pause, config.seed);
    assert_eq!(*config, told, "the program has to be told more than that");
    row(&fields![
        app,
        app_id,
        os,
        device,
        device_id,
        host,
        fixed,
        medium,
        ports.insecure,
        ports.secure,
        limits.message_bytes,
        bytes,
        count,
        overflow,
        pause,
        config.seed,
    ])
}

fn row(fields: &[String]) -> String {
    assert!(fields.iter().all(|field| !field.contains(['\t', '\n'])), "{fields:?}");
    fields.join("\t") + "\n"
}

fn command(input: &Input) -> Vec<String> {
    match input {
        Input::Start => fields!["start"],
        Input::Stop => fields!["stop"],
        Input::AddPlugin(id, mode) => fields!["add", id, u8::from(*mode == PluginMode::Background)],
        Input::RemovePlugin(id) => fields!["remove", id],
        Input::Send(plugin, method, None) => fields!["send", plugin, method],
        Input::Send(plugin, method, Some(params)) => fields!["send", plugin, method, params],
        Input::Respond(call, Reply::Success(json)) => fields!["respond", call.as_u64(), json],
        Input::Respond(call, Reply::Error(json)) => fields!["error", call.as_u64(), json],
        Input::Fail(call, message) => fields!["fail", call.as_u64(), message],
        Input::Supported(call, supported) => fields!["supported", call.as_u64(), u8::from(*supported)],
        Input::Report(message) => fields!["report", message],
        Input::Opened(attempt) => fields!["opened", attempt.as_u64()],
        Input::Message(attempt, text) => fields!["message", attempt.as_u64(), text],
        Input::Binary(attempt, bytes) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            fields!["binary", attempt.as_u64(), hex]
        }
        Input::Alive(attempt) => fields!["alive", attempt.as_u64()],
        Input::Writable(attempt, room) => fields!["writable", attempt.as_u64(), room],
        Input::Closed(attempt, cause) => {
            let (kind, code, reason) = close(cause);
            fields!["closed", attempt.as_u64(), kind as u32, code, reason]
        }
        Input::JobDone(job, outcome) => {
            let job = job.as_u64();
            match outcome {
                JobOutcome::Loaded { credentials, problem } => {
                    let mut fields = match problem {
                        Some(failure) => fields!["loaded", job, self::problem(failure) as u32, failure],
                        None => fields!["loaded", job, 0, ""],
                    };
                    fields.extend(credentials.iter().flat_map(with));
                    fields
                }
                JobOutcome::Stored(found) => [fields!["stored", job], with(found)].concat(),
                JobOutcome::Prepared(made) => {
                    let (generation, wall) = (made.generation.as_u64(), made.wall.as_unix_millis());
                    let mut fields = fields!["prepared", job, generation, wall, made.csr, made.destination];
                    fields.extend(made.pairing.iter().flat_map(|proof| fields![proof.id, proof.nonce, proof.proof]));
                    fields
                }
                JobOutcome::Done => fields!["done", job],
                JobOutcome::Failed(failure) => fields!["failed", job, problem(failure) as u32, failure],
                other => panic!("what is {other:?}?"),
            }
        }
        Input::Timeout => fields!["timeout"],
    }
}

fn with(credentials: &Credentials) -> Vec<String> {
    let Credentials { generation, device_id, medium, os, csr, csr_path, valid_until } = credentials;
    let mut fields = fields![generation.as_u64(), medium.number(), valid_until.as_millis(), device_id, csr, csr_path];
    fields.extend(os.clone());
    fields
}

fn problem(failure: &CredentialFailure) -> FlipperCredentialProblem {
    match failure.kind {
        CredentialProblem::Io => FlipperCredentialProblem::Io,
        CredentialProblem::Invalid => FlipperCredentialProblem::Invalid,
        CredentialProblem::Missing => FlipperCredentialProblem::Missing,
        CredentialProblem::NotDelivered => FlipperCredentialProblem::NotDelivered,
        CredentialProblem::Fetch => FlipperCredentialProblem::Fetch,
        CredentialProblem::NotAuthentic => FlipperCredentialProblem::NotAuthentic,
        other => panic!("what is {other:?}?"),
    }
}

fn close(cause: &CloseCause) -> (FlipperCloseKind, u16, String) {
    let (kind, code, reason) = match cause {
        CloseCause::Refused => (FlipperCloseKind::Refused, 0, None),
        CloseCause::Unreachable(how) => (FlipperCloseKind::Unreachable, 0, Some(how)),
        CloseCause::Timeout => (FlipperCloseKind::Timeout, 0, None),
        CloseCause::Tls(TlsFailure::UnknownCa) => (FlipperCloseKind::TlsUnknownCa, 0, None),
        CloseCause::Tls(TlsFailure::Expired) => (FlipperCloseKind::TlsExpired, 0, None),
        CloseCause::Tls(TlsFailure::NotYetValid) => (FlipperCloseKind::TlsNotYetValid, 0, None),
        CloseCause::Tls(TlsFailure::PeerRefused(how)) => (FlipperCloseKind::TlsPeerRefused, 0, Some(how)),
        CloseCause::Tls(TlsFailure::Handshake(how)) => (FlipperCloseKind::TlsHandshake, 0, Some(how)),
        CloseCause::DroppedBeforeUpgrade => (FlipperCloseKind::Dropped, 0, None),
        CloseCause::Http(status) => (FlipperCloseKind::Http, *status, None),
        CloseCause::BadUpgrade(how) => (FlipperCloseKind::BadUpgrade, 0, Some(how)),
        CloseCause::Code { code, reason } => (FlipperCloseKind::Code, *code, Some(reason)),
        CloseCause::Eof => (FlipperCloseKind::Eof, 0, None),
        CloseCause::Reset => (FlipperCloseKind::Reset, 0, None),
        other => panic!("no transcript has {other:?}"),
    };
    (kind, code, reason.map(ToString::to_string).unwrap_or_default())
}

// --- What it should print ---

/// A refusal is a number in C, and not the words that Rust has for it.
fn expected(line: &str) -> String {
    if line.starts_with("refused ") { String::from("refused") } else { line.to_owned() }
}

fn transcripts() -> Vec<Transcript> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../flipper-conformance/transcripts");
    flipper_transcript::read_folder(&folder).unwrap_or_else(|error| panic!("{error}"))
}
