//! Medium WWW with real stores and real networks in between: HTTP, HTTPS, an S3-compatible server, and two network
//! namespaces that share nothing but a wire.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail at any line")]

mod http;
mod http_server;



mod rig;
