//! How the demo is told.

use std::env;
use std::io::{IsTerminal as _, stdout};
use std::time::{Duration, Instant};

/// The column in which durations stand.
const WIDTH: usize = 100;

/// Prints one line a step, with its time.
pub(crate) struct Story {
    begin: Instant,
    last: Instant,
    colours: bool,
}

impl Story {
    pub(crate) fn begin() -> Self {
        let now = Instant::now();
        let colours = stdout().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let story = Self { begin: now, last: now, colours };
        println!("Flipper: a desktop looks inside a running app. Here are both, in one process.");
        story
    }

    /// A new part of the story.
    pub(crate) fn chapter(&self, title: &str) {
        println!("\n{}", self.paint("1", title));
    }

    /// Something happened, and took the time since the step before it.
    pub(crate) fn step(&mut self, what: impl AsRef<str>) {
        let now = Instant::now();
        let took = duration(now.duration_since(self.last));
        self.last = now;
        let what = what.as_ref();
        let gap = " ".repeat(WIDTH.saturating_sub(what.chars().count() + 4 + took.len()).max(1));
        println!("  {} {what}{gap}{}", self.paint("32", "✓"), self.paint("2", &took));
    }

    /// The step goes on in another line.
    pub(crate) fn more(&self, what: impl AsRef<str>) {
        println!("    {}", what.as_ref());
    }

    pub(crate) fn end(&self) {
        let took = duration(self.begin.elapsed());
        println!("\nThat was everything, in {took}. Next:");
        println!("  flipper app          runs the same app against a desktop that runs already, such as the official");
        println!("                       one (npx flipper-server@0.162.0)");
        println!("  FLIPPER_LOG=debug    shows what happens underneath, in either of them");
    }

    pub(crate) fn fail(&self) {
        println!("  {} the next step did not come", self.paint("31", "✗"));
    }

    fn paint(&self, style: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

fn duration(span: Duration) -> String {
    if span < Duration::from_secs(1) {
        format!("{:.1} ms", span.as_secs_f64() * 1e3)
    } else {
        format!("{:.2} s", span.as_secs_f64())
    }
}
