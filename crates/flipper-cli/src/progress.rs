//! How far long work has come, on the standard error where that is a terminal. Elsewhere nothing is said.

use std::io::{IsTerminal as _, Write as _, stderr, stdout};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::terminal::{can_move, count, span};

/// How many signs a bar has.
const BAR: u64 = 24;

/// How often it is drawn at most.
const PAUSE: Duration = Duration::from_millis(50);

/// What takes less time than this is not worth telling.
const SOON: Duration = Duration::from_millis(300);

const SPINNER: [&str; 4] = ["-", "\\", "|", "/"];

/// Begins the line anew.
const CLEAR: &str = "\r\x1b[K";

/// A bar, or a number where nobody knows how much there is to do. It is gone when this is dropped.
pub(crate) struct Progress {
    what: &'static str,
    total: Option<u64>,
    shows: bool,
    drawn: Option<Instant>,
}

impl Progress {
    /// For work whose results go elsewhere than to the terminal, or which tells nothing else meanwhile.
    pub(crate) fn new(what: &'static str, total: Option<u64>) -> Self {
        Self { what, total, shows: can_move(&stderr()), drawn: None }
    }

    /// It is in the way of what is printed.
    pub(crate) fn unless_printing(mut self, prints: bool) -> Self {
        self.shows &= !(prints && stdout().is_terminal());
        self
    }

    /// Whether it is to be seen at all.
    pub(crate) fn shows(&self) -> bool {
        self.shows
    }

    /// So much is done.
    pub(crate) fn at(&mut self, done: u64) {
        if self.shows && self.drawn.is_none_or(|drawn| drawn.elapsed() >= PAUSE) {
            self.drawn = Some(Instant::now());
            write(&format!("{CLEAR}{}", line(done, self.total, self.what)));
        }
    }

    /// Makes room for another line.
    pub(crate) fn clear(&mut self) {
        if self.drawn.take().is_some() {
            write(CLEAR);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Says what is waited for, once that takes a while, and for how long already. It is gone when this is dropped.
pub(crate) struct Waiting(Option<(Sender<()>, JoinHandle<()>)>);

impl Waiting {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        if !can_move(&stderr()) {
            return Self(None);
        }
        let what = crate::terminal::plain(&what.into());
        let (end, ended) = channel::<()>();
        let tell = move || {
            let begin = Instant::now();
            let mut pause = SOON;
            let mut turns = SPINNER.iter().cycle();
            while let (Err(RecvTimeoutError::Timeout), Some(sign)) = (ended.recv_timeout(pause), turns.next()) {
                pause = SOON / 3;
                write(&format!("{CLEAR}{sign} {what}, {}", span(begin.elapsed())));
            }
            if begin.elapsed() >= SOON {
                write(CLEAR);
            }
        };
        Self(thread::Builder::new().name("flipper-waiting".to_owned()).spawn(tell).ok().map(|thread| (end, thread)))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.0.take() {
            drop(end);
            // What comes next begins on a line of its own.
            let _ended = thread.join();
        }
    }
}

fn line(done: u64, total: Option<u64>, what: &str) -> String {
    match total {
        Some(total) if total > 0 => {
            let done = done.min(total);
            let full = usize::try_from(done * BAR / total).unwrap_or(0);
            let bar = "#".repeat(full) + &".".repeat(usize::try_from(BAR).unwrap_or(0) - full);
            format!("[{bar}] {:>3} %  {}", done * 100 / total, count(done, what))
        }
        _ => count(done, what),
    }
}

fn write(text: &str) {
    let mut out = stderr().lock();
    // Nobody is waiting for it.
    let _unread = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills_up() {
        assert_eq!(line(0, Some(10), "event"), "[........................]   0 %  0 events");
        assert_eq!(line(5, Some(10), "event"), "[############............]  50 %  5 events");
        assert_eq!(line(11, Some(10), "event"), "[########################] 100 %  10 events");
        assert_eq!((line(1, None, "event"), line(2, Some(0), "event")), ("1 event".to_owned(), "2 events".to_owned()));
    }
}
