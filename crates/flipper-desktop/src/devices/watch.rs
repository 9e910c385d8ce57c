//! Following what adb's server tells.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::device::{AdbState, PortForward, PortForwardFailed};
use super::registry::{Arrival, Registry};
use crate::adb::{self, Cutter, Server};

/// Follows what adb's server tells, until it is dropped.
pub(crate) struct Watch(Arc<Brake>);

/// How long to wait before a server that is not there is looked for again: at first, and in the end.
const FIRST: Duration = Duration::from_millis(100);
const CEILING: Duration = Duration::from_secs(10);

/// Follows what adb's server tells. Whenever a device can be used, it is made to lead connections to `ports` here.
pub(crate) fn watch_adb(server: Server, ports: Vec<u16>, registry: Arc<Registry>) -> io::Result<Watch> {
    let brake = Arc::new(Brake::default());
    let watcher = Watcher { server, ports: ports.into(), registry, brake: Arc::clone(&brake) };
    watcher.registry.set_adb(watcher.server.address(), AdbState::Connecting);
    thread::Builder::new().name("flipper-adb".to_owned()).spawn(move || watcher.run())?;
    Ok(Watch(brake))
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.pull();
    }
}

struct Watcher {
    server: Server,
    ports: Arc<[u16]>,
    registry: Arc<Registry>,
    brake: Arc<Brake>,
}

impl Watcher {
    fn run(self) {
        let mut pause = FIRST;
        let mut told = false;
        loop {
            let error = match self.follow(|| (pause, told) = (FIRST, false)) {
                Ok(()) => return,
                Err(error) => error,
            };
            if !told {
                told = true;
                tracing::info!("no Android devices: {error}");
            }
            self.registry.set_adb(self.server.address(), AdbState::Lost(error));
            // Whoever is still there is told anew by the next server.
            self.registry.update(Vec::new());
            if self.brake.wait(pause) {
                return;
            }
            pause = (pause * 2).min(CEILING);
        }
    }

    /// Follows the server as long as it is there, or until the brake is pulled.
    fn follow(&self, mut on_contact: impl FnMut()) -> Result<(), adb::Error> {
        let mut tracking = self.server.track()?;
        if self.brake.attach(tracking.cutter()?) {
            return Ok(());
        }
        on_contact();
        self.registry.set_adb(self.server.address(), AdbState::Tracking);
        loop {
            let list = tracking.wait();
            if self.brake.is_pulled() {
                return Ok(());
            }
            for arrival in self.registry.update(list?) {
                self.forward(arrival);
            }
        }
    }

    /// On a thread of its own, since a device that hangs is no reason to miss the others.
    fn forward(&self, arrival: Arrival) {
        let (server, ports, registry) = (self.server.clone(), Arc::clone(&self.ports), Arc::clone(&self.registry));
        let work = move || {
            let forward = |port: &u16| {
                let (serial, port) = (arrival.serial.clone(), *port);
                let result = server.reverse(&serial, port);
                PortForward { port, result: result.map_err(|error| PortForwardFailed { serial, port, error }) }
            };
            let forwards: Vec<PortForward> = ports.iter().map(forward).collect();
            for failed in forwards.iter().filter_map(|forward| forward.result.as_ref().err()) {
                tracing::warn!("{failed}");
            }
            registry.set_forwards(&arrival, forwards);
        };
        if let Err(error) = thread::Builder::new().name("flipper-adb-reverse".to_owned()).spawn(work) {
            tracing::warn!("no thread to forward ports: {error}");
        }
    }
}

/// Stops the watcher wherever it waits.
#[derive(Default)]
struct Brake {
    state: Mutex<BrakeState>,
    pulled: Condvar,
}

#[derive(Default)]
struct BrakeState {
    pulled: bool,
    cutter: Option<Cutter>,
}

impl Brake {
    fn pull(&self) {
        let mut state = self.state();
        state.pulled = true;
        if let Some(cutter) = state.cutter.take() {
            // It has ended already if that fails.
            let _ended = cutter.cut();
        }
        self.pulled.notify_all();
    }

    /// Has the brake act on a connection. Returns whether it was pulled before.
    fn attach(&self, cutter: Cutter) -> bool {
        let mut state = self.state();
        state.cutter = Some(cutter);
        state.pulled
    }

    /// Waits. Returns whether the brake was pulled.
    fn wait(&self, span: Duration) -> bool {
        let waited = self.pulled.wait_timeout_while(self.state(), span, |state| !state.pulled);
        waited.unwrap_or_else(PoisonError::into_inner).0.pulled
    }

    fn is_pulled(&self) -> bool {
        self.state().pulled
    }

    fn state(&self) -> MutexGuard<'_, BrakeState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
