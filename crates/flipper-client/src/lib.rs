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
//! [`App`], [`Jobs`], [`Launch`] and [`wire`] are for those who write adapters.
#![forbid(unsafe_code)]

pub mod wire;

mod app;
mod builder;
mod call;
mod connection;
mod jobs;
mod plugin;
mod settings;
mod status;
mod www;

pub use self::app::{App, Clock, Notice, Observer, Spawn, Task, Turn};
pub use self::builder::{PluginBuilder, plugin};
pub use self::call::{Call, Responder, UnknownCall};
pub use self::connection::{Connection, SendError};
pub use self::jobs::Jobs;
pub use self::plugin::Plugin;
pub use self::settings::{Builder, Launch, Setup, StartError, default_directory};
pub use self::status::{Status, Watch};
pub use self::www::{CertificateProvider, Certificates, DirectoryProvider, FetchError, PlaceError};
#[cfg(feature = "www-http")]
pub use self::www::{HttpPlace, HttpProvider};
#[cfg(feature = "www-object-store")]
pub use self::www::{ObjectPlace, ObjectStoreProvider};
pub use flipper_proto as proto;
