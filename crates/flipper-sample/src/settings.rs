//! What the shop's owner may change while it is open.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct Settings {
    /// What is written over the door.
    pub(crate) greeting: String,
    pub(crate) page_size: u16,
    pub(crate) discount_percent: u8,
    /// Whether orders are taken at all.
    pub(crate) open: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { greeting: "Welcome".to_owned(), page_size: 20, discount_percent: 0, open: true }
    }
}
