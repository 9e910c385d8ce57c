//! A simulated runtime.
#![forbid(unsafe_code)]
