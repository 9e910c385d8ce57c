//! What happened, as one number that two runs can be compared by, and in words for those who want to read it.

use std::fmt;
use std::time::Duration;

/// The record of a run.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    digest: u64,
    tell: bool,
}

impl Trace {
    /// Prints what happens from now on, on standard error.
    pub(crate) fn tell(&mut self) {
        self.tell = true;
    }

    /// Something that another run of the same seed must repeat, as numbers.
    pub(crate) fn record(&mut self, numbers: &[u64]) {
        for number in numbers {
            self.digest = (self.digest.rotate_left(5) ^ number).wrapping_mul(0x9FB2_1C65_1E98_DF25);
        }
    }

    /// Something that another run must repeat, in words.
    pub(crate) fn note(&mut self, now: Duration, who: &str, what: fmt::Arguments<'_>) {
        if self.tell {
            eprintln!("{:>12.6} {who:<8} {what}", now.as_secs_f64());
        }
        self.record(&[micros(now)]);
        let mut words = Words(self);
        // Nothing that is written to here can fail.
        let _written = fmt::write(&mut words, what);
    }

    pub(crate) fn digest(&self) -> u64 {
        self.digest
    }
}

/// Takes words into the digest without a copy of them.
struct Words<'a>(&'a mut Trace);

impl fmt::Write for Words<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0.record(&[u64::from(byte)]);
        }
        Ok(())
    }
}

pub(crate) fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
