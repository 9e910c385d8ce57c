//! What may be wrong with a filter.

use std::fmt;

use flipper_client::proto::ErrorReport;

/// A filter that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FilterError {
    /// The directive that is wrong, or the beginning of it.
    pub directive: String,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the directive `{}` is not understood: {}", self.directive, self.reason)
    }
}

impl std::error::Error for FilterError {}

impl From<FilterError> for ErrorReport {
    fn from(error: FilterError) -> Self {
        Self::new(error.to_string()).named("InvalidFilter").with_hint(
            "directives look like `info`, `my_crate=debug`, `my_crate::module=trace` or `[my_span]=debug`, with commas \
             in between",
        )
    }
}
