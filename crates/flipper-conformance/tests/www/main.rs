//! Medium WWW by way of real stores: HTTP, HTTPS, and an S3-compatible server.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail at any line")]

mod adapters;
mod http;
mod http_server;
mod moto;
mod rig;
