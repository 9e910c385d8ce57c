//! Operations as bytes: any bytes are some operations, and all operations have bytes.

use std::time::Duration;

/// Reads values from bytes, until there are none left. What is too long is cut off.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads from these bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// One byte.
    pub fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    /// A number of two bytes.
    pub fn short(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    /// A number of eight bytes.
    pub fn long(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// Bytes, as many as two bytes before them say.
    pub fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::from(self.short()?).min(self.0.len());
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        Some(bytes)
    }

    /// Text; what is none is replaced.
    pub fn text(&mut self) -> Option<String> {
        self.bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// A span of time: a unit and how many of it.
    pub fn span(&mut self) -> Option<Duration> {
        let millis = match UNITS.get(usize::from(self.byte()? % 8)) {
            Some(unit) => unit * u64::from(self.short()?),
            None => self.long()?,
        };
        Some(Duration::from_millis(millis))
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }
}

/// Milliseconds, from one to a day. The unit after the last stands for a number of eight bytes.
const UNITS: [u64; 7] = [1, 10, 100, 1_000, 60_000, 3_600_000, 86_400_000];

/// Writes values as [`Reader`] reads them.
#[derive(Clone, Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// One byte.
    pub fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// A number of two bytes.
    pub fn short(&mut self, number: u16) {
        self.0.extend(number.to_le_bytes());
    }

    /// A number of eight bytes.
    pub fn long(&mut self, number: u64) {
        self.0.extend(number.to_le_bytes());
    }

    /// At most 65,535 bytes; what is longer is cut off.
    pub fn bytes(&mut self, bytes: &[u8]) {
        let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        self.short(length);
        self.0.extend(&bytes[..usize::from(length)]);
    }

    /// A span of time, in whole milliseconds.
    pub fn span(&mut self, span: Duration) {
        let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let fitting = (0..7_u8).zip(UNITS).rev().find_map(|(unit, size)| {
            let count = u16::try_from(millis / size).ok()?;
            (millis % size == 0).then_some((unit, count))
        });
        match fitting {
            Some((unit, count)) => {
                self.byte(unit);
                self.short(count);
            }
            None => {
                self.byte(7);
                self.long(millis);
            }
        }
    }

    /// What was written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}
