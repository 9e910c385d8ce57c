//! Who is who.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt;
use core::fmt::Write as _;

use crate::query::Query;

/// The name of a plugin, such as `Network`: both ends know it by this.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PluginId(Arc<str>);

impl PluginId {
    /// The plugin of this name.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self(Arc::from(id))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for PluginId {
    fn from(id: &str) -> Self {
        Self::new(id)
    }
}

impl core::borrow::Borrow<str> for PluginId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a desktop calls a client: `escape(app)#os#device#device_id`, as the official desktop does.
///
/// A second client of the same identity that is another process (the two carry different `instance_id`s) has its
/// `instance_id` appended.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(Arc<str>);

impl ClientId {
    /// The id of the client that presents `query`.
    #[must_use]
    pub fn of(query: &Query) -> Self {
        let mut id = String::new();
        escape(&query.app, &mut id);
        for part in [&query.os, &query.device, &query.device_id] {
            id.push('#');
            id.push_str(part);
        }
        Self(Arc::from(id))
    }

    /// The id with this text, as a peer or a person gave it.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// The same identity in another process.
    #[must_use]
    pub(crate) fn of_instance(&self, instance_id: &str) -> Self {
        let mut id = self.0.to_string();
        id.push('#');
        id.push_str(instance_id);
        Self(Arc::from(id))
    }

    /// The text of the id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// JavaScript's `escape`, which is what the official desktop builds its ids with.
fn escape(text: &str, out: &mut String) {
    for unit in text.encode_utf16() {
        let written = match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii_alphanumeric() || b"@*_+-./".contains(&byte) => {
                out.push(char::from(byte));
                Ok(())
            }
            Ok(byte) => write!(out, "%{byte:02X}"),
            Err(_) => write!(out, "%u{unit:04X}"),
        };
        debug_assert!(written.is_ok(), "writing to a String cannot fail");
    }
}
