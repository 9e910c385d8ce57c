//! The plugin where Flipper is switched off: nothing at all.

use super::store::{Store, Value};

/// The plugin `Preferences`, switched off.
#[derive(Clone, Debug, Default)]
pub struct Preferences(());

impl Preferences {
    /// The plugin's name on the wire.
    pub const ID: &str = "Preferences";

    /// Nothing.
    #[inline]
    #[must_use]
    pub fn new() -> Self {
        Self(())
    }

    /// Lets the store go.
    #[inline]
    pub fn add(&self, name: impl Into<String>, store: impl Store) {
        drop((name, store));
    }

    /// Nothing is ever there.
    #[inline]
    pub fn remove(&self, name: &str) -> bool {
        let _ = name;
        false
    }
}

/// Whom a [`Store`] tells of its changes: nobody.
#[derive(Clone, Debug)]
pub struct Changes {
    _never_made: (),
}

impl Changes {
    /// Nobody hears of it.
    #[inline]
    pub fn changed(&self, key: &str, value: Option<&Value>) {
        let _ = (key, value);
    }

    /// Nobody wants to be told.
    #[inline]
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        false
    }
}

does_nothing!(Preferences, Self::ID);
