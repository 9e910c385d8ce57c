//! The ready client: on threads of its own, with credentials and TLS.

mod app;
mod call;
mod config;
mod plugins;
mod status;
mod user;

pub use self::app::*;
pub use self::call::*;
pub use self::config::FlipperAppConfig;
pub use self::plugins::*;
pub use self::status::*;
