//! What is recorded: what the filter lets through, while an event would get anywhere.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Level, Metadata, Subscriber, span};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use super::Shared;

/// The crates of this project that are at work when an event is sent.
const OURS: [&str; 8] = [
    "flipper_async",
    "flipper_blocking",
    "flipper_client",
    "flipper_pki",
    "flipper_plugins",
    "flipper_proto",
    "flipper_smol",
    "flipper_tokio",
];

/// The crates beneath the connection: every event that is sent would make more of theirs.
const BENEATH: [&str; 8] =
    ["async_io", "async_tungstenite", "futures_rustls", "mio", "polling", "rustls", "tokio", "tungstenite"];

/// The filter of the layer, and of no other.
pub(super) struct Gate {
    shared: Arc<Shared>,
}

impl Gate {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Whether it is worth asking the filter.
    fn concerns(&self, metadata: &Metadata<'_>) -> bool {
        let open = self.shared.outlet.is_open() || (metadata.is_span() && self.shared.spans_while_closed);
        open && !feeds_back(metadata)
    }

    fn filter(&self) -> Arc<EnvFilter> {
        self.shared.filter().filter()
    }

    /// The filter, if it looks at spans.
    fn span_filter(&self) -> Option<Arc<EnvFilter>> {
        self.shared.looks_at_spans.load(Ordering::Relaxed).then(|| self.filter())
    }
}

/// Whether sending an event could make this one.
fn feeds_back(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let name = target.split_once("::").map_or(target, |(name, _)| name);
    OURS.contains(&name) || (*metadata.level() >= Level::DEBUG && BENEATH.contains(&name))
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Filter<S> for Gate {
    fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        self.concerns(metadata) && Filter::<S>::enabled(&*self.filter(), metadata, context)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if !self.concerns(metadata) {
            return Interest::never();
        }
        Filter::<S>::callsite_enabled(&*self.filter(), metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        if !self.shared.outlet.is_open() && !self.shared.spans_while_closed {
            return Some(LevelFilter::OFF);
        }
        Filter::<S>::max_level_hint(&*self.filter())
    }

    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        if let Some(filter) = self.span_filter() {
            Filter::<S>::on_new_span(&*filter, attributes, id, context);
        }
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        if let Some(filter) = self.span_filter() {
            Filter::<S>::on_record(&*filter, id, values, context);
        }
    }

    fn on_enter(&self, id: &span::Id, context: Context<'_, S>) {
        if let Some(filter) = self.span_filter() {
            Filter::<S>::on_enter(&*filter, id, context);
        }
    }

    fn on_exit(&self, id: &span::Id, context: Context<'_, S>) {
        if let Some(filter) = self.span_filter() {
            Filter::<S>::on_exit(&*filter, id, context);
        }
    }

    fn on_close(&self, id: span::Id, context: Context<'_, S>) {
        if let Some(filter) = self.span_filter() {
            Filter::<S>::on_close(&*filter, id, context);
        }
    }
}
