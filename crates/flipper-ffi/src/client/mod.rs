//! The app's state machine: facts and wishes in, actions and events out.

mod facts;
mod handle;
mod polls;
mod record;
mod wishes;

pub use self::facts::*;
pub use self::handle::{FlipperClient, flipper_client_free, flipper_client_new};
pub use self::polls::*;
pub(crate) use self::record::sized;
pub use self::record::{FlipperClientConfig, FlipperCredentials};
pub use self::wishes::*;
