//! Arbitrary operations on a client.

mod model;
mod ops;

pub use self::model::Model;
pub use self::ops::{Op, Outcome, PLUGINS, Pick, Settings, UNFIT, read, write};

use flipper_proto::client::Credentials;
use flipper_proto::{Generation, Instant, Medium};

/// Credentials of this generation that a desktop gave which answers with an empty device id.
#[must_use]
pub fn credentials(generation: u64, valid_until: Instant) -> Credentials {
    Credentials {
        generation: Generation::from_u64(generation),
        device_id: String::new(),
        medium: Medium::FsAccess,
        os: None,
        csr: format!("CSR {generation}"),
        csr_path: format!("/app/{generation}/"),
        valid_until,
    }
}
