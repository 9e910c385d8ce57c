//! A background plugin that is never silent.

use std::collections::BTreeMap;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use flipper_client::{Call, Connection, Plugin};

/// The background plugin `Ticker`: while a desktop is connected it sends one event `tick` a second, `{"count": n}`,
/// beginning at once with 0.
#[derive(Debug, Default)]
pub struct Ticker {
    /// Dropped to stop the thread that ticks.
    ticking: Mutex<Option<Sender<()>>>,
}

impl Plugin for Ticker {
    fn id(&self) -> &'static str {
        "Ticker"
    }

    fn run_in_background(&self) -> bool {
        true
    }

    fn on_connect(&self, connection: Connection) {
        let (alive, stopped) = channel::<()>();
        *self.ticking.lock().unwrap_or_else(PoisonError::into_inner) = Some(alive);
        thread::spawn(move || {
            for count in 0_u64.. {
                if connection.send("tick", &BTreeMap::from([("count", count)])).is_err() {
                    return;
                }
                if stopped.recv_timeout(Duration::from_secs(1)) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        });
    }

    fn on_disconnect(&self) {
        *self.ticking.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn has_method(&self, _: &str) -> bool {
        false
    }

    fn on_call(&self, _: Call) {}
}
