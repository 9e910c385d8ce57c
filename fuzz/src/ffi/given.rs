//! What a call is given: texts and records in memory of their own, so that whoever reads beyond them is seen.

use std::ffi::c_char;
use std::ptr;

use flipper_ffi::{FlipperResult, FlipperStr};

use super::calls::{BAD_RECORD, Call, NO_PLACE, NO_RECORD, SHORT_RECORD, Text};

/// The texts of a call. Their memory ends with the call.
pub(super) struct Given {
    texts: Vec<(Box<[u8]>, FlipperStr)>,
    numbers: Vec<u64>,
    flags: u8,
}

impl Given {
    pub(super) fn of(call: &Call, last_client: &[u8]) -> Self {
        let texts = call.texts.iter().map(|text| memory(text, last_client)).collect();
        Self { texts, numbers: call.numbers.clone(), flags: call.flags }
    }

    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub(super) fn flags(&self) -> usize {
        self.flags.into()
    }

    pub(super) fn text(&self, at: usize) -> FlipperStr {
        self.texts[at].1
    }

    pub(super) fn ptr(&self, at: usize) -> *const c_char {
        self.text(at).ptr
    }

    pub(super) fn len(&self, at: usize) -> usize {
        self.text(at).len
    }

    pub(super) fn number(&self, at: usize) -> u64 {
        self.numbers[at]
    }

    /// The same as a number of another width: what is too large is cut off.
    #[expect(clippy::cast_possible_truncation, reason = "any number will do")]
    pub(super) fn size(&self, at: usize) -> usize {
        self.numbers[at] as usize
    }

    #[expect(clippy::cast_possible_truncation, reason = "any number will do")]
    pub(super) fn word(&self, at: usize) -> u32 {
        self.numbers[at] as u32
    }

    #[expect(clippy::cast_possible_truncation, reason = "any number will do")]
    pub(super) fn short(&self, at: usize) -> u16 {
        self.numbers[at] as u16
    }

    #[expect(clippy::cast_possible_truncation, reason = "any number will do")]
    pub(super) fn byte(&self, at: usize) -> u8 {
        self.numbers[at] as u8
    }

    /// The size of a record to say: sometimes that of an earlier version, and sometimes none.
    pub(super) fn record_size<T>(&self) -> usize {
        match (self.has(BAD_RECORD), self.has(SHORT_RECORD)) {
            (true, true) => size_of::<T>() - 1,
            (true, false) => size_of::<T>() + size_of::<usize>(),
            (false, true) => size_of::<usize>(),
            (false, false) => size_of::<T>(),
        }
    }

    /// A record, or NULL.
    pub(super) fn record<T>(&self, record: &T) -> *const T {
        if self.has(NO_RECORD) { ptr::null() } else { record }
    }

    /// A place for a result, or NULL; nothing may be written there unless the call went well.
    pub(super) fn place<T: Copy + PartialEq>(
        &self,
        untouched: T,
        call: impl FnOnce(*mut T) -> FlipperResult,
    ) -> (FlipperResult, T) {
        let mut value = untouched;
        let result = call(if self.has(NO_PLACE) { ptr::null_mut() } else { &raw mut value });
        assert!(result != FlipperResult::Ok || !self.has(NO_PLACE), "it went well, and nobody is told");
        assert!(result == FlipperResult::Ok || value == untouched, "something was written, and it did not go well");
        (result, value)
    }
}

fn memory(text: &Text, last_client: &[u8]) -> (Box<[u8]>, FlipperStr) {
    let bytes: Box<[u8]> = match text {
        Text::Bytes(bytes) => bytes.as_slice().into(),
        Text::Client => last_client.into(),
        Text::Endless => Box::new([b'x']),
        Text::Null | Text::NullOfLength(_) => Box::default(),
    };
    let ptr = bytes.as_ptr().cast();
    let borrowed = match text {
        Text::Bytes(_) | Text::Client => FlipperStr { ptr, len: bytes.len() },
        Text::Endless => FlipperStr { ptr, len: usize::MAX },
        Text::Null => FlipperStr { ptr: ptr::null(), len: 0 },
        Text::NullOfLength(len) => FlipperStr { ptr: ptr::null(), len: usize::try_from(*len).unwrap_or(usize::MAX) },
    };
    (bytes, borrowed)
}

/// Words that are written into a buffer, however small it is.
pub(super) fn read_words(capacity: usize, ask: impl FnOnce(*mut c_char, usize, *mut usize) -> FlipperResult) {
    let mut buffer: Vec<u8> = vec![b'x'; capacity % 64];
    let mut length = usize::MAX;
    match ask(buffer.as_mut_ptr().cast(), buffer.len(), &mut length) {
        FlipperResult::Ok if buffer.is_empty() => assert_ne!(length, usize::MAX),
        FlipperResult::Ok => {
            let end = buffer.iter().position(|byte| *byte == 0).expect("a NUL at the end");
            assert!(str::from_utf8(&buffer[..end]).is_ok(), "a character that was cut");
            assert!(end <= length);
        }
        _ => assert_eq!(length, usize::MAX),
    }
}
