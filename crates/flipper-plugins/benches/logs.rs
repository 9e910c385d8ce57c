//! What logging costs an app: `cargo bench -p flipper-plugins --features logs --bench logs`.
//!
//! What a callsite knows is the same for a whole process, so that every line is measured in one of its own.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench may fail at any line, and prints what it finds")]

use std::env;
use std::hint::black_box;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use flipper_blocking::Flipper;
use flipper_conformance::adapters::BlockingAdapter;
use flipper_conformance::scripted::Desktop;
use flipper_conformance::suite;
use flipper_plugins::Waiting;
use flipper_plugins::logs::Logs;
use tempfile::TempDir;
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber, debug, info, info_span};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

const ROUNDS: usize = 31;

/// What is measured, and how it is called.
const CASES: [(&str, &str); 10] = [
    ("nothing", "no subscriber at all"),
    ("closed", "no desktop, and nothing waits any more"),
    ("other", "another layer alone, which only counts"),
    ("other-closed", "that layer, and ours without a desktop"),
    ("filtered", "connected, the filter does not let it through"),
    ("connected", "connected, two fields"),
    ("spans", "connected, two fields, within three spans"),
    ("span", "no desktop: a span with one field, from its making to its end"),
    ("other-span", "the same span, with another layer alone"),
    ("memory", "no desktop: bytes that 100,000 events hold on to"),
];

fn main() {
    if let Ok(case) = env::var("LOGS_CASE") {
        println!("{}", measure(&case));
        return;
    }
    for (case, text) in CASES {
        let output = Command::new(env::current_exe().unwrap()).env("LOGS_CASE", case).output().unwrap();
        let figure = String::from_utf8(output.stdout).unwrap();
        println!("{:>12}  {text}", figure.trim());
    }
}

fn measure(case: &str) -> String {
    match case {
        "nothing" => nanoseconds(100_000, event),
        "closed" => {
            let app = App::start(Waiting::NOTHING, false, false);
            let figure = nanoseconds(100_000, event);
            drop(app);
            figure
        }
        "other" => {
            tracing_subscriber::registry().with(Other.with_filter(LevelFilter::INFO)).init();
            nanoseconds(100_000, event)
        }
        "other-closed" => {
            let app = App::start(Waiting::NOTHING, true, false);
            let figure = nanoseconds(100_000, event);
            drop(app);
            figure
        }
        "filtered" => {
            let app = App::start(Waiting::NOTHING, false, true);
            let figure = nanoseconds(100_000, |number| debug!(number, name = "Ann", "an event"));
            drop(app);
            figure
        }
        "connected" => {
            let app = App::start(Waiting::NOTHING, false, true);
            let figure = nanoseconds(500, event);
            drop(app);
            figure
        }
        "spans" => {
            let app = App::start(Waiting::NOTHING, false, true);
            let _first = info_span!("request", method = "GET", path = "/orders").entered();
            let _second = info_span!("order", id = 5).entered();
            let _third = info_span!("query", rows = 3).entered();
            let figure = nanoseconds(500, event);
            drop(app);
            figure
        }
        "span" => {
            let app = App::start(Waiting::NOTHING, false, false);
            let figure = nanoseconds(10_000, |number| drop(info_span!("order", number).entered()));
            drop(app);
            figure
        }
        "other-span" => {
            tracing_subscriber::registry().with(Other.with_filter(LevelFilter::INFO)).init();
            nanoseconds(10_000, |number| drop(info_span!("order", number).entered()))
        }
        "memory" => {
            let app = App::start(Waiting::new(1_000, 512 << 10), false, false);
            let held = allocation_counter::measure(|| (0..100_000).for_each(event));
            drop(app);
            format!("{} B", held.bytes_current)
        }
        _ => "no such case".to_owned(),
    }
}

fn event(number: u64) {
    info!(number, name = "Ann", "an event");
}

/// The median of what one call costs, over rounds of this many.
fn nanoseconds(calls: u64, mut call: impl FnMut(u64)) -> String {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begin = Instant::now();
            for number in 0..calls {
                call(black_box(number));
            }
            let took = begin.elapsed();
            // Whoever reads the events catches up.
            thread::sleep(took.min(std::time::Duration::from_millis(50)));
            took.as_secs_f64() * 1e9 / calls as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    format!("{:.1} ns", rounds[ROUNDS / 2])
}

/// Counts, as cheaply as a layer can.
struct Other;

impl<S: Subscriber> Layer<S> for Other {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        black_box(event);
    }
}

/// An app that records, and a desktop that reads if it is connected.
struct App {
    flipper: Flipper,
    ended: Arc<AtomicBool>,
    _directory: TempDir,
}

impl App {
    fn start(waiting: Waiting, with_other: bool, connected: bool) -> Self {
        let logs = Logs::builder().waiting(waiting).build();
        let registry = tracing_subscriber::registry();
        // A layer that is `None` would want every event.
        if with_other {
            registry.with(Other.with_filter(LevelFilter::INFO)).with(logs.layer()).init();
        } else {
            registry.with(logs.layer()).init();
        }
        let (desktop, directory) = (Desktop::new().unwrap(), TempDir::new().unwrap());
        desktop.provision(directory.path()).unwrap();
        let builder = suite::builder::<BlockingAdapter>(&desktop, directory.path()).plugin(logs);
        let flipper = builder.start().unwrap();
        let ended = Arc::new(AtomicBool::new(false));
        if connected {
            let mut session = desktop.session().unwrap();
            session.init("rust-logs").unwrap();
            session.assert_answers().unwrap();
            let ended = Arc::clone(&ended);
            thread::spawn(move || {
                while !ended.load(Ordering::Relaxed) && session.receive_text().is_ok() {}
                drop(desktop);
            });
        }
        Self { flipper, ended, _directory: directory }
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        drop(self.flipper.stop());
    }
}
