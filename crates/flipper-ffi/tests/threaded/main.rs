//! The ready client through its C functions, with a desktop that does what the tests say.

#![cfg(feature = "threaded")]
#![expect(unsafe_code, reason = "this is the place of a C program")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails panics")]

mod callbacks;
mod calls;
mod life;
mod misuse;
mod rig;
