//! The C functions, called in any order with anything that C may pass: the client, the desktop, and an app that is never
//! started.
//!
//! Texts are arbitrary bytes, NULL, NULL with a length, and memory with the length `SIZE_MAX`; numbers are arbitrary, in
//! records as well; records are NULL, shorter, longer, or of a size that is none; handles and places for results are NULL
//! or not; handles are freed and made again, and what was polled is read after its machine was freed.
//!
//! What the contract excludes is not done, as no library could tell:
//!
//! - pointers that point to nothing, or to something else than they are for;
//! - handles that were freed, twice freed handles, and those of another kind;
//! - lengths beyond the memory, but for those that no memory has;
//! - records that are smaller than they say, and lists that are shorter;
//! - texts of handles that were freed;
//! - a clock that goes back, and the moment FLIPPER_NEVER;
//! - functions that are called where their rule for threads forbids it.
//!
//! Apps that are started have threads and a network, and are left to tests.
#![no_main]

use flipper_fuzz::ffi;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| ffi::run(&ffi::read(input)));
