//! How the demo is told.

use std::io::stdout;
use std::time::{Duration, Instant};

use crate::terminal::{BOLD, DIM, GREEN, Paint, RED};

/// Prints one line a step: when it was done, how long it took, and what it was.
pub(crate) struct Story {
    begin: Instant,
    last: Instant,
    steps: usize,
    paint: Paint,
}

impl Story {
    pub(crate) fn begin() -> Self {
        let now = Instant::now();
        let story = Self { begin: now, last: now, steps: 0, paint: Paint::on(&stdout()) };
        println!("Flipper: a desktop looks inside a running app. Here are both, in one process.");
        println!("\n{}", story.paint.with(DIM, &format!("{:>9}  {:>9}", "elapsed", "took")));
        story
    }

    /// A new part of the story.
    pub(crate) fn chapter(&self, title: &str) {
        println!("\n{:>COLUMN$}{}", "", self.paint.with(BOLD, title));
    }

    /// Something happened, and took the time since the step before it.
    pub(crate) fn step(&mut self, what: impl AsRef<str>) {
        let now = Instant::now();
        let times = format!(
            "{:>9}  {:>9}",
            seconds(now.duration_since(self.begin)),
            milliseconds(now.duration_since(self.last))
        );
        self.last = now;
        self.steps += 1;
        println!("{}  {} {}", self.paint.with(DIM, &times), self.paint.with(GREEN, "✓"), what.as_ref());
    }

    /// The step goes on in another line.
    pub(crate) fn more(&self, what: impl AsRef<str>) {
        println!("{:>COLUMN$}  {}", "", what.as_ref());
    }

    pub(crate) fn end(&self) {
        let (steps, took) = (self.steps, seconds(self.begin.elapsed()));
        println!("\nThat was everything: {steps} steps in {took}, each of them checked. Next:");
        println!(
            "  flipper app                      the same app, for a desktop that runs already, such as the official"
        );
        println!("                                   one (npx flipper-server@0.162.0)");
        println!("  flipper desktop                  a desktop for your own apps, and for scripts");
        println!("  FLIPPER_LOG=debug flipper demo   what happens underneath");
    }

    pub(crate) fn fail(&self) {
        println!("{:>COLUMN$}{} the next step did not come", "", self.paint.with(RED, "✗"));
    }
}

/// Where the words begin, after the times.
const COLUMN: usize = 22;

fn seconds(span: Duration) -> String {
    format!("{:.3} s", span.as_secs_f64())
}

fn milliseconds(span: Duration) -> String {
    format!("{:.1} ms", span.as_secs_f64() * 1e3)
}
