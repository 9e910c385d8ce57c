//! The one asynchronous Flipper driver, over a small [`Runtime`] trait.
//!
//! Apps do not name this crate: they use the adapter of their runtime, such as `flipper-tokio`, which implements
//! [`Runtime`] and gives [`Flipper`] its runtime. The desktop's side is in [`desk`], and the WebSocket of both in [`wire`].
#![forbid(unsafe_code)]

pub mod desk;
pub mod wire;

mod connect;
mod driver;
mod flipper;
mod handlers;
mod head;
mod runtime;

pub use self::flipper::Flipper;
pub use self::handlers::AsyncMethods;
pub use self::runtime::{Runtime, Sleep, sleep};
pub use flipper_client as client;
