//! What an app sees of Flipper, whatever its runtime.
//!
//! An app describes its [`Plugin`]s, hands them to the [`Builder`] of an adapter crate (`flipper-tokio` and its like) and
//! starts it. Plugins get a [`Connection`] to send events with when a desktop initialises them, and a [`Call`] with a
//! [`Responder`] whenever it calls one of their methods.
//!
//! ```
//! use flipper_client::plugin;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Deserialize)]
//! struct Word {
//!     word: String,
//! }
//!
//! let plugin = plugin("Example")
//!     .background()
//!     .on_connect(|connection| drop(connection.send("hello", &["world"])))
//!     .method("reverse", |params: Word| -> Result<_, String> {
//!         Ok([("word", params.word.chars().rev().collect::<String>())].into_iter().collect::<std::collections::BTreeMap<_, _>>())
//!     })
//!     .build();
//! # drop(plugin);
//! ```
//!
//! No callback of a plugin ever runs under a lock, so that a plugin may do in it whatever an app may do; and a plugin
//! that panics harms nobody else: the call is answered with an error.
//!
//! `App`, `Jobs`, [`Launch`] and the module `wire` are for those who write adapters.
//!
//! # Switched off
//!
//! Without the feature `enabled`, which is on by default, all that an app uses is there and does nothing: a Flipper starts
//! and has stopped already, events are taken and dropped, and so are plugins and closures. An optimised program has nothing
//! left of it, and no crate for TLS or WebSockets is even compiled. What adapters are made of is missing then.
#![forbid(unsafe_code)]

#[cfg(feature = "enabled")]
pub mod wire;

#[cfg(feature = "enabled")]
mod app;
#[cfg(feature = "enabled")]
mod builder;
#[cfg(feature = "enabled")]
mod call;
#[cfg(feature = "enabled")]
mod connection;
mod error;
#[cfg(feature = "enabled")]
mod jobs;
mod launch;
mod notice;
#[cfg(not(feature = "enabled"))]
mod off;
mod plugin;
#[cfg(feature = "enabled")]
mod settings;
mod status;
#[cfg(feature = "enabled")]
mod watch;
mod www;

#[cfg(feature = "enabled")]
pub use self::app::{App, Clock, Observer, Spawn, Task, Turn};
#[cfg(feature = "enabled")]
pub use self::builder::{PluginBuilder, plugin};
#[cfg(feature = "enabled")]
pub use self::call::{Call, Responder};
#[cfg(feature = "enabled")]
pub use self::connection::Connection;
pub use self::error::{SendError, StartError, UnknownCall};
#[cfg(feature = "enabled")]
pub use self::jobs::Jobs;
pub use self::launch::Launch;
pub use self::notice::Notice;
#[cfg(not(feature = "enabled"))]
pub use self::off::*;
pub use self::plugin::Plugin;
#[cfg(feature = "enabled")]
pub use self::settings::{Builder, Setup};
pub use self::status::Status;
#[cfg(feature = "enabled")]
pub use self::watch::Watch;
#[cfg(feature = "enabled")]
pub use self::www::DirectoryProvider;
pub use self::www::{CertificateProvider, Certificates, FetchError, PlaceError};
#[cfg(all(feature = "enabled", feature = "www-http"))]
pub use self::www::{HttpPlace, HttpProvider};
#[cfg(all(feature = "enabled", feature = "www-object-store"))]
pub use self::www::{ObjectPlace, ObjectStoreProvider};
pub use flipper_proto as proto;
