//! The desktop over real sockets and real TLS, against this project's own client and against scripted peers.
//!
//! Nothing here waits for time to pass: tests wait for events, answers and the ends of connections, and all of that has
//! a limit that only a failure reaches.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail at any line")]

mod accept;
mod admission;
mod calls;
mod exchange;
mod http;
mod lifecycle;
mod load;
mod start;
mod support;
mod telling;
