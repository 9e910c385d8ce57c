//! What the fuzz targets share. Each target says itself what it checks.
#![forbid(unsafe_code)]

pub mod certificates;
pub mod disk;
pub mod ends;
pub mod peer;
