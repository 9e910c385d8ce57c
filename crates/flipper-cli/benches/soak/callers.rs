//! Programs that call the apps, each over a socket of its own, all with the same ids.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::chance::Chance;
use crate::desk::Desk;
use crate::socket::Socket;
use crate::tally::Tally;
use crate::{PATIENCE, Result, app};

const CALLERS: u64 = 4;

/// How many calls of one caller are under way at once.
const IN_FLIGHT: usize = 8;

/// Between two calls of one caller, so that the machine has something left for the rest.
const PAUSE: Duration = Duration::from_millis(2);

/// How long a call may take; an app at a breakpoint takes longer.
const DEADLINE_MILLIS: u64 = 2_000;

pub(crate) struct Callers {
    threads: Vec<JoinHandle<()>>,
    orders: Arc<Orders>,
}

#[derive(Default)]
struct Orders {
    paused: AtomicBool,
    stopped: AtomicBool,
}

struct Caller {
    files: PathBuf,
    apps: Vec<String>,
    chance: Chance,
    orders: Arc<Orders>,
    tally: Arc<Tally>,
}

#[derive(Deserialize)]
struct Answer<'a> {
    id: u64,
    #[serde(borrow)]
    success: Option<&'a RawValue>,
    error: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

impl Callers {
    pub(crate) fn start(desk: &Desk, apps: Vec<String>, tally: &Arc<Tally>, seed: u64) -> Self {
        let orders = Arc::<Orders>::default();
        let start = |index| {
            let mut caller = Caller {
                files: desk.files(),
                apps: apps.clone(),
                chance: Chance::new(seed ^ (index << 32)),
                orders: Arc::clone(&orders),
                tally: Arc::clone(tally),
            };
            thread::spawn(move || caller.call())
        };
        Self { threads: (1..=CALLERS).map(start).collect(), orders }
    }

    /// They finish what they began, and hang up.
    pub(crate) fn pause(&self) {
        self.orders.paused.store(true, Ordering::SeqCst);
    }

    pub(crate) fn resume(&self) {
        self.orders.paused.store(false, Ordering::SeqCst);
    }

    pub(crate) fn stop(self) {
        self.orders.stopped.store(true, Ordering::SeqCst);
        for thread in self.threads {
            // A panic was printed already.
            let _panicked = thread.join();
        }
    }
}

impl Orders {
    fn call(&self) -> bool {
        !self.paused.load(Ordering::SeqCst) && !self.stopped.load(Ordering::SeqCst)
    }
}

impl Caller {
    fn call(&mut self) {
        while !self.orders.stopped.load(Ordering::SeqCst) {
            if self.orders.call() {
                self.converse();
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Calls until the socket ends or there are other orders.
    fn converse(&mut self) {
        let mut pending = BTreeMap::new();
        let files: &Path = &self.files.clone();
        let Ok(mut socket) = Socket::connect(files, "/api/v1/socket", PATIENCE) else { return };
        if let Err(error) = self.talk(&mut socket, &mut pending) {
            // Nobody can know what became of calls to a desktop that was killed.
            self.tally.count_unknown(pending.len() as u64, &error.to_string());
        }
    }

    fn talk(&mut self, socket: &mut Socket, pending: &mut BTreeMap<u64, String>) -> Result {
        let mut id = 0;
        loop {
            while self.orders.call() && pending.len() < IN_FLIGHT {
                let app = &self.apps[self.chance.below(self.apps.len())];
                let params = format!("{{\"number\":{id},\"chance\":{},\"ratio\":1.10}}", self.chance.next());
                let call = format!(
                    "{{\"app\":\"{app}\",\"plugin\":\"{}\",\"method\":\"echo\",\"params\":{params},\"timeout_ms\":\
                     {DEADLINE_MILLIS}}}",
                    app::PLUGIN
                );
                socket.send(format!("{{\"id\":{id},\"call\":{call}}}"))?;
                pending.insert(id, params);
                id += 1;
            }
            if pending.is_empty() {
                return Ok(());
            }
            let text = socket.next()?;
            let answer: Answer<'_> = serde_json::from_str(&text)?;
            match (pending.remove(&answer.id), answer.success, answer.error) {
                (Some(params), Some(success), None) if success.get() == params => self.tally.count_call(),
                (Some(_), None, Some(error)) => self.tally.count_error(error.name),
                (params, ..) => self.tally.fail(format!("a call with {params:?} was answered with {text}")),
            }
            thread::sleep(PAUSE);
        }
    }
}
