//! The desktop's state machine through its C functions, from the place of a C program.

#![expect(unsafe_code, reason = "this is the place of a C program")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that fails panics")]

mod lines;
mod misuse;
mod program;
mod transcripts;
