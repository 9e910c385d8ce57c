//! The app's state machine: facts and wishes in, actions and events out.

mod config;
mod credentials;
mod facts;
mod handle;
mod jobs;
mod polls;
mod questions;
mod told;
mod wishes;

pub use self::config::{FlipperClientConfig, FlipperForeground, FlipperMedium, FlipperOverflow};
#[cfg(feature = "threaded")]
pub(crate) use self::config::{medium, overflow};
pub use self::credentials::{FlipperCredentialProblem, FlipperCredentials, FlipperPrepared};
pub use self::facts::*;
pub use self::handle::{FlipperClient, flipper_client_free, flipper_client_new};
pub use self::jobs::*;
pub use self::polls::*;
pub use self::questions::*;
pub(crate) use self::told::number;
pub use self::told::{FlipperClientFailure, FlipperClientStep, FlipperExchangeReason};
pub use self::wishes::*;
