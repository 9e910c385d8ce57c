//! An app, with plugins that keep books.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use event_listener::Event as Signal;
use flipper_async::{AsyncMethods as _, Flipper};
use flipper_client::{Connection, Notice, Plugin, PluginBuilder, SendError, plugin};
use flipper_proto::client::State;
use flipper_proto::{ErrorReport, Limits, Overflow, Payload};

use super::disk::Disk;
use super::ledger::{Ledger, StreamId};
use crate::peers::{self, AppHome};
use crate::rng::Rng;
use crate::runtime::SimRuntime;
use crate::{Calendar, Sim};

/// An app that comes and goes, in one directory.
pub(super) struct App {
    pub(super) name: String,
    pub(super) home: AppHome,
    pub(super) disk: Disk,
    pub(super) calendar: Calendar,
    pub(super) running: Option<Running>,
    /// Is told of every step.
    pub(super) steps: Arc<Signal>,
    /// How often it was killed, or stopped without a session: what it was about to store may lie about.
    pub(super) cut_short: u64,
    /// How many of its files were damaged.
    pub(super) damages: u64,
    starts: u64,
    limits: (usize, Overflow),
    rng: Rng,
}

/// An app while it runs.
pub(super) struct Running {
    pub(super) runtime: SimRuntime,
    pub(super) flipper: Flipper<SimRuntime>,
    pub(super) plugins: BTreeMap<String, StreamId>,
    /// Those of them that the desktop has to initialise by itself.
    pub(super) background: BTreeSet<String>,
    /// The plugins that a person has left. One that is removed and added again, faster than a desktop can ask, looks like
    /// the one that was left.
    pub(super) left: BTreeSet<String>,
}

/// The params of an event: of which stream it is, its number, and what fills it.
pub(super) type EventParams = (usize, u64, String);

impl App {
    pub(super) fn new(sim: &Sim, number: usize, rng: &mut Rng) -> Result<Self, String> {
        let calendar = sim.calendar();
        let disk = Disk::default();
        let home = AppHome::new(&calendar).map_err(|error| error.to_string())?.with_disk_faults(disk.faults());
        let few = rng.percent(20);
        let limits =
            (if few { 16 } else { 10_000 }, if rng.percent(50) { Overflow::DropOldest } else { Overflow::DropNewest });
        Ok(Self {
            name: format!("app{number}"),
            home,
            disk,
            calendar,
            running: None,
            steps: Arc::default(),
            cut_short: 0,
            damages: 0,
            starts: 0,
            limits,
            rng: rng.fork(),
        })
    }

    /// Starts it, with one to three plugins.
    pub(super) fn start(&mut self, sim: &Sim, ledger: &Ledger) -> Result<(), String> {
        self.starts += 1;
        let runtime = sim.process(&format!("{}.{}", self.name, self.starts));
        runtime.note(format_args!("starts"));
        let (max, overflow) = self.limits;
        let mut limits = Limits::default();
        limits.buffered_events = max;
        let watcher = self.watcher(&runtime, ledger);
        let pause = Duration::from_millis(if self.rng.percent(50) { 0 } else { 250 });
        let builder = peers::app(&self.name, self.rng.number()).limits(limits).overflow(overflow).observer(watcher);
        let builder = builder.configure(|config| config.event_pause = pause);
        let flipper = self.home.launch(&runtime, builder).map_err(|error| error.to_string())?;
        self.running = Some(Running {
            runtime,
            flipper,
            plugins: BTreeMap::new(),
            background: BTreeSet::new(),
            left: BTreeSet::new(),
        });
        for number in 0..self.rng.within(1..=3) {
            self.add_plugin(&format!("P{number}"), ledger);
        }
        Ok(())
    }

    /// Adds a plugin, if it is not there.
    pub(super) fn add_plugin(&mut self, id: &str, ledger: &Ledger) {
        let background = self.rng.percent(70);
        let Some(running) = &mut self.running else { return };
        if running.plugins.contains_key(id) {
            return;
        }
        running.runtime.note(format_args!("adds plugin {id}"));
        let stream = ledger.open(format!("{}.{} {id}", self.name, self.starts));
        let added = running.flipper.add_plugin(bookkeeper(id, background, stream, &running.runtime, ledger));
        match added {
            Ok(()) => {
                running.plugins.insert(id.to_owned(), stream);
                if background && !running.left.contains(id) {
                    running.background.insert(id.to_owned());
                }
            }
            Err(misuse) => ledger.wrong(format_args!("plugin {id} was not added: {misuse}")),
        }
    }

    /// Sends so many events of a plugin.
    pub(super) fn send(&self, id: &str, count: u64, bytes: usize, ledger: &Ledger) {
        let Some(running) = &self.running else { return };
        running.send(id, count, bytes, ledger);
        let waiting = running.flipper.connection(id).waiting();
        if waiting > self.limits.0 {
            ledger.wrong(format_args!("{waiting} events wait, {} may", self.limits.0));
        }
    }

    /// Who notes what the app tells, and finds fault with it.
    fn watcher(&self, runtime: &SimRuntime, ledger: &Ledger) -> impl Fn(&Notice) + Send + Sync + 'static {
        let (runtime, ledger, steps) = (runtime.clone(), ledger.clone(), Arc::clone(&self.steps));
        let home = self.home.path().display().to_string();
        move |notice| {
            let text = match notice {
                Notice::State(State::Waiting { until }) => format!("waits until {} ms", until.as_millis()),
                Notice::State(state) => format!("is {state}"),
                Notice::Step(step) => step.to_string(),
                Notice::Failed(failure) => format!("failed: {failure}"),
                other => format!("{other:?}"),
            };
            // The name of the directory is another one in every run.
            runtime.note(format_args!("{}", text.replace(&home, "HOME")));
            if let Notice::PeerMisbehaved(error) = notice {
                ledger.wrong(format_args!("the app does not understand its desktop: {error}"));
            }
            steps.notify(usize::MAX);
        }
    }
}

impl Running {
    pub(super) fn send(&self, id: &str, count: u64, bytes: usize, ledger: &Ledger) {
        let Some(stream) = self.plugins.get(id) else { return };
        let connection = self.flipper.connection(id);
        for _ in 0..count {
            send(&connection, *stream, bytes, ledger);
        }
    }

    /// Closes the books of a plugin that is about to go.
    pub(super) fn close(&self, id: &str, ledger: &Ledger) {
        if let Some(stream) = self.plugins.get(id) {
            let connection = self.flipper.connection(id);
            ledger.close(*stream, connection.waiting() as u64, connection.dropped());
        }
    }

    pub(super) fn close_all(&self, ledger: &Ledger) {
        for id in self.plugins.keys() {
            self.close(id, ledger);
        }
    }

    /// Removes a plugin, and what waits in it.
    pub(super) fn remove_plugin(&mut self, id: &str, ledger: &Ledger) {
        if !self.plugins.contains_key(id) {
            return;
        }
        self.runtime.note(format_args!("removes plugin {id}"));
        self.close(id, ledger);
        self.plugins.remove(id);
        self.background.remove(id);
        if let Err(misuse) = self.flipper.remove_plugin(id) {
            ledger.wrong(format_args!("plugin {id} was not removed: {misuse}"));
        }
    }
}

fn send(connection: &Connection, stream: StreamId, bytes: usize, ledger: &Ledger) {
    let params: EventParams = (stream, ledger.next(stream), "x".repeat(bytes));
    match connection.send("event", &params) {
        Ok(()) => ledger.sent(stream),
        Err(SendError::PluginRemoved | SendError::Stopped) => {}
        Err(error) => ledger.wrong(format_args!("an event was not sent: {error}")),
    }
}

/// A plugin whose methods cover the ways in which a call can end.
fn bookkeeper(id: &str, background: bool, stream: StreamId, runtime: &SimRuntime, ledger: &Ledger) -> impl Plugin {
    let builder: PluginBuilder = if background { plugin(id).background() } else { plugin(id) };
    let (here, gone, chatty) = (ledger.clone(), ledger.clone(), ledger.clone());
    let (later, connection) = (runtime.clone(), Arc::new(std::sync::Mutex::new(None::<Connection>)));
    let kept = Arc::clone(&connection);
    builder
        .on_connect(move |connection| {
            here.connected(stream, true);
            send(&connection, stream, 3, &here);
            *kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(connection);
        })
        .on_disconnect(move || gone.connected(stream, false))
        .call("echo", |call| {
            let params = call.params.unwrap_or_else(Payload::empty_object);
            let _ended = call.responder.success_json(params);
        })
        .method("fill", |(bytes,): (usize,)| {
            let mut text = String::with_capacity(bytes);
            while text.len() < bytes {
                let _written = write!(text, "{:08x}", text.len());
            }
            Ok::<_, String>((text,))
        })
        .async_method("later", move |(millis,): (u64,)| {
            let runtime = later.clone();
            async move {
                runtime.sleep(Duration::from_millis(millis)).await;
                Ok::<_, String>((millis,))
            }
        })
        .method("chatty", move |(events,): (u64,)| {
            let connection = connection.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
            for _ in 0..events {
                connection.iter().for_each(|connection| send(connection, stream, 10, &chatty));
            }
            Ok::<_, String>((events,))
        })
        .method("refuse", |(): ()| Err::<(), _>(ErrorReport::new("no").named("Refused")))
        .call("forget", drop)
        // The hook that prints panics is not called for this one.
        .call("panic", |call| {
            let _call = call;
            resume_unwind(Box::new("a plugin that panics"))
        })
        .build()
}
