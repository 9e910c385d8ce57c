//! What the shop's owner may change while it is open.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct ShopSettings {
    /// What is written over the door.
    pub(crate) greeting: String,
    pub(crate) page_size: u16,
    pub(crate) discount_percent: u8,
    /// Whether orders are taken at all.
    pub(crate) open: bool,
}

impl Default for ShopSettings {
    fn default() -> Self {
        Self { greeting: "Welcome".to_owned(), page_size: 20, discount_percent: 0, open: true }
    }
}

/// What is to be changed in them.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Change {
    greeting: Option<String>,
    page_size: Option<u16>,
    discount_percent: Option<u8>,
    open: Option<bool>,
}

impl Change {
    pub(crate) fn make(self, settings: &mut ShopSettings) {
        let Self { greeting, page_size, discount_percent, open } = self;
        set(&mut settings.greeting, greeting);
        set(&mut settings.page_size, page_size);
        set(&mut settings.discount_percent, discount_percent);
        set(&mut settings.open, open);
    }
}

fn set<T>(old: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *old = new;
    }
}
