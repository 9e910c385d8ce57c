//! Flipper for apps that run on smol.
//!
//! ```no_run
//! use flipper_smol::{Flipper, plugin};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! smol::block_on(async {
//!     let flipper = Flipper::builder("My App", "com.example.app")
//!         .plugin(plugin("Example").background().method("greet", |name: String| -> Result<_, String> {
//!             Ok([format!("hello, {name}")])
//!         }).build())
//!         .start()?;
//!
//!     flipper.connection("Example").send("started", &["at last"])?;
//!     flipper.connected().await;
//!     flipper.stop().await;
//!     Ok(())
//! })
//! # }
//! ```
//!
//! Tasks run on smol's global executor, whose threads start by themselves; an app that has an executor of its own hands
//! it to [`Smol::on`] and starts with [`Flipper::launch_on`].
//!
//! Callbacks of plugins run on the task that drives the connection: one that takes long belongs into a task of its own,
//! which [`AsyncMethods`] makes easy. Everything that an app sees is in [`flipper_client`].
//! Without the feature `enabled` all of it is still there, and does nothing.
#![forbid(unsafe_code)]

#[cfg(not(feature = "enabled"))]
mod off;
#[cfg(feature = "enabled")]
mod smol;

#[cfg(not(feature = "enabled"))]
pub use self::off::Smol;
#[cfg(feature = "enabled")]
pub use self::smol::{Listener, Sleep, Smol, Stream};
pub use flipper_async::AsyncMethods;
pub use flipper_async::client as flipper_client;
pub use flipper_async::client::{
    Call, CertificateProvider, Certificates, Connection, DirectoryProvider, FetchError, Notice, PlaceError, Plugin,
    PluginBuilder, Responder, SendError, StartError, Status, UnknownCall, Watch, plugin, proto,
};
#[cfg(feature = "www-http")]
pub use flipper_async::client::{HttpPlace, HttpProvider};
#[cfg(feature = "www-object-store")]
pub use flipper_async::client::{ObjectPlace, ObjectStoreProvider};
#[cfg(feature = "init")]
pub use flipper_plugins as plugins;
#[cfg(feature = "init")]
pub use flipper_plugins::Plugins;

/// An app's Flipper on smol. See [`flipper_async::Flipper`].
pub type Flipper = flipper_async::Flipper<Smol>;

/// The settings of an app on smol. See [`flipper_client::Builder`].
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
