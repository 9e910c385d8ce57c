//! Writes seeds for the fuzz targets, most of them made of the transcripts: `seeds DIRECTORY` makes a folder for each
//! target in it.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flipper_fuzz::certificates::{signed_request, tlv};
use flipper_fuzz::ffi::{self, recorded};
use flipper_fuzz::peer::{self, Deed};
use flipper_model::client::{Op, Outcome, PLUGINS, Pick, Settings};
use flipper_model::desktop::Step;
use flipper_model::play::{self, DeskInput, DeskRecording, Input, Recording};
use flipper_pki::PrivateKey;
use flipper_proto::client::{JobOutcome, MediumChoice, Os, Reply};
use flipper_proto::desktop::{Channel, PeerIdentity};
use flipper_proto::{Instant, Medium, Overflow};
use flipper_transcript::{Frame, Line, Port, Setup, Side, Transcript};

fn main() -> Result<(), Box<dyn Error>> {
    let to = std::env::args_os().nth(1).map(PathBuf::from).ok_or("usage: seeds DIRECTORY")?;
    let mut seeds = Seeds(BTreeMap::new());
    let transcripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/flipper-conformance/transcripts");
    for transcript in flipper_transcript::read_folder(&transcripts)? {
        seeds.wire(&transcript);
        seeds.driver(&transcript);
        if transcript.tests().includes(Side::App) {
            seeds.app(&play::play_app(&transcript)?);
        }
        if transcript.tests().includes(Side::Desktop) {
            seeds.desktop(&play::play_desktop(&transcript)?);
        }
    }
    seeds.add("ffi_ops", ffi::write(&recorded::app()));
    seeds.requests()?;
    seeds.layouts();
    for (target, inputs) in seeds.0 {
        let folder = to.join(target);
        fs::create_dir_all(&folder)?;
        for (number, input) in inputs.iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:03}")), input)?;
        }
        println!("{target}: {} seeds", inputs.len());
    }
    Ok(())
}

/// The inputs of every target.
struct Seeds(BTreeMap<&'static str, Vec<Vec<u8>>>);

impl Seeds {
    fn add(&mut self, target: &'static str, input: Vec<u8>) {
        let inputs = self.0.entry(target).or_default();
        if !inputs.contains(&input) {
            inputs.push(input);
        }
    }

    fn wire(&mut self, transcript: &Transcript) {
        let mut exchange = false;
        for entry in &transcript.entries {
            match &entry.line {
                Line::Connect { port, .. } => exchange = *port == Port::Exchange,
                Line::Message { from, frame } => {
                    let to = u8::from(*from == Side::App) | u8::from(exchange) << 1;
                    let bytes = match frame {
                        Frame::Text(text) | Frame::Binary(text) => text.as_bytes(),
                        Frame::Bytes(bytes) => bytes,
                    };
                    self.add("wire", [&[to], bytes].concat());
                }
                _ => {}
            }
        }
    }

    fn driver(&mut self, transcript: &Transcript) {
        let tests = transcript.tests();
        if tests.includes(Side::App) {
            let stored = transcript.setup().any(|setup| matches!(setup, Setup::Credentials(Some(_))));
            let deeds = deeds(transcript, Side::Desktop);
            self.add("driver", [&[u8::from(stored)], peer::write(&deeds).as_slice()].concat());
        }
        if tests.includes(Side::Desktop) {
            let deeds = deeds(transcript, Side::App);
            self.add("driver", [&[2], peer::write(&deeds).as_slice()].concat());
        }
    }

    fn app(&mut self, recording: &Recording) {
        for line in recording.outputs.iter().flatten().filter(|line| line.starts_with("connect ")) {
            let target = line.split(' ').nth(4).unwrap_or_default();
            self.add("query", target.into());
        }
        self.add("client_ops", client_ops(recording));
        self.add("ffi_ops", ffi::write(&recorded::client(recording)));
    }

    fn desktop(&mut self, recording: &DeskRecording) {
        for (_, input) in &recording.inputs {
            if let DeskInput::Upgrade { target, .. } = input {
                self.add("query", target.clone().into());
            }
        }
        self.add("desktop_ops", desktop_ops(recording));
        self.add("ffi_ops", ffi::write(&recorded::desktop(recording)));
    }

    fn requests(&mut self) -> Result<(), Box<dyn Error>> {
        let key = PrivateKey::generate()?;
        for name in ["com.example.sample", "x"] {
            let pem = key.certificate_request(name)?;
            self.add("csr", [&[0], pem.as_bytes()].concat());
            self.add("csr", [&[0], pem.replace('\n', "\r\n").as_bytes()].concat());
        }
        for names in [&["com.example.sample"][..], &["localhost"], &["a b"], &["a", "b"], &[]] {
            let subject = subject(names);
            let der = signed_request(&[0], &subject, &tlv(0xa0, &[]));
            self.add("csr", [&[1], der.as_slice()].concat());
            for (version, attributes) in [(0, tlv(0xa0, &[])), (1, Vec::new())] {
                let length = u8::try_from(subject.len())?;
                self.add("csr", [&[2, version, length], subject.as_slice(), &attributes].concat());
            }
        }
        Ok(())
    }

    /// Inputs that stand for whole directories: every choice in them is the same.
    fn layouts(&mut self) {
        for byte in *b"1DEFG" {
            self.add("credentials", vec![byte; 260]);
        }
    }
}

/// A subject with these common names.
fn subject(names: &[&str]) -> Vec<u8> {
    let name =
        |name: &&str| tlv(0x31, &[&tlv(0x30, &[&[0x06, 0x03, 0x55, 0x04, 0x03], &tlv(0x0c, &[name.as_bytes()])])]);
    tlv(0x30, &[&names.iter().map(name).collect::<Vec<_>>().concat()])
}

/// What a peer in the place of this side does.
fn deeds(transcript: &Transcript, played: Side) -> Vec<Deed> {
    const TARGET: &str =
        "/?os=Linux&device=box&device_id=simulated&app=A&app_id=com.example.fuzz&sdk_version=4&medium=1";
    // An app that is none comes to the two ports in turn, beginning with the exchange's.
    let mut next = Port::Exchange;
    let mut open = false;
    let mut deeds = Vec::new();
    for entry in &transcript.entries {
        match &entry.line {
            Line::Connect { port, .. } => {
                if std::mem::take(&mut open) {
                    deeds.push(Deed::End);
                }
                if played == Side::App {
                    if *port != next {
                        deeds.push(Deed::End);
                    }
                    next = if *port == Port::Exchange { Port::Session } else { Port::Exchange };
                    deeds.push(Deed::Upgrade(String::from(TARGET)));
                }
                open = true;
            }
            Line::Opened if played == Side::Desktop => deeds.push(Deed::Upgrade(String::new())),
            Line::Message { from, frame } if *from == played => deeds.push(match frame {
                Frame::Text(text) => Deed::Text(text.clone().into_bytes()),
                Frame::Binary(text) => Deed::Frame(0x82, text.clone().into_bytes()),
                Frame::Bytes(bytes) => Deed::Frame(0x82, bytes.clone()),
            }),
            Line::Close { code, reason } if played == Side::Desktop => {
                deeds.push(Deed::Frame(0x88, [&code.to_be_bytes(), reason.as_bytes()].concat()));
            }
            Line::Leave { code } if played == Side::App => {
                deeds.push(Deed::Frame(0x88, code.to_be_bytes().to_vec()));
            }
            Line::Pong => deeds.push(Deed::Frame(0x8a, Vec::new())),
            Line::Lost(_) | Line::Abort if std::mem::take(&mut open) => deeds.push(Deed::End),
            Line::Advance(span) => deeds.push(Deed::Wait(*span)),
            Line::AdvanceTo(_) => deeds.push(Deed::Wait(Duration::from_secs(1))),
            _ => {}
        }
    }
    deeds
}

fn client_ops(recording: &Recording) -> Vec<u8> {
    let config = &recording.config;
    let has_credentials = recording
        .inputs
        .iter()
        .any(|(_, input)| matches!(input, Input::JobDone(_, JobOutcome::Loaded { credentials: Some(_), .. })));
    let settings = Settings {
        seed: u64::from(!has_credentials),
        drop_newest: config.overflow == Overflow::DropNewest,
        buffered_events: u8::try_from(config.limits.buffered_events).unwrap_or(5),
        buffered_bytes: 400,
        medium: if let MediumChoice::Fixed(medium) = config.medium { Some(medium) } else { None },
        fixed_os: matches!(config.os, Os::Fixed(_)),
        hasty: false,
    };
    let mut ops = Vec::new();
    let mut clock = Clock::default();
    for (now, input) in &recording.inputs {
        let span = clock.pass(*now);
        if *input == Input::Timeout {
            ops.push(Op::Timeout(span));
            continue;
        }
        if !span.is_zero() {
            ops.push(Op::Wait(span));
        }
        ops.push(client_op(input));
    }
    flipper_model::client::write(&settings, &ops)
}

fn client_op(input: &Input) -> Op {
    let pick = |number: u64| Pick::Exactly(u16::try_from(number).unwrap_or(u16::MAX));
    let plugin = |id: &str| PLUGINS.into_iter().find(|known| *known == id).unwrap_or(PLUGINS[0]);
    match input {
        Input::Start => Op::Start,
        Input::Stop => Op::Stop,
        Input::AddPlugin(id, mode) => Op::AddPlugin(plugin(id), *mode),
        Input::RemovePlugin(id) => Op::RemovePlugin(plugin(id)),
        Input::Send(id, ..) => Op::Send(plugin(id)),
        Input::Respond(call, reply) => Op::Respond(pick(call.as_u64()), matches!(reply, Reply::Success(_))),
        Input::Fail(call, _) => Op::Respond(pick(call.as_u64()), false),
        Input::Supported(call, supported) => Op::Supported(pick(call.as_u64()), *supported),
        Input::Report(_) => Op::Report,
        Input::Opened(attempt) => Op::Opened(pick(attempt.as_u64())),
        Input::Message(attempt, text) => Op::Message(pick(attempt.as_u64()), text.clone()),
        Input::Binary(attempt, bytes) => Op::Binary(pick(attempt.as_u64()), bytes.clone()),
        Input::Alive(attempt) => Op::Alive(pick(attempt.as_u64())),
        Input::Writable(attempt, room) => Op::Writable(pick(attempt.as_u64()), *room),
        Input::Closed(attempt, cause) => Op::Closed(pick(attempt.as_u64()), cause.clone()),
        Input::JobDone(job, outcome) => {
            let outcome = match outcome {
                JobOutcome::Failed(_) => Outcome::Failed,
                _ => Outcome::Fitting { medium: Medium::FsAccess, valid_days: 30 },
            };
            Op::JobDone(pick(job.as_u64()), outcome)
        }
        Input::Timeout => Op::Due,
    }
}

fn desktop_ops(recording: &DeskRecording) -> Vec<u8> {
    let mut steps = Vec::new();
    let mut clock = Clock::default();
    for (now, input) in &recording.inputs {
        let span = clock.pass(*now);
        if *input == DeskInput::Timeout || !span.is_zero() {
            steps.push(Step::Wait { span });
        }
        steps.extend(desktop_step(input));
    }
    flipper_model::desktop::write(&steps)
}

fn desktop_step(input: &DeskInput) -> Option<Step> {
    let (app, instance) = (0, 0);
    Some(match input {
        DeskInput::Upgrade { channel, target, host, origin } => {
            let channel = match channel {
                Channel::Insecure => 0,
                Channel::Secure(PeerIdentity::Bound { .. }) => 2,
                Channel::Secure(_) => 1,
                Channel::Browser => 3,
            };
            // The numbers of what is wrong with a request are the model's.
            let fault = match (target.contains("device="), host.starts_with("localhost"), origin) {
                (false, ..) => 2,
                (_, false, _) => 3,
                (_, _, Some(_)) => 4,
                _ => 8,
            };
            Step::Upgrade { channel, app, instance: u8::from(target.contains("instance_id=")), fault }
        }
        DeskInput::Message(conn, text) => Step::Message { conn: conn.as_u64(), text: text.clone() },
        DeskInput::Binary(conn, bytes) => Step::Binary { conn: conn.as_u64(), bytes: bytes.clone() },
        DeskInput::Alive(conn) => Step::Alive { conn: conn.as_u64() },
        DeskInput::Writable(conn, room) => Step::Writable { conn: conn.as_u64(), room: *room },
        DeskInput::Closed(conn, _) => Step::Closed { conn: conn.as_u64() },
        DeskInput::Timeout => return None,
        DeskInput::Finish(exchange, result) => Step::Finish { exchange: exchange.as_u64(), granted: result.is_ok() },
        DeskInput::Init(..) => Step::Init { app, instance },
        DeskInput::Deinit(..) => Step::Deinit { app, instance },
        DeskInput::Call(..) => Step::Call { app, instance, deadline: None },
        DeskInput::Supports(..) => Step::Supported { app, instance },
        DeskInput::Notify(..) => Step::Notify { app, instance },
        DeskInput::Disconnect(..) => Step::Disconnect { app, instance },
        DeskInput::Stop => Step::Stop,
    })
}

/// The time between two moments.
#[derive(Default)]
struct Clock(Instant);

impl Clock {
    fn pass(&mut self, now: Instant) -> Duration {
        now.saturating_duration_since(std::mem::replace(&mut self.0, now))
    }
}
