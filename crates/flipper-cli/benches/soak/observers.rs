//! Programs that listen to everything: one that looks at each event, one that is far too slow, and one that comes and goes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use flipper_desktop::json::{Event, Kind};
use serde::Deserialize;

use crate::desk::Desk;
use crate::socket::Socket;
use crate::tally::Tally;
use crate::{PATIENCE, app};

const TARGET: &str = "/api/v1/events?snapshot=true";

/// Between two events that the slow one takes: a hundredth of what comes.
const SLOWNESS: Duration = Duration::from_millis(200);

pub(crate) struct Observers {
    threads: Vec<JoinHandle<()>>,
    stopped: Arc<AtomicBool>,
}

impl Observers {
    /// Returns when they are connected.
    pub(crate) fn start(desk: &Desk, tally: &Arc<Tally>) -> Self {
        let stopped = Arc::<AtomicBool>::default();
        let (connected, all_connected) = channel();
        let each: [fn(&Observer, &Sender<()>); 3] = [Observer::check, Observer::dawdle, Observer::come_and_go];
        let start = |observe: fn(&Observer, &Sender<()>)| {
            let observer = Observer { files: desk.files(), stopped: Arc::clone(&stopped), tally: Arc::clone(tally) };
            let connected = connected.clone();
            thread::spawn(move || observe(&observer, &connected))
        };
        let threads: Vec<_> = each.into_iter().map(start).collect();
        // Whoever does not get that far shows in what it did not count.
        for _ in 0..threads.len() {
            let _connected = all_connected.recv_timeout(PATIENCE);
        }
        Self { threads, stopped }
    }

    pub(crate) fn stop(self) {
        self.stopped.store(true, Ordering::SeqCst);
        drop(self.threads);
    }
}

struct Observer {
    files: PathBuf,
    stopped: Arc<AtomicBool>,
    tally: Arc<Tally>,
}

/// What is known of the events of one process.
struct Run {
    last: u64,
    /// Whether some may be missing before the next, because somebody said so, or because a connection ended.
    excused: bool,
}

#[derive(Deserialize)]
struct Tick {
    run: String,
    number: u64,
}

impl Observer {
    fn each_connection(&self, connected: &Sender<()>, mut listen: impl FnMut(Socket)) {
        while !self.stopped.load(Ordering::SeqCst) {
            if let Ok(socket) = Socket::connect(&self.files, TARGET, PATIENCE) {
                let _first = connected.send(());
                listen(socket);
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn check(&self, connected: &Sender<()>) {
        let mut runs: BTreeMap<(String, String), Run> = BTreeMap::new();
        self.each_connection(connected, |mut socket| {
            runs.values_mut().for_each(|run| run.excused = true);
            while let Ok(text) = socket.next() {
                match serde_json::from_str::<Event>(&text) {
                    Ok(event) => self.follow(&mut runs, &event),
                    Err(error) => self.tally.fail(format!("an event that is not understood: {error}: {text}")),
                }
            }
        });
    }

    fn follow(&self, runs: &mut BTreeMap<(String, String), Run>, event: &Event) {
        let app = event.app.as_ref().map(|app| app.id().to_owned());
        match event.kind {
            Kind::Missed => {
                self.tally.count_missed(event.count.unwrap_or_default());
                runs.values_mut().for_each(|run| run.excused = true);
            }
            // An app that dropped events tells so as an error.
            Kind::AppDisconnected | Kind::AppError => {
                let of_app = runs.iter_mut().filter(|((of, _), _)| Some(of) == app.as_ref());
                of_app.for_each(|(_, run)| run.excused = true);
            }
            Kind::Message if event.plugin.as_deref() == Some(app::PLUGIN) => {
                let tick = event.params.as_ref().and_then(|params| serde_json::from_str::<Tick>(params.get()).ok());
                let (Some(app), Some(tick)) = (app, tick) else {
                    return self.tally.fail("an event without an app or without its params".to_owned());
                };
                self.tally.count_event();
                let name = format!("{} of {app}", tick.run);
                let run = runs.entry((app, tick.run)).or_insert(Run { last: tick.number, excused: true });
                match tick.number.checked_sub(run.last) {
                    Some(1) => {}
                    Some(_) if run.excused => {}
                    step => self.tally.fail(format!("{name}: {} came after {} ({step:?})", tick.number, run.last)),
                }
                *run = Run { last: tick.number, excused: false };
            }
            _ => {}
        }
    }

    fn dawdle(&self, connected: &Sender<()>) {
        self.each_connection(connected, |mut socket| {
            while let Ok(text) = socket.next() {
                if serde_json::from_str::<Event>(&text).is_ok_and(|event| event.kind == Kind::Missed) {
                    self.tally.count_told_missed();
                }
                thread::sleep(SLOWNESS);
            }
        });
    }

    fn come_and_go(&self, connected: &Sender<()>) {
        self.each_connection(connected, |mut socket| {
            for _ in 0..100 {
                if socket.next().is_err() {
                    return;
                }
            }
        });
    }
}
