//! What one may ask the library itself.

use std::ffi::c_char;

use crate::exclusive::guard;
use crate::pointer::{self, FlipperStr};
use crate::result::FlipperResult;

/// Explains a result, for people. As much as fits is written into the buffer, with a NUL behind it; `length`, which may be
/// NULL, is how many bytes there are without the NUL. So a capacity of 0 asks for the length alone.
///
/// FLIPPER_RESULT_BAD_VALUE: there is no such result in this version of the library. Of the buffer, nothing is touched.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flipper_result_message(
    result: u32,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> FlipperResult {
    // SAFETY: the caller's promise.
    guard(|| unsafe {
        let message = FlipperResult::explain(result).ok_or(FlipperResult::BadValue)?;
        pointer::copy(message, buffer, capacity, length)
    })
}

/// The version of the library, as 0x00MMmmpp: major, minor, patch.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub extern "C" fn flipper_version() -> u32 {
    VERSION
}

/// The version of the library, as a text that is always good.
///
/// Threads: any, several at once.
#[unsafe(no_mangle)]
pub extern "C" fn flipper_version_text() -> FlipperStr {
    FlipperStr::of(env!("CARGO_PKG_VERSION"))
}

const VERSION: u32 = number(env!("CARGO_PKG_VERSION_MAJOR")) << 16
    | number(env!("CARGO_PKG_VERSION_MINOR")) << 8
    | number(env!("CARGO_PKG_VERSION_PATCH"));

/// A part of the version, which has one byte.
const fn number(part: &str) -> u32 {
    match u8::from_str_radix(part, 10) {
        Ok(number) => number as u32,
        Err(_) => 0xff,
    }
}
