//! Records events, and the fields of spans.

use std::cell::Cell;
use std::sync::Arc;

use tracing::{Dispatch, Event, Subscriber, span};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::row::{Fields, Row, SpanRow};
use super::{EVENT, Shared, unix_millis};

/// The most spans that an event is shown with: the innermost ones.
const MAX_SPANS: usize = 32;

/// The layer, without its filter.
pub(super) struct Recorder {
    shared: Arc<Shared>,
}

impl Recorder {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

/// What was recorded of a span. Events share it with the span until it changes.
struct Recorded(Arc<Fields>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        let mut dispatches = self.shared.dispatches.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        dispatches.retain(|dispatch| dispatch.upgrade().is_some());
        dispatches.push(dispatch.downgrade());
    }

    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        let Some(_recording) = Recording::begin() else { return };
        let Some(span) = context.span(id) else { return };
        let fields = Fields::of(self.shared.text_limit, |visitor| attributes.record(visitor));
        span.extensions_mut().replace(Recorded(Arc::new(fields)));
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        let Some(_recording) = Recording::begin() else { return };
        let Some(span) = context.span(id) else { return };
        // Whatever a field does when it is formatted, it does it before the span is locked.
        let fields = Fields::of(self.shared.text_limit, |visitor| values.record(visitor));
        let mut extensions = span.extensions_mut();
        match extensions.get_mut::<Recorded>() {
            Some(Recorded(recorded)) => Arc::make_mut(recorded).update(fields),
            None => extensions.insert(Recorded(Arc::new(fields))),
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        // The callsites may not know yet that it has closed.
        if !self.shared.outlet.is_open() {
            return;
        }
        let Some(_recording) = Recording::begin() else { return };
        let fields = Fields::of(self.shared.text_limit, |visitor| event.record(visitor));
        let mut spans: Vec<SpanRow> = Vec::new();
        let mut left_out = 0_usize;
        for span in context.event_scope(event).into_iter().flatten() {
            if spans.len() == MAX_SPANS {
                left_out += 1;
                continue;
            }
            let recorded = span.extensions().get::<Recorded>().map(|Recorded(fields)| Arc::clone(fields));
            spans.push(SpanRow { name: span.name(), target: span.metadata().target(), fields: recorded });
        }
        spans.reverse();
        let row = Row::new(self.shared.next_id(), unix_millis(), event.metadata(), fields, spans, left_out);
        self.shared.outlet.send(EVENT, &row);
        self.shared.follow_outlet_soon();
    }
}

thread_local! {
    static RECORDING: Cell<bool> = const { Cell::new(false) };
}

/// While this lives, nothing else of the same thread is recorded: formatting and sending an event makes no events.
struct Recording;

impl Recording {
    /// `None` where one is at work already, or the thread is about to end.
    fn begin() -> Option<Self> {
        let was = RECORDING.try_with(|recording| recording.replace(true)).unwrap_or(true);
        (!was).then_some(Self)
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let _ended = RECORDING.try_with(|recording| recording.set(false));
    }
}
