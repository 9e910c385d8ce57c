//! Pointers from C, and what is made of them.

use std::ffi::c_char;
use std::{ptr, slice};

use crate::code::Code;

/// A borrowed text: `ptr` may be NULL, which stands for no text.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Str {
    /// Where it begins.
    pub ptr: *const c_char,
    /// How many bytes it has.
    pub len: usize,
}

impl Str {
    /// The text of something that lives on.
    pub(crate) fn of(text: &str) -> Self {
        Self { ptr: text.as_ptr().cast(), len: text.len() }
    }

    /// # Safety
    /// As [`text`].
    pub(crate) unsafe fn read<'a>(self) -> Result<&'a str, Code> {
        // SAFETY: the caller's promise.
        unsafe { text(self.ptr, self.len) }
    }

    /// # Safety
    /// As [`text`], unless `ptr` is NULL.
    pub(crate) unsafe fn read_optional<'a>(self) -> Result<Option<&'a str>, Code> {
        if self.ptr.is_null() {
            return Ok(None);
        }
        // SAFETY: the caller's promise.
        unsafe { text(self.ptr, self.len) }.map(Some)
    }
}

/// # Safety
/// `pointer` is NULL, or points to a `T` that nobody changes during `'a`.
pub(crate) unsafe fn shared<'a, T>(pointer: *const T) -> Result<&'a T, Code> {
    // SAFETY: the caller's promise; NULL becomes an error.
    unsafe { pointer.as_ref() }.ok_or(Code::Null)
}

/// # Safety
/// `pointer` is NULL, or points to a `T` that nobody else uses during `'a`.
pub(crate) unsafe fn exclusive<'a, T>(pointer: *mut T) -> Result<&'a mut T, Code> {
    // SAFETY: the caller's promise; NULL becomes an error.
    unsafe { pointer.as_mut() }.ok_or(Code::Null)
}

/// # Safety
/// `pointer` points to `len` bytes that nobody changes during `'a`; it may be NULL if `len` is 0.
pub(crate) unsafe fn bytes<'a>(pointer: *const c_char, len: usize) -> Result<&'a [u8], Code> {
    if len == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(Code::Null);
    }
    // SAFETY: it is not NULL, bytes need no alignment, and the rest is the caller's promise.
    Ok(unsafe { slice::from_raw_parts(pointer.cast(), len) })
}

/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn text<'a>(pointer: *const c_char, len: usize) -> Result<&'a str, Code> {
    // SAFETY: the caller's promise.
    str::from_utf8(unsafe { bytes(pointer, len) }?).map_err(|_| Code::InvalidUtf8)
}

/// # Safety
/// `to` is NULL, or points to memory for a `T`.
pub(crate) unsafe fn write<T>(to: *mut T, value: T) -> Result<(), Code> {
    if to.is_null() {
        return Err(Code::Null);
    }
    // SAFETY: it is not NULL, and the rest is the caller's promise. What lay there needs no drop: it is C's.
    unsafe { ptr::write(to, value) };
    Ok(())
}

/// Hands a value over to C, which gives it back to [`free`].
///
/// # Safety
/// As [`write`].
pub(crate) unsafe fn give<T>(to: *mut *mut T, value: T) -> Result<(), Code> {
    if to.is_null() {
        return Err(Code::Null);
    }
    // SAFETY: the caller's promise.
    unsafe { write(to, Box::into_raw(Box::new(value))) }
}

/// # Safety
/// `pointer` is NULL, or came from [`give`] and is never used again.
pub(crate) unsafe fn free<T>(pointer: *mut T) {
    if !pointer.is_null() {
        // SAFETY: the caller's promise.
        drop(unsafe { Box::from_raw(pointer) });
    }
}
