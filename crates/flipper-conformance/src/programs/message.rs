//! Messages of the contract: lists of texts, each as a netstring, and a line feed behind them.

use std::error::Error;
use std::fmt;
use std::io::{self, BufRead, Read as _, Write};

/// What a field may hold at most, in bytes: a length beyond it is taken for garbage.
pub const MAX_FIELD: u64 = 256 << 20;

/// Writes a message.
///
/// # Errors
/// What the system has against it.
pub fn write(to: &mut impl Write, fields: &[impl AsRef<str>]) -> io::Result<()> {
    let mut message = Vec::new();
    for field in fields {
        let field = field.as_ref();
        write!(message, "{}:{field},", field.len())?;
    }
    message.push(b'\n');
    to.write_all(&message)?;
    to.flush()
}

/// Reads the next message; `None` where the input ends before it begins.
///
/// # Errors
/// [`BadMessage`]. What follows it cannot be read either.
pub fn read(from: &mut impl BufRead) -> Result<Option<Vec<String>>, BadMessage> {
    let mut fields = Vec::new();
    if from.fill_buf()?.is_empty() {
        return Ok(None);
    }
    loop {
        match next_byte(from)? {
            b'\n' => return Ok(Some(fields)),
            digit => fields.push(read_field(digit, from)?),
        }
    }
}

fn read_field(first: u8, from: &mut impl BufRead) -> Result<String, BadMessage> {
    let mut length = 0;
    let mut next = first;
    while next.is_ascii_digit() {
        length = length * 10 + u64::from(next - b'0');
        if length > MAX_FIELD {
            return Err(BadMessage::TooLong);
        }
        next = next_byte(from)?;
    }
    if next != b':' || first == b':' {
        return Err(BadMessage::Unexpected { byte: next, instead_of: "a length and a colon" });
    }
    let mut text = Vec::new();
    // Memory is taken for what comes, and not for what is announced.
    from.take(length).read_to_end(&mut text)?;
    match next_byte(from)? {
        b',' => String::from_utf8(text).map_err(|_| BadMessage::NotUtf8),
        byte => Err(BadMessage::Unexpected { byte, instead_of: "the comma behind a field" }),
    }
}

fn next_byte(from: &mut impl BufRead) -> Result<u8, BadMessage> {
    let byte = *from.fill_buf()?.first().ok_or(BadMessage::Truncated)?;
    from.consume(1);
    Ok(byte)
}

/// Why something is no message.
#[derive(Debug)]
#[non_exhaustive]
pub enum BadMessage {
    /// The input ends within it.
    Truncated,
    /// Something else stands where a part of it should be.
    Unexpected {
        /// What came.
        byte: u8,
        /// What should have come.
        instead_of: &'static str,
    },
    /// A field is announced as longer than [`MAX_FIELD`].
    TooLong,
    /// A field is no text.
    NotUtf8,
    /// The system could not read.
    Io(io::Error),
}

impl From<io::Error> for BadMessage {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for BadMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the input ends within a message"),
            Self::Unexpected { byte, instead_of } => {
                write!(f, "'{}' came instead of {instead_of}", byte.escape_ascii())
            }
            Self::TooLong => write!(f, "a field is announced as longer than {MAX_FIELD} bytes"),
            Self::NotUtf8 => f.write_str("a field is no UTF-8"),
            Self::Io(error) => write!(f, "the input cannot be read: {error}"),
        }
    }
}

impl Error for BadMessage {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BadMessage, read, write};

    fn written(messages: &[&[&str]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for message in messages {
            write(&mut bytes, message).expect("memory takes everything");
        }
        bytes
    }

    #[test]
    fn what_is_written_is_read_again() {
        let large = "x".repeat(9 << 20);
        let messages: &[&[&str]] =
            &[&["add", "Example", "1", "echo reverse"], &[], &["", ",:\n3:a", "grün 東京 🦀\0"], &["call", &large]];
        let bytes = written(messages);
        let mut input = bytes.as_slice();
        for message in messages {
            let read = read(&mut input).expect("it is a message").expect("it is there");
            assert!(read == *message, "{}", read.concat().len());
        }
        assert!(matches!(read(&mut input), Ok(None)));
    }

    #[test]
    fn a_message_looks_as_the_contract_says() {
        assert_eq!(written(&[&["add", "Example", "1", ""]]), b"3:add,7:Example,1:1,0:,\n");
    }

    #[test]
    fn input_that_ends_within_a_message_is_an_error() {
        let whole = written(&[&["send", "Example", "row", "{\"index\":0}"]]);
        for length in 1..whole.len() {
            let error = read(&mut &whole[..length]).expect_err("it is cut off");
            assert!(matches!(error, BadMessage::Truncated), "{length}: {error}");
        }
    }

    #[test]
    fn what_is_no_message_is_told_for_what_it_is() {
        for (bad, told) in [
            (&b"4:add,\n"[..], "'\\n' came instead of the comma behind a field"),
            (b"2:add,\n", "'d' came instead of the comma behind a field"),
            (b":add,\n", "':' came instead of a length and a colon"),
            (b"-3:add,\n", "'-' came instead of a length and a colon"),
            (b"3 :add,\n", "' ' came instead of a length and a colon"),
            (b"3:add,x\n", "'x' came instead of a length and a colon"),
            (b"268435457:", "a field is announced as longer than 268435456 bytes"),
            (b"99999999999999999999999999999999:", "a field is announced as longer than 268435456 bytes"),
            (b"200000000:add,\n", "the input ends within a message"),
            (b"2:\xff\xfe,\n", "a field is no UTF-8"),
        ] {
            assert_eq!(read(&mut &bad[..]).expect_err("it is bad").to_string(), told);
        }
    }
}
