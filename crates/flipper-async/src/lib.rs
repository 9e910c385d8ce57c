//! The one asynchronous Flipper driver, over a small `Runtime` trait.
//!
//! Apps do not name this crate: they use the adapter of their runtime, such as `flipper-tokio`, which implements
//! `Runtime` and gives [`Flipper`] its runtime. The desktop's side is in `desk`, and the WebSocket of both in `wire`.
//!
//! Without the feature `enabled` there is only what apps use, and it does nothing: see [`client`].
#![forbid(unsafe_code)]

#[cfg(feature = "enabled")]
pub mod desk;
#[cfg(feature = "enabled")]
pub mod wire;

#[cfg(feature = "enabled")]
mod connect;
#[cfg(feature = "enabled")]
mod driver;
#[cfg(feature = "enabled")]
mod flipper;
#[cfg(feature = "enabled")]
mod handlers;
#[cfg(feature = "enabled")]
mod head;
#[cfg(not(feature = "enabled"))]
mod off;
#[cfg(feature = "enabled")]
mod runtime;

#[cfg(feature = "enabled")]
pub use self::flipper::Flipper;
#[cfg(feature = "enabled")]
pub use self::handlers::AsyncMethods;
#[cfg(not(feature = "enabled"))]
pub use self::off::{AsyncMethods, Flipper};
#[cfg(feature = "enabled")]
pub use self::runtime::{Runtime, Sleep, sleep};
pub use flipper_client as client;
