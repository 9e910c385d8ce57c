//! The Flipper protocol as pure state machines.
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::wildcard_enum_match_arm)]

extern crate alloc;

pub mod client;
pub mod desktop;

mod close;
mod error;
mod identity;
mod ids;
mod limits;
mod query;
mod text;
mod time;
mod wire;

pub use self::close::{CloseCause, CloseCode, TlsFailure};
pub use self::error::{ApiMisuse, ErrorReport, Excerpt, ProtocolError};
pub use self::identity::{ClientId, PluginId};
pub use self::ids::{AttemptId, CallId, ConnId, ExchangeId, Generation, JobId, MessageId, RequestId};
pub use self::limits::{Limits, Overflow};
pub use self::query::{Medium, Query, QueryError, SDK_VERSION};
pub use self::text::{Payload, Text};
pub use self::time::{Instant, WallTime};
