//! What the library says of its results and of itself.

#![expect(unsafe_code, reason = "this is the place of a C program")]
#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

use std::ffi::c_char;
use std::path::Path;
use std::ptr::null_mut;
use std::{fs, slice};

use flipper_ffi::*;

#[test]
fn every_result_is_explained_by_the_library_and_in_the_book() {
    let header = read("include/flipper.h");
    let numbers = header.lines().filter_map(|line| {
        let (name, number) = line.trim().strip_prefix("FLIPPER_RESULT_")?.split_once(" = ")?;
        Some((name, number.strip_suffix(',')?.parse().unwrap()))
    });
    let expected: Vec<_> =
        numbers.map(|(name, number)| format!("| {name} | {number} | {} |", message(number))).collect();
    assert!(expected.len() >= 30, "{expected:?}");

    let book = read("../../docs/ffi.md");
    let (_, table) = book.split_once("\n## Results\n").unwrap();
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert_eq!(rows, expected, "docs/ffi.md should have\n{}", expected.join("\n"));
}

#[test]
fn a_message_never_leaves_its_buffer_and_always_has_an_end() {
    let whole = message(FlipperResult::InvalidJson as u32);
    for capacity in 0..whole.len() + 3 {
        let mut buffer = vec![b'#'; whole.len() + 4];
        let mut length = 0;
        // SAFETY: the buffer has more bytes than it is said to have.
        let result = unsafe {
            flipper_result_message(FlipperResult::InvalidJson as u32, buffer.as_mut_ptr().cast(), capacity, &mut length)
        };
        assert_eq!((result, length), (FlipperResult::Ok, whole.len()));
        let taken = capacity.saturating_sub(1).min(whole.len());
        assert_eq!(&buffer[..taken], &whole.as_bytes()[..taken]);
        let after = if capacity == 0 { 0 } else { taken + 1 };
        assert!(capacity == 0 || buffer[taken] == 0);
        assert!(buffer[after..].iter().all(|byte| *byte == b'#'), "{capacity}: {buffer:?}");
    }
}

#[test]
fn a_buffer_may_be_larger_than_any() {
    let mut buffer = [0; 200];
    // SAFETY: the message is shorter than the buffer, and nothing beyond it is touched whatever the capacity is said to be.
    let result =
        unsafe { flipper_result_message(FlipperResult::Null as u32, buffer.as_mut_ptr(), usize::MAX, null_mut()) };
    assert_eq!(result, FlipperResult::Ok);
}

#[test]
fn a_message_without_a_buffer_or_without_a_result_is_told() {
    let mut length = 7;
    let mut byte: c_char = 7;
    // SAFETY: NULL is allowed everywhere, and the buffer has its byte.
    unsafe {
        assert_eq!(flipper_result_message(0, null_mut(), 1, &mut length), FlipperResult::Null);
        assert_eq!(flipper_result_message(0, null_mut(), 0, null_mut()), FlipperResult::Ok);
        for unknown in [1, 9_000, 9_198, u32::MAX] {
            assert_eq!(flipper_result_message(unknown, &mut byte, 1, &mut length), FlipperResult::BadValue);
        }
    }
    assert_eq!((length, byte), (7, 7), "nothing is written unless the result is good");
}

#[test]
fn the_version_is_a_number_and_a_text() {
    let text = flipper_version_text();
    // SAFETY: it is always good.
    let text = unsafe { slice::from_raw_parts(text.ptr.cast::<u8>(), text.len) };
    assert_eq!(text, env!("CARGO_PKG_VERSION").as_bytes());
    let [zero, major, minor, patch] = flipper_version().to_be_bytes();
    assert_eq!((zero, format!("{major}.{minor}.{patch}").as_str()), (0, env!("CARGO_PKG_VERSION")));
}

fn message(number: u32) -> String {
    let (mut buffer, mut length) = ([0_u8; 200], 0);
    // SAFETY: the buffer is as large as it is said to be.
    let result = unsafe { flipper_result_message(number, buffer.as_mut_ptr().cast(), buffer.len(), &mut length) };
    assert_eq!(result, FlipperResult::Ok, "{number}");
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}
