//! Hands over the head of an HTTP message in one piece.

use std::io;
use std::task::{Poll, ready};

/// The longest head of an HTTP message that is read, in bytes.
pub const MAX_HEAD: usize = 16 * 1024;

/// Where the head ends, if it does. The last `new` bytes were not looked at before.
#[must_use]
pub fn find_end_of_head(bytes: &[u8], new: usize) -> Option<usize> {
    const END: &[u8] = b"\r\n\r\n";
    // What was there before may hold the beginning of the end.
    let begin = bytes.len().saturating_sub(new + END.len() - 1);
    let found = bytes[begin..].windows(END.len()).position(|window| window == END)?;
    Some(begin + found + END.len())
}

/// The reading side of a stream whose first bytes, up to the empty line that ends an HTTP head, are handed over
/// together.
///
/// tungstenite takes a handshake that arrives in many small pieces for an attack and gives it up; a slow network or a
/// proxy does nothing worse than that.
#[derive(Debug)]
pub struct Head {
    stage: Stage,
    /// Whether anything has arrived since the last question.
    heard: bool,
}

#[derive(Debug)]
enum Stage {
    Gathering(Vec<u8>),
    Given { bytes: Vec<u8>, at: usize },
    Over,
}

impl Head {
    /// Of a stream that begins with a head.
    #[must_use]
    pub fn awaited() -> Self {
        Self { stage: Stage::Gathering(Vec::new()), heard: false }
    }

    /// Of a stream whose head somebody else has read.
    #[must_use]
    pub fn already_read() -> Self {
        Self { stage: Stage::Over, heard: false }
    }

    /// Whether anything has arrived after the head since this was asked last: a long message is a sign of life before
    /// it is whole.
    pub fn take_heard(&mut self) -> bool {
        std::mem::take(&mut self.heard)
    }

    /// Reads from the stream by way of `read`, which never blocks.
    pub fn read(
        &mut self,
        buf: &mut [u8],
        mut read: impl FnMut(&mut [u8]) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        loop {
            match &mut self.stage {
                Stage::Over => {
                    let count = ready!(read(buf))?;
                    self.heard |= count > 0;
                    return Poll::Ready(Ok(count));
                }
                Stage::Given { bytes, at } => {
                    let rest = &bytes[*at..];
                    let count = rest.len().min(buf.len());
                    buf[..count].copy_from_slice(&rest[..count]);
                    *at += count;
                    if *at == bytes.len() {
                        self.stage = Stage::Over;
                    }
                    return Poll::Ready(Ok(count));
                }
                Stage::Gathering(bytes) => {
                    let mut piece = [0; 1024];
                    let count = match ready!(read(&mut piece)) {
                        Ok(count) => count,
                        // What came before tells more, and the next read tells this again.
                        Err(_) if !bytes.is_empty() => 0,
                        Err(error) => return Poll::Ready(Err(error)),
                    };
                    bytes.extend_from_slice(&piece[..count]);
                    let ended = find_end_of_head(bytes, count).is_some();
                    if count == 0 && bytes.is_empty() {
                        return Poll::Ready(Ok(0));
                    }
                    if ended || count == 0 || bytes.len() >= MAX_HEAD {
                        self.stage = Stage::Given { bytes: std::mem::take(bytes), at: 0 };
                    }
                }
            }
        }
    }
}
