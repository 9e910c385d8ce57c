//! The transcripts, played with real sockets, TLS and files.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};

use flipper_client::proto::client::{Config, Os};
use flipper_client::proto::{ErrorReport, Medium, Payload};
use flipper_client::{Call, Connection, Notice, Plugin, Responder};
use flipper_model::matches as json_matches;
use flipper_pki::ConnectionConfig;
use flipper_transcript::{
    AppNews, AppWish, Credentials, Frame, JobOutcome, Key, Line, Loss, LossWord, Port as TranscriptPort, Setup, Side,
    Step, Timer, Transcript,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::scripted::{Desktop, Manner, Port, Reply, Session, frames};
use crate::suite::{App, builder};
use crate::{Adapter, Handle as _, PATIENCE, Result};

/// So many transcripts can be played at least. Should there be fewer, the rest of this checks nothing.
const MIN_PLAYED: usize = 20;

/// Covers: GetPlugins, InitDeinit, Disconnect, Execute, §4 grant, §4 refusal, §5 init, §5 execute, §5 errors.
pub fn transcripts_are_followed<A: Adapter>() -> Result {
    let (mut played, mut failures) = (0, Vec::new());
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts"))? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let transcript = Transcript::parse(&name, &fs::read_to_string(&path)?)?;
        if let Some(why) = unplayable(&transcript) {
            println!("{name} is left out: {why}");
            continue;
        }
        played += 1;
        if let Err(error) = Player::<A>::start(&transcript).and_then(|player| player.play(&transcript)) {
            failures.push(format!("{name}: {error}"));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(played >= MIN_PLAYED, "{played} transcripts were played");
    Ok(())
}

/// Why a transcript is for state machines only, if it is.
fn unplayable(transcript: &Transcript) -> Option<&'static str> {
    if !transcript.tests().includes(Side::App) {
        return Some("it is no test of an app");
    }
    let is_old = |setup: &Setup| matches!(setup, Setup::Credentials(Some(credentials)) if credentials.days.is_some());
    if transcript.setup().any(is_old) {
        return Some("its certificates are older than any that a desktop issues now");
    }
    let mut was_stopped = false;
    for (_, step) in transcript.script(Side::App) {
        let (Step::Do(line) | Step::Expect(line)) = step;
        match line {
            Line::Advance(_) | Line::Ping | Line::Pong | Line::Abort => return Some("time has to pass in it"),
            Line::AdvanceTo(timer) if *timer != Timer::Retry => return Some("time has to pass in it"),
            Line::Room(_) => return Some("only a state machine is told how much a socket takes"),
            Line::Job { outcome: JobOutcome::Failed(_), .. } => return Some("a disk has to fail in it"),
            Line::Lost(Loss::Word(word)) if !matches!(word, LossWord::Eof | LossWord::Reset | LossWord::Dropped) => {
                return Some("the desktop has to change while the app is between two attempts");
            }
            Line::AppWish { wish: AppWish::Stop, .. } => was_stopped = true,
            Line::AppWish { wish: AppWish::Start, .. } if was_stopped => {
                return Some("an app that was stopped stays so");
            }
            _ => {}
        }
    }
    None
}

/// What a plugin is told.
enum Told {
    Connected(String),
    Disconnected(String),
    Asked(String, String),
    Called(Call),
}

/// A plugin that tells everything, and answers what it is told to.
struct Recorder {
    id: String,
    background: bool,
    /// Which methods it does not have.
    missing: Vec<String>,
    told: Sender<Told>,
}

impl Recorder {
    fn tell(&self, told: Told) {
        // Once the transcript has ended nobody listens.
        let _ended = self.told.send(told);
    }
}

impl Plugin for Recorder {
    fn id(&self) -> &str {
        &self.id
    }

    fn run_in_background(&self) -> bool {
        self.background
    }

    fn on_connect(&self, _: Connection) {
        self.tell(Told::Connected(self.id.clone()));
    }

    fn on_disconnect(&self) {
        self.tell(Told::Disconnected(self.id.clone()));
    }

    fn has_method(&self, method: &str) -> bool {
        self.tell(Told::Asked(self.id.clone(), method.to_owned()));
        !self.missing.iter().any(|missing| missing == method)
    }

    fn on_call(&self, call: Call) {
        self.tell(Told::Called(call));
    }
}

/// An app and a desktop that play a transcript.
struct Player<A: Adapter> {
    desktop: Desktop,
    app: App<A>,
    told: Receiver<Told>,
    teller: Sender<Told>,
    /// Which methods plugins do not have.
    missing: BTreeMap<String, Vec<String>>,
    /// The port of the latest socket.
    port: Option<TranscriptPort>,
    session: Option<Session>,
    /// Whether each of the next connections to the secure port is let in.
    admitted: VecDeque<bool>,
    /// The calls so far; those that are answered are gone.
    calls: Vec<Option<Responder>>,
    _dir: TempDir,
}

impl<A: Adapter> Player<A> {
    fn start(transcript: &Transcript) -> Result<Self> {
        let desktop = Desktop::new()?;
        let dir = TempDir::new()?;
        for setup in transcript.setup() {
            if let Setup::Credentials(Some(credentials)) = setup {
                desktop.provision_as(dir.path(), &config(credentials))?;
            }
        }
        let admitted = prepare(&desktop, transcript);
        let (teller, told) = channel();
        let missing = missing_methods(transcript);
        let mut settings = builder::<A>(&desktop, dir.path()).configure(|config| configure(config, transcript));
        for setup in transcript.setup() {
            let Setup::Plugins(plugins) = setup else { continue };
            for plugin in plugins {
                settings = settings.plugin(recorder(plugin, &missing, &teller));
            }
        }
        let app = App::launch(settings)?;
        Ok(Self {
            desktop,
            app,
            told,
            teller,
            missing,
            port: None,
            session: None,
            admitted,
            calls: Vec::new(),
            _dir: dir,
        })
    }

    fn play(mut self, transcript: &Transcript) -> Result {
        for (number, step) in transcript.script(Side::App) {
            let played = match step {
                Step::Do(line) => self.bring_about(line),
                Step::Expect(line) => self.expect(line),
            };
            played.map_err(|error| format!("line {number}: {error}"))?;
        }
        self.app.handle.begin_stop();
        if let Some(session) = self.session.take() {
            session.wait_gone();
        }
        self.app.handle.stop();
        Ok(())
    }

    fn bring_about(&mut self, line: &Line) -> Result {
        match line {
            // In an exchange the desktop answers by itself, as it was prepared to.
            Line::Message { .. } | Line::Close { .. } if self.port == Some(TranscriptPort::Exchange) => Ok(()),
            Line::Message { frame, .. } => {
                let session = self.session()?;
                match frame {
                    Frame::Text(text) => session.send_text(text),
                    Frame::Binary(text) => session.send_raw(&frames::frame(0x82, text.as_bytes())),
                    Frame::Bytes(bytes) => session.send_raw(&frames::frame(0x82, bytes)),
                }
            }
            Line::Close { code, reason } => self.take_session()?.close(*code, reason),
            Line::Lost(Loss::Word(LossWord::Eof)) => self.take_session()?.drop_tcp(),
            Line::Lost(Loss::Word(LossWord::Reset)) => self.take_session()?.reset(),
            Line::AppWish { wish, refused } => self.wish(wish, *refused),
            // The app waits by itself, and its desktop was prepared.
            Line::Opened | Line::Ended | Line::AdvanceTo(_) | Line::Lost(_) => Ok(()),
            other => Err(format!("this cannot be brought about: {other:?}").into()),
        }
    }

    fn wish(&mut self, wish: &AppWish, refused: bool) -> Result {
        let result: Result = match wish {
            AppWish::Start | AppWish::Supported(..) => Ok(()),
            AppWish::Stop => {
                self.app.handle.begin_stop();
                Ok(())
            }
            AppWish::Add(plugin) => {
                let recorder = recorder(plugin, &self.missing, &self.teller);
                self.app.handle.add_plugin(recorder).map_err(Into::into)
            }
            AppWish::Remove(plugin) => self.app.handle.remove_plugin(plugin).map_err(Into::into),
            AppWish::Send(plugin, method, params) => {
                let params = params.as_ref().map(|params| Payload::from_json(params.clone())).transpose()?;
                self.app.handle.connection(plugin).send_json(method, params.as_ref()).map_err(Into::into)
            }
            AppWish::Respond(call, result) => {
                let result = Payload::from_json(result.clone())?;
                self.answer(*call, |responder| Ok(responder.success_json(result)?))
            }
            AppWish::Error(call, error) => {
                let error = Payload::from_json(error.clone())?;
                self.answer(*call, |responder| Ok(responder.error_json(error)?))
            }
            AppWish::Fail(call, text) => {
                self.answer(*call, |responder| Ok(responder.error(&ErrorReport::new(text.clone()))?))
            }
            AppWish::Report(text) => {
                self.app.handle.connection("any").report_error(&ErrorReport::new(text.clone())).map_err(Into::into)
            }
        };
        match (result, refused) {
            (Ok(()), true) => Err("it was not refused".into()),
            (Err(_), true) => Ok(()),
            (result, false) => result,
        }
    }

    fn answer(&mut self, call: usize, answer: impl FnOnce(Responder) -> Result) -> Result {
        let responder = self.calls.get_mut(call - 1).and_then(Option::take);
        answer(responder.ok_or("the call was answered before")?)
    }

    fn expect(&mut self, line: &Line) -> Result {
        match line {
            Line::Connect { port, query } => {
                self.port = Some(*port);
                if *port == TranscriptPort::Session && self.admitted.pop_front() == Some(true) {
                    let session = self.desktop.session()?;
                    for (key, value) in query {
                        check(session.keys.get(key)? == Some(value), value, &session.keys)?;
                    }
                    self.session = Some(session);
                }
                Ok(())
            }
            Line::Message { frame: Frame::Text(wanted), .. } => {
                let sent = match self.port {
                    Some(TranscriptPort::Exchange) if wanted.contains("signCertificateAck") => {
                        self.desktop.acknowledged()?.to_string()
                    }
                    Some(TranscriptPort::Exchange) => self.desktop.asked()?.message.to_string(),
                    _ => self.session()?.receive_text()?,
                };
                check(json_matches(wanted, &sent), wanted, &sent)
            }
            Line::Leave { code } if self.port == Some(TranscriptPort::Session) => {
                let left = self.take_session()?.wait_closed()?;
                check(left == *code, code, left)
            }
            Line::AppNews(news) => self.expect_news(news),
            Line::Leave { .. } | Line::Job { .. } => Ok(()),
            other => Err(format!("an app does nothing of that kind: {other:?}").into()),
        }
    }

    fn expect_news(&mut self, news: &AppNews) -> Result {
        let wanted = format!("{news:?}");
        match news {
            AppNews::State(text) => self.app.wait_for(text, |notice| match notice {
                Notice::State(state) => (state.to_string() == *text).then_some(()),
                _ => None,
            }),
            AppNews::Step(text) => self.app.wait_step(text, |step| step.to_string().contains(text)).map(drop),
            AppNews::Failed(text) => self.app.wait_for(text, |notice| match notice {
                Notice::Failed(failure) => failure.to_string().contains(text).then_some(()),
                _ => None,
            }),
            AppNews::Misbehaved(text) => {
                let error = self.app.wait_misbehaved()?.to_string();
                check(error.contains(text), text, &error)
            }
            AppNews::Connected(plugin) => match self.told()? {
                Told::Connected(told) => check(told == *plugin, plugin, &told),
                _ => Err(format!("{wanted} was not told").into()),
            },
            AppNews::Disconnected(plugin) => match self.told()? {
                Told::Disconnected(told) => check(told == *plugin, plugin, &told),
                _ => Err(format!("{wanted} was not told").into()),
            },
            AppNews::Supports(plugin, method) => match self.told()? {
                Told::Asked(told, asked) => {
                    // It counts as a call, which was answered already.
                    self.calls.push(None);
                    check((&told, &asked) == (plugin, method), &wanted, &asked)
                }
                _ => Err(format!("{wanted} was not told").into()),
            },
            AppNews::Call(_, method, params) => self.expect_call(method, params.as_deref(), true),
            AppNews::Tell(_, method, params) => self.expect_call(method, params.as_deref(), false),
        }
    }

    fn expect_call(&mut self, method: &str, params: Option<&str>, expects_reply: bool) -> Result {
        let mut told = self.told()?;
        if let Told::Asked(..) = told {
            // Whether it has the method is asked before every call.
            told = self.told()?;
        }
        let Told::Called(call) = told else { return Err(format!("{method} was not called").into()) };
        check(call.method.as_str() == method, method, &call.method)?;
        check(call.responder.expects_reply() == expects_reply, "expects_reply", expects_reply)?;
        let came = call.params.as_ref().map(Payload::as_json);
        let same = match (params, came) {
            (Some(params), Some(came)) => json_matches(params, came),
            (params, came) => params == came,
        };
        check(same, params, came)?;
        self.calls.push(Some(call.responder));
        Ok(())
    }

    fn told(&self) -> Result<Told> {
        Ok(self.told.recv_timeout(PATIENCE)?)
    }

    fn session(&mut self) -> Result<&mut Session> {
        self.session.as_mut().ok_or_else(|| "there is no session".into())
    }

    fn take_session(&mut self) -> Result<Session> {
        self.session.take().ok_or_else(|| "there is no session".into())
    }
}

fn recorder(
    plugin: &flipper_transcript::Plugin,
    missing: &BTreeMap<String, Vec<String>>,
    told: &Sender<Told>,
) -> Recorder {
    let missing = missing.get(&plugin.id).cloned().unwrap_or_default();
    Recorder { id: plugin.id.clone(), background: plugin.background, missing, told: told.clone() }
}

/// Says beforehand how the desktop treats every connection, since an app that has lost one does not wait. Returns which
/// of those to the secure port are let in.
fn prepare(desktop: &Desktop, transcript: &Transcript) -> VecDeque<bool> {
    let mut manners: [VecDeque<Manner>; 2] = Default::default();
    let mut replies = VecDeque::new();
    let mut port = Port::Insecure;
    for (_, step) in transcript.script(Side::App) {
        match step {
            Step::Expect(Line::Connect { port: to, .. }) => {
                port = if *to == TranscriptPort::Exchange { Port::Insecure } else { Port::Secure };
                manners[port as usize].push_back(Manner::Serve);
            }
            Step::Do(Line::Lost(Loss::Word(LossWord::Dropped))) => {
                manners[port as usize].pop_back();
                manners[port as usize].push_back(Manner::DropBeforeUpgrade);
            }
            Step::Do(Line::Close { code, .. }) if port == Port::Insecure => {
                replies.push_back(Reply::CloseInstead(*code))
            }
            Step::Do(Line::Message { frame: Frame::Text(text), .. }) if port == Port::Insecure => {
                let is_grant = serde_json::from_str(text).is_ok_and(|answer: Value| answer["deviceId"].is_string());
                replies.push_back(if is_grant { Reply::GrantWith(text.clone()) } else { Reply::Text(text.clone()) });
            }
            _ => {}
        }
    }
    let [insecure, secure] = manners;
    let admitted = secure.iter().map(|manner| matches!(manner, Manner::Serve)).collect();
    desktop.next(Port::Insecure, insecure);
    desktop.next(Port::Secure, secure);
    desktop.reply(replies);
    admitted
}

/// The methods that plugins say they do not have.
fn missing_methods(transcript: &Transcript) -> BTreeMap<String, Vec<String>> {
    let mut calls = Vec::new();
    let mut missing: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, step) in transcript.script(Side::App) {
        match step {
            Step::Expect(Line::AppNews(
                AppNews::Call(plugin, method, _) | AppNews::Tell(plugin, method, _) | AppNews::Supports(plugin, method),
            )) => calls.push((plugin, method)),
            Step::Do(Line::AppWish { wish: AppWish::Supported(call, false), .. }) => {
                let (plugin, method) = calls[call - 1];
                missing.entry(plugin.clone()).or_default().push(method.clone());
            }
            _ => {}
        }
    }
    missing
}

fn config(credentials: &Credentials) -> ConnectionConfig {
    ConnectionConfig {
        device_id: credentials.device_id.clone().unwrap_or_default(),
        medium: credentials.medium.and_then(|medium| Medium::from_number(medium.into())).unwrap_or(Medium::FsAccess),
        os: credentials.os.clone(),
    }
}

fn configure(config: &mut Config, transcript: &Transcript) {
    "Sample".clone_into(&mut config.app);
    config.os = Os::Automatic("Linux".to_owned());
    "box".clone_into(&mut config.device);
    "own-id".clone_into(&mut config.device_id);
    for setup in transcript.setup() {
        match setup {
            Setup::Set(Key::Os, os) => config.os = Os::Automatic(os.clone()),
            Setup::Set(Key::FixedOs, os) => config.os = Os::Fixed(os.clone()),
            Setup::Set(Key::BufferedEvents, count) => config.limits.buffered_events = count.parse().unwrap(),
            Setup::Set(key, value) => panic!("`@set {} {value}` is not known here", key.word()),
            Setup::Tests(_) | Setup::Plugins(_) | Setup::Credentials(_) => {}
        }
    }
}

fn check(holds: bool, wanted: impl std::fmt::Debug, came: impl std::fmt::Debug) -> Result {
    if holds { Ok(()) } else { Err(format!("{wanted:?} was expected, not {came:?}").into()) }
}
