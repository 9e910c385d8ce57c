//! Where something is in the API.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// An app, by its id or its name.
pub(crate) struct Target<'a>(&'a str);

/// Everything but the unreserved characters of RFC 3986.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl<'a> Target<'a> {
    pub(crate) fn new(app: &'a str) -> Self {
        Self(app)
    }

    pub(crate) fn path(&self) -> String {
        format!("/api/v1/apps/{}", escaped(self.0))
    }

    pub(crate) fn plugin(&self, plugin: &str) -> String {
        format!("{}/plugins/{}", self.path(), escaped(plugin))
    }
}

pub(super) fn escaped(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}
