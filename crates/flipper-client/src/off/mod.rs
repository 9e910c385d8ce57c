//! What is left of this crate without the feature `enabled`: the same API for apps, which does nothing.
//!
//! Everything has the size of nothing, so that an optimised program has nothing left of it either. What is documented here
//! is only how it differs; the rest stands where the real one is.
#![expect(missing_docs, reason = "it is documented where it does something")]

mod call;
mod connection;
#[cfg(any(feature = "www-http", feature = "www-object-store"))]
mod places;
mod plugin;
mod settings;
mod watch;

pub use self::call::{Call, Responder, Task};
pub use self::connection::Connection;
#[cfg(feature = "www-http")]
pub use self::places::{HttpPlace, HttpProvider};
#[cfg(feature = "www-object-store")]
pub use self::places::{ObjectPlace, ObjectStoreProvider};
pub use self::plugin::{PluginBuilder, plugin};
pub use self::settings::{Builder, DirectoryProvider, LinkError, Setup};
pub use self::watch::Watch;

/// What never exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Never {}
