//! What the fuzz targets share. Each target says itself what it checks.
#![deny(unsafe_code)]

pub mod certificates;
pub mod disk;
pub mod ends;
#[expect(unsafe_code, reason = "it is in the place of a C program")]
pub mod ffi;
pub mod peer;
