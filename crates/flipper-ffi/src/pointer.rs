//! Pointers from C, and what is made of them.

use std::ffi::c_char;
use std::{ptr, slice};

use crate::exclusive::guard;
use crate::result::FlipperResult;

/// A borrowed text: `ptr` may be NULL, which stands for no text.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct FlipperStr {
    /// Where it begins.
    pub ptr: *const c_char,
    /// How many bytes it has.
    pub len: usize,
}

impl FlipperStr {
    /// No text.
    #[cfg(feature = "threaded")]
    pub(crate) const NONE: Self = Self { ptr: ptr::null(), len: 0 };

    /// The text of something that lives on.
    pub(crate) fn of(text: &str) -> Self {
        Self { ptr: text.as_ptr().cast(), len: text.len() }
    }

    /// # Safety
    /// As [`text`].
    pub(crate) unsafe fn read<'a>(self) -> Result<&'a str, FlipperResult> {
        // SAFETY: the caller's promise.
        unsafe { text(self.ptr, self.len) }
    }

    /// A text that may be left out: NULL, and no bytes.
    ///
    /// # Safety
    /// As [`text`].
    pub(crate) unsafe fn read_optional<'a>(self) -> Result<Option<&'a str>, FlipperResult> {
        // SAFETY: the caller's promise.
        unsafe { optional(self.ptr, self.len) }
    }

    /// A text that must be there, if only as an empty one.
    ///
    /// # Safety
    /// As [`text`].
    pub(crate) unsafe fn read_required<'a>(self) -> Result<&'a str, FlipperResult> {
        // SAFETY: the caller's promise.
        unsafe { self.read_optional() }?.ok_or(FlipperResult::Null)
    }
}

/// # Safety
/// `pointer` is NULL, or points to a `T` that nobody changes during `'a`.
pub(crate) unsafe fn shared<'a, T>(pointer: *const T) -> Result<&'a T, FlipperResult> {
    // SAFETY: the caller's promise; NULL becomes an error.
    unsafe { pointer.as_ref() }.ok_or(FlipperResult::Null)
}

/// # Safety
/// `pointer` points to `len` bytes that nobody changes during `'a`; it may be NULL if `len` is 0.
pub(crate) unsafe fn bytes<'a>(pointer: *const c_char, len: usize) -> Result<&'a [u8], FlipperResult> {
    // SAFETY: the caller's promise.
    unsafe { slice(pointer.cast(), len) }
}

/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn text<'a>(pointer: *const c_char, len: usize) -> Result<&'a str, FlipperResult> {
    // SAFETY: the caller's promise.
    str::from_utf8(unsafe { bytes(pointer, len) }?).map_err(|_| FlipperResult::InvalidUtf8)
}

/// A text that may be left out: NULL, and no bytes.
///
/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn optional<'a>(pointer: *const c_char, len: usize) -> Result<Option<&'a str>, FlipperResult> {
    if pointer.is_null() && len == 0 {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    unsafe { text(pointer, len) }.map(Some)
}

/// # Safety
/// `pointer` points to `count` `T`s that nobody changes during `'a`; it may be NULL if `count` is 0.
pub(crate) unsafe fn slice<'a, T>(pointer: *const T, count: usize) -> Result<&'a [T], FlipperResult> {
    if count == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(FlipperResult::Null);
    }
    if count.checked_mul(size_of::<T>()).is_none_or(|size| isize::try_from(size).is_err()) {
        // Nothing is that large; `SIZE_MAX` is what many have for "unknown".
        return Err(FlipperResult::BadValue);
    }
    // SAFETY: it is not NULL, and the rest is the caller's promise.
    Ok(unsafe { slice::from_raw_parts(pointer, count) })
}

/// A place to write to, for what must not be done if nobody hears how it went.
pub(crate) fn place<T>(to: *mut T) -> Result<*mut T, FlipperResult> {
    if to.is_null() { Err(FlipperResult::Null) } else { Ok(to) }
}

/// # Safety
/// `to` is NULL, or points to memory for a `T`.
pub(crate) unsafe fn write<T>(to: *mut T, value: T) -> Result<(), FlipperResult> {
    if to.is_null() {
        return Err(FlipperResult::Null);
    }
    // SAFETY: it is not NULL, and the rest is the caller's promise. What lay there needs no drop: it is C's.
    unsafe { ptr::write(to, value) };
    Ok(())
}

/// As [`write`], where NULL means that nobody wants it.
///
/// # Safety
/// As [`write`].
pub(crate) unsafe fn write_optional<T>(to: *mut T, value: T) {
    // SAFETY: the caller's promise.
    let _null = unsafe { write(to, value) };
}

/// Copies as much of a text as fits, whole characters, with a NUL.
///
/// # Safety
/// `buffer` points to `capacity` bytes, or is NULL; `length` is NULL, or points to a number.
pub(crate) unsafe fn copy(
    text: &str,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> Result<(), FlipperResult> {
    if capacity > 0 {
        if buffer.is_null() {
            return Err(FlipperResult::Null);
        }
        // No longer than what is written: whatever capacity may say, no more is touched.
        let taken = text.floor_char_boundary(capacity - 1);
        // SAFETY: the caller's promise.
        let buffer = unsafe { slice::from_raw_parts_mut(buffer.cast::<u8>(), taken + 1) };
        buffer[..taken].copy_from_slice(&text.as_bytes()[..taken]);
        buffer[taken] = 0;
    }
    // SAFETY: the caller's promise.
    unsafe { write_optional(length, text.len()) };
    Ok(())
}

/// Hands a value over to C, which gives it back to [`free`].
///
/// # Safety
/// As [`write`].
pub(crate) unsafe fn give<T>(to: *mut *mut T, value: T) -> Result<(), FlipperResult> {
    if to.is_null() {
        return Err(FlipperResult::Null);
    }
    // SAFETY: the caller's promise.
    unsafe { write(to, Box::into_raw(Box::new(value))) }
}

/// As [`give`], but makes the value only where there is somebody to give it to.
///
/// # Safety
/// As [`write`].
pub(crate) unsafe fn give_next<T>(
    to: *mut *mut T,
    next: impl FnOnce() -> Result<T, FlipperResult>,
) -> Result<(), FlipperResult> {
    if to.is_null() {
        return Err(FlipperResult::Null);
    }
    // SAFETY: the caller's promise.
    unsafe { give(to, next()?) }
}

/// # Safety
/// `pointer` is NULL, or came from [`give`] and is never used again.
pub(crate) unsafe fn free<T>(pointer: *mut T) {
    if pointer.is_null() {
        return;
    }
    // A panic while something is dropped has nobody to tell it.
    let _panic = guard(|| {
        // SAFETY: the caller's promise.
        drop(unsafe { Box::from_raw(pointer) });
        Ok(())
    });
}
