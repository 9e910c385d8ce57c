//! The threads that call plugins and the observer back.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use flipper_client::App;
use flipper_proto::client::Event;
use flipper_proto::{Limits, Payload, PluginId};

use crate::bell::Bell;
use crate::lanes::Lanes;

/// Callbacks that wait, and the threads that make them.
///
/// What waits is bounded. The state machine refuses calls beyond [`Limits::pending_calls`] and
/// [`Limits::pending_call_bytes`], with an error that the desktop is told, and everything else goes on: pings are answered
/// however long a callback blocks. What it does not count (plugins that are initialised again and again, calls whose
/// session has ended) may add as much once more; then nothing is read from the socket until callbacks have returned.
/// Notices come without any desktop, too: where twice as much waits they are dropped, and counted.
pub(crate) struct Handlers {
    queue: Mutex<Queue>,
    more: Condvar,
    bell: Arc<Bell>,
    max_events: usize,
    max_bytes: usize,
    missed: AtomicU64,
}

struct Queue {
    /// One lane for each plugin, and one for the observer.
    lanes: Lanes<Option<PluginId>, Event>,
    events: usize,
    bytes: usize,
    /// How many threads wait for something to do.
    idle: usize,
    /// The driver reads nothing before there is room.
    is_held: bool,
    is_closed: bool,
}

impl Handlers {
    pub(crate) fn new(bell: Arc<Bell>, limits: &Limits) -> Self {
        let queue = Queue { lanes: Lanes::new(), events: 0, bytes: 0, idle: 0, is_held: false, is_closed: false };
        Self {
            queue: Mutex::new(queue),
            more: Condvar::new(),
            bell,
            max_events: limits.pending_calls.saturating_mul(2).max(1024),
            max_bytes: limits.pending_call_bytes.saturating_mul(2),
            missed: AtomicU64::new(0),
        }
    }

    /// Has the callbacks for `events` made, in order.
    pub(crate) fn hand_over(&self, events: &mut Vec<Event>, is_observed: bool) {
        let mut queue = self.queue();
        for event in events.drain(..) {
            let (lane, alone) = lane_of(&event);
            if lane.is_none() {
                if !is_observed {
                    continue;
                }
                if queue.events >= self.max_events.saturating_mul(2) {
                    if self.missed.fetch_add(1, Ordering::Relaxed) == 0 {
                        tracing::error!("a callback blocks: from now on the observer misses notices");
                    }
                    continue;
                }
            }
            queue.events += 1;
            queue.bytes += size(&event);
            queue.lanes.push(lane, alone, event);
        }
        for _ in 0..queue.idle.min(queue.lanes.ready()) {
            self.more.notify_one();
        }
    }

    /// Whether the driver may read on. If not, the bell rings when it may.
    pub(crate) fn has_room(&self) -> bool {
        let mut queue = self.queue();
        // Once it is held, it stays so until there is some room.
        queue.is_held = if queue.is_held { !self.is_half_empty(&queue) } else { self.is_over(&queue) };
        !queue.is_held
    }

    /// How many notices the observer was not told of.
    pub(crate) fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// Nothing is handed over any more. Calls that nobody has begun to handle are dropped, since nobody waits for them;
    /// everything else is still told.
    pub(crate) fn close(&self) {
        self.queue().is_closed = true;
        self.more.notify_all();
    }

    /// What every one of the threads does.
    pub(crate) fn work(&self, app: &Arc<App>) {
        let mut queue = self.queue();
        loop {
            if let Some((lane, event)) = queue.lanes.begin() {
                let size = size(&event);
                queue.events -= 1;
                queue.bytes -= size;
                if queue.idle > 0 && queue.lanes.ready() > 0 {
                    self.more.notify_one();
                }
                let is_late = queue.is_closed && matches!(event, Event::Call { .. } | Event::MethodQuery { .. });
                let rings = queue.is_held && self.is_half_empty(&queue);
                drop(queue);
                if rings {
                    self.bell.ring();
                }
                if !is_late {
                    app.deliver(event);
                }
                queue = self.queue();
                queue.lanes.end(lane);
            } else if queue.is_closed && queue.lanes.is_empty() {
                // Others may wait for what this thread was the last to hold up.
                self.more.notify_all();
                return;
            } else {
                queue.idle += 1;
                queue = self.more.wait(queue).unwrap_or_else(PoisonError::into_inner);
                queue.idle -= 1;
            }
        }
    }

    fn is_over(&self, queue: &Queue) -> bool {
        queue.events >= self.max_events || queue.bytes >= self.max_bytes
    }

    fn is_half_empty(&self, queue: &Queue) -> bool {
        queue.events <= self.max_events / 2 && queue.bytes <= self.max_bytes / 2
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lane that an event goes in, and whether it goes alone there: plugins are connected before their calls and
/// disconnected after them, and the observer is told one thing after the other.
fn lane_of(event: &Event) -> (Option<PluginId>, bool) {
    match event {
        Event::Call { plugin, .. } | Event::MethodQuery { plugin, .. } => (Some(plugin.clone()), false),
        Event::PluginConnected(plugin) | Event::PluginDisconnected(plugin) => (Some(plugin.clone()), true),
        _ => (None, true),
    }
}

/// The bytes that an event keeps from the memory, as far as a peer decides on them.
fn size(event: &Event) -> usize {
    match event {
        Event::Call { method, params, .. } => {
            method.len() + params.as_ref().map_or(0, |params: &Payload| params.as_json().len())
        }
        Event::MethodQuery { method, .. } => method.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;

    use flipper_client::{Clock, Notice};
    use flipper_proto::ProtocolError;
    use flipper_proto::client::Config;
    use polling::Events;

    use super::*;
    use crate::Flipper;

    const FLOOR: usize = 1024;

    fn notice() -> Event {
        Event::PeerMisbehaved(ProtocolError::Missing("method"))
    }

    fn handlers(change: impl FnOnce(&mut Config)) -> Handlers {
        let mut config = Config::new("App", "com.example.app");
        change(&mut config);
        Handlers::new(Bell::new().unwrap(), &config.limits)
    }

    fn call(params: &str) -> Event {
        let params = Some(Payload::from_json(params).unwrap());
        let call = flipper_proto::CallId::from_u64(1);
        Event::Call { call, plugin: "A".into(), method: "m".into(), params, expects_reply: true }
    }

    #[test]
    fn what_waits_is_bounded_and_the_bell_rings_when_there_is_room() {
        let handlers = Arc::new(handlers(|config| config.limits.pending_calls = 1));
        let (tells, told) = channel();
        let setup = Flipper::builder("App", "com.example.app").observer(move |notice: &Notice| {
            tells.send(notice.clone()).unwrap();
        });
        let app = App::new(setup.into_setup().unwrap(), Clock::new(std::time::Instant::now), None);

        handlers.hand_over(&mut vec![notice(); FLOOR - 1], true);
        assert!(handlers.has_room());
        handlers.hand_over(&mut vec![notice()], true);
        assert!(!handlers.has_room());
        handlers.hand_over(&mut vec![notice(); FLOOR + 2], true);
        assert_eq!(handlers.missed(), 2);
        // What is for plugins is never dropped.
        handlers.hand_over(&mut vec![Event::PluginConnected("A".into())], true);
        assert_eq!(handlers.queue().events, 2 * FLOOR + 1);

        let worker = thread::spawn({
            let handlers = Arc::clone(&handlers);
            move || handlers.work(&app)
        });
        handlers.bell.wait(&mut Events::new(), None).unwrap();
        assert!(handlers.has_room());
        handlers.close();
        worker.join().unwrap();
        assert_eq!(told.iter().count(), 2 * FLOOR);
        let queue = handlers.queue();
        assert_eq!((queue.events, queue.bytes), (0, 0));
    }

    #[test]
    fn bytes_count_as_well() {
        let handlers = handlers(|config| config.limits.pending_call_bytes = 100);
        handlers.hand_over(&mut vec![call(&format!("\"{}\"", "x".repeat(150)))], false);
        assert!(handlers.has_room());
        handlers.hand_over(&mut vec![call(&format!("\"{}\"", "x".repeat(50)))], false);
        assert!(!handlers.has_room());
    }

    #[test]
    fn notices_that_nobody_gets_do_not_wait() {
        let handlers = handlers(|_| {});
        handlers.hand_over(&mut vec![notice(); 10], false);
        assert_eq!((handlers.queue().events, handlers.missed()), (0, 0));
    }
}
