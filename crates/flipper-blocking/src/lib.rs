//! Flipper for apps without an async runtime.
//!
//! ```no_run
//! use flipper_blocking::{Flipper, plugin};
//!
//! # fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let flipper = Flipper::builder("My App", "com.example.app")
//!     .plugin(plugin("Example").background().method("greet", |name: String| -> Result<_, String> {
//!         Ok([format!("hello, {name}")])
//!     }).build())
//!     .start()?;
//!
//! flipper.connection("Example").send("started", &["at last"])?;
//! flipper.connected();
//! flipper.stop().wait()?;
//! # Ok(())
//! # }
//! ```
//!
//! # Threads
//!
//! - `flipper-io` does everything that goes over the network. It waits for its socket, a timer, or whoever wakes it, and
//!   never for a callback: while one blocks, pings are answered and the connection can be closed.
//! - `flipper-handler` calls plugins and the observer back. There is one, and then everything comes one after the other;
//!   [`Options::handlers`] makes them more. A callback that takes long holds up those that come after it, and nobody else.
//! - `flipper-work` and `flipper-connect` live shortly: they make keys, read and write files, and look the desktop's host up.
//!
//! # When callbacks block
//!
//! Calls that wait for a handler count as pending: beyond [`Limits::pending_calls`](proto::Limits) in number, and
//! `pending_call_bytes` in size, the desktop gets errors instead. Events, answers, pings and reconnects go on. Whatever
//! else a desktop may send meanwhile is bounded as well: when it has filled as much again, nothing more is read before
//! callbacks have returned.
//!
//! Everything that an app sees is in [`flipper_client`]. Without the feature `enabled` all of it is still there, and does
//! nothing.
// Forbidden everywhere but in `tcp`, where a socket is given to the poller.
#![deny(unsafe_code)]

#[cfg(feature = "enabled")]
mod bell;
#[cfg(feature = "enabled")]
mod crew;
#[cfg(feature = "enabled")]
mod dial;
#[cfg(feature = "enabled")]
mod driver;
#[cfg(feature = "enabled")]
mod flipper;
#[cfg(feature = "enabled")]
mod handlers;
#[cfg(feature = "enabled")]
mod lanes;
#[cfg(not(feature = "enabled"))]
mod off;
#[cfg(feature = "enabled")]
mod opening;
mod options;
#[cfg(feature = "enabled")]
mod stream;
#[cfg(feature = "enabled")]
mod tcp;
#[cfg(feature = "enabled")]
mod wire;

#[cfg(feature = "enabled")]
pub use self::flipper::{Flipper, Stopping};
#[cfg(not(feature = "enabled"))]
pub use self::off::{Flipper, Stopping};
pub use self::options::{InCallback, Options};
pub use flipper_client;
pub use flipper_client::{
    Call, CertificateProvider, Certificates, Connection, DirectoryProvider, FetchError, Notice, PlaceError, Plugin,
    PluginBuilder, Responder, SendError, Setup, StartError, Status, UnknownCall, Watch, plugin, proto,
};
#[cfg(feature = "www-http")]
pub use flipper_client::{HttpPlace, HttpProvider};
#[cfg(feature = "www-object-store")]
pub use flipper_client::{ObjectPlace, ObjectStoreProvider};
#[cfg(feature = "init")]
pub use flipper_plugins as plugins;
#[cfg(feature = "init")]
pub use flipper_plugins::Plugins;

/// The settings of an app on threads. See [`flipper_client::Builder`].
pub type Builder = flipper_client::Builder<Flipper>;

/// A Flipper that [`init`] has started, with its plugins.
#[cfg(feature = "init")]
pub type WithPlugins = flipper_plugins::WithPlugins<Flipper>;

/// Starts Flipper for the app of this name, with every plugin that was chosen as a feature. See [`plugins::init`].
#[cfg(feature = "init")]
#[must_use = "Flipper stops when this is dropped"]
#[inline]
pub fn init(app: impl Into<String>) -> WithPlugins {
    flipper_plugins::init::<Flipper>(app)
}
