//! Flipper for apps without an async runtime.
#![forbid(unsafe_code)]
