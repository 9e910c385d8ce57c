//! The client on threads as a program of the contract in `docs/conformance.md`: what those in other languages are like.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::env;
use std::io::{self, Write as _};
use std::process::exit;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use flipper_blocking::proto::{ErrorReport, Payload};
use flipper_blocking::{Builder, Call, Connection, Flipper, Notice, Plugin, Responder};
use flipper_conformance::Result;
use flipper_conformance::check::shim::{Flags, NOT_IMPLEMENTED, Ports};
use flipper_conformance::programs::message;

fn main() -> Result {
    let flags = Flags::parse(env::args().skip(1)).map_err(|error| error.to_string())?;
    let mut app = App { flags, plugins: Vec::new(), flipper: None, calls: Arc::default() };
    let mut input = io::stdin().lock();
    while let Some(command) = message::read(&mut input)? {
        let fields: Vec<&str> = command.iter().map(String::as_str).collect();
        match app.carry_out(&fields) {
            Ok(answer) => tell(&answer.iter().map(String::as_str).collect::<Vec<_>>()),
            Err(why) => tell(&["refused", &why.to_string()]),
        }
    }
    if let Some(flipper) = app.flipper {
        flipper.stop().wait()?;
    }
    Ok(())
}

/// The app, before it starts and while it runs.
struct App {
    flags: Flags,
    /// Those that it is going to start with.
    plugins: Vec<Passed>,
    flipper: Option<Flipper>,
    calls: Arc<Calls>,
}

/// The calls that are not answered yet.
#[derive(Default)]
struct Calls(Mutex<(u64, BTreeMap<u64, Responder>)>);

impl App {
    /// Gives the answer.
    fn carry_out(&mut self, command: &[&str]) -> Result<Vec<String>> {
        match *command {
            ["add", id, background, methods] => self.add(Passed {
                id: id.to_owned(),
                background: background == "1",
                methods: methods.split_whitespace().map(str::to_owned).collect(),
                calls: Arc::clone(&self.calls),
            })?,
            ["remove", id] => match &self.flipper {
                Some(flipper) => flipper.remove_plugin(id)?,
                None => self.plugins.retain(|plugin| plugin.id != id),
            },
            ["start"] => self.start()?,
            ["send", plugin, method, params] => {
                self.flipper()?.connection(plugin).send_json(method, json(params)?.as_ref())?
            }
            ["respond", call, how, json] => self.respond(call, how, json)?,
            ["report", message, name, stacktrace] => {
                let part = |text: &str| (!text.is_empty()).then(|| text.to_owned());
                let mut report = ErrorReport::new(message);
                (report.name, report.stacktrace) = (part(name), part(stacktrace));
                self.flipper()?.connection("").report_error(&report)?;
            }
            ["waiting", plugin] => {
                let connection = self.flipper()?.connection(plugin);
                return Ok(vec![
                    "waiting".to_owned(),
                    connection.waiting().to_string(),
                    connection.dropped().to_string(),
                ]);
            }
            ["stop"] => {
                let stopping = self.flipper()?.stop();
                thread::spawn(move || {
                    if stopping.wait().is_ok() {
                        tell(&["stopped"]);
                    }
                });
            }
            _ => return Err("this command is not known".into()),
        }
        Ok(vec!["done".to_owned()])
    }

    fn add(&mut self, plugin: Passed) -> Result {
        match &self.flipper {
            Some(flipper) => flipper.add_plugin(plugin)?,
            None => self.plugins.push(plugin),
        }
        Ok(())
    }

    fn start(&mut self) -> Result {
        let Flags { host, directory, app, app_id, backoff, grant, .. } = self.flags.clone();
        let Ports::Secure { insecure, secure } = self.flags.ports else { exit(NOT_IMPLEMENTED.into()) };
        let mut builder = Builder::new(app, app_id).host(host).ports(insecure, secure).directory(directory);
        builder = builder.observer(tell_notice).configure(|config| {
            if let Some((first, ceiling)) = backoff {
                (config.backoff.first, config.backoff.ceiling) = (first, ceiling);
            }
            config.timing.grant = grant.unwrap_or(config.timing.grant);
        });
        for plugin in self.plugins.drain(..) {
            builder = builder.plugin(plugin);
        }
        self.flipper = Some(builder.start()?);
        Ok(())
    }

    fn flipper(&self) -> Result<&Flipper> {
        self.flipper.as_ref().ok_or_else(|| "the app has not started".into())
    }

    fn respond(&self, call: &str, how: &str, answer: &str) -> Result {
        let responder = self.calls.lock().1.remove(&call.parse()?).ok_or("there is no such call")?;
        let answer = json(answer)?.ok_or("an answer is JSON")?;
        match how {
            "ok" => responder.success_json(answer)?,
            "error" => responder.error_json(answer)?,
            _ => return Err("an answer is ok or error".into()),
        }
        Ok(())
    }
}

impl Calls {
    fn lock(&self) -> MutexGuard<'_, (u64, BTreeMap<u64, Responder>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A plugin that passes everything on.
struct Passed {
    id: String,
    background: bool,
    methods: Vec<String>,
    calls: Arc<Calls>,
}

impl Plugin for Passed {
    fn id(&self) -> &str {
        &self.id
    }

    fn run_in_background(&self) -> bool {
        self.background
    }

    fn on_connect(&self, _: Connection) {
        tell(&["connected", &self.id]);
    }

    fn on_disconnect(&self) {
        tell(&["disconnected", &self.id]);
    }

    fn has_method(&self, method: &str) -> bool {
        self.methods.iter().any(|has| has == method)
    }

    fn on_call(&self, call: Call) {
        let expects_reply = if call.responder.expects_reply() { "1" } else { "0" };
        let number = {
            let mut calls = self.calls.lock();
            calls.0 += 1;
            let number = calls.0;
            calls.1.insert(number, call.responder);
            number
        };
        let params = call.params.as_ref().map_or("", Payload::as_json);
        tell(&["call", &number.to_string(), &self.id, &call.method, params, expects_reply]);
    }
}

fn tell_notice(notice: &Notice) {
    match notice {
        Notice::State(state) => tell(&["state", &state.to_string()]),
        Notice::Step(step) => tell(&["step", &step.to_string()]),
        Notice::Failed(failure) => tell(&["failed", &failure.to_string()]),
        Notice::PeerMisbehaved(error) => tell(&["misbehaved", &error.to_string()]),
        _ => {}
    }
}

/// Where nobody listens any more, nothing is to be told.
fn tell(fields: &[&str]) {
    let mut output = io::stdout().lock();
    let _ = message::write(&mut output, fields).and_then(|()| output.flush());
}

/// Nothing stands for none.
fn json(text: &str) -> Result<Option<Payload>> {
    Ok(if text.is_empty() { None } else { Some(Payload::from_json(text)?) })
}
