//! The desktop's state machine: facts and wishes in, actions and events out.

pub(crate) mod action;
mod admission;
mod clients;
mod config;
pub(crate) mod event;
mod facts;
mod handle;
mod polls;
mod proof;
mod questions;
mod wishes;

pub use self::admission::*;
pub use self::clients::*;
pub use self::config::FlipperDesktopConfig;
pub use self::event::{FlipperGoneCause, FlipperOutcome};
pub use self::facts::*;
pub use self::handle::{FlipperDesktop, flipper_desktop_free, flipper_desktop_new};
pub use self::polls::*;
pub use self::proof::*;
pub use self::questions::*;
pub use self::wishes::*;
