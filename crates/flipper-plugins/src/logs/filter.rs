//! What is recorded, as directives that the desktop can change.

use std::fmt;
use std::sync::Arc;

use flipper_client::proto::Excerpt;
use tracing_subscriber::EnvFilter;

use super::error::FilterError;

/// The most bytes that a filter has. A desktop may send any text.
const MAX_BYTES: usize = 4 << 10;

/// A filter that was read, ready for use.
#[derive(Clone, Debug)]
pub(super) struct Directives {
    filter: Arc<EnvFilter>,
}

impl Directives {
    /// Everything at `INFO` and above.
    pub(super) fn info() -> Self {
        Self { filter: Arc::new(EnvFilter::new("info")) }
    }

    pub(super) fn parse(directives: &str) -> Result<Self, FilterError> {
        if directives.len() > MAX_BYTES {
            return Err(FilterError {
                directive: Excerpt::new(directives).to_string(),
                reason: format!("the filter has {} bytes, {MAX_BYTES} are allowed", directives.len()),
            });
        }
        // Values of span fields are compared and not matched: a pattern of the desktop's would be run in the app.
        let builder = EnvFilter::builder().with_regex(false);
        let directives: Vec<_> =
            directives.split(',').map(str::trim).filter(|directive| !directive.is_empty()).collect();
        for directive in &directives {
            builder.parse(directive).map_err(|error| FilterError {
                directive: Excerpt::new(directive).to_string(),
                reason: reason(&error),
            })?;
        }
        let filter = builder.parse(directives.join(",")).map_err(|error| FilterError {
            directive: Excerpt::new(&directives.join(",")).to_string(),
            reason: reason(&error),
        })?;
        Ok(Self { filter: Arc::new(filter) })
    }

    /// Whether it looks at spans, and so has to be told of each.
    pub(super) fn looks_at_spans(&self) -> bool {
        self.to_string().contains('[')
    }

    /// The filter itself, which may be asked under no lock: a field that it looks at may log when it is formatted.
    pub(super) fn filter(&self) -> Arc<EnvFilter> {
        Arc::clone(&self.filter)
    }
}

impl fmt::Display for Directives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.filter.fmt(f)
    }
}

fn reason(error: &tracing_subscriber::filter::ParseError) -> String {
    use std::error::Error as _;
    match error.source() {
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directive_that_is_wrong_is_named() {
        let error = Directives::parse("info, my_app=loud ,other=debug").unwrap_err();
        assert_eq!(error.directive, "my_app=loud");
        assert!(!error.reason.is_empty());
        let error = Directives::parse("a=b=c").unwrap_err();
        assert_eq!(error.directive, "a=b=c");
    }

    #[test]
    fn a_filter_can_be_read_back() {
        for filter in ["info", "debug,my_app::db=trace", "[request{method=\"GET\"}]=trace,warn", " , info,,"] {
            let parsed = Directives::parse(filter).unwrap();
            assert_eq!(Directives::parse(&parsed.to_string()).unwrap().to_string(), parsed.to_string(), "{filter}");
        }
    }

    #[test]
    fn no_filter_is_too_much() {
        let error = Directives::parse(&"info,".repeat(1_000)).unwrap_err();
        assert_eq!(error.reason, "the filter has 5000 bytes, 4096 are allowed");
        assert!(error.directive.len() < 300);
        for odd in ["[", "]", "[]", "{}", "[{", "[{=}]", "=", "==", "\u{0}", "[a{b=c}", "%", "💥", "a[b]c=info"] {
            // Whatever it means, it is an answer.
            let _answer = Directives::parse(odd);
        }
    }
}
