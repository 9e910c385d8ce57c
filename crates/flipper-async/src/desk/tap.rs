//! Who sees everything that passes.

use flipper_proto::desktop::Event;
use flipper_proto::{ConnId, Instant};

/// Sees every message between a desk and its peers, as it is, and what the state machine tells; all in the order in
/// which it happens. [`Desk::set_tap`](super::Desk::set_tap) puts one in place.
///
/// It is called under the desk's lock: it must not wait for anything, nor use the desk.
pub trait Tap: Send + Sync + 'static {
    /// A message arrived, on whichever port. It comes before anything that it brings about.
    fn received(&self, conn: ConnId, text: &str);

    /// A message was handed to the socket of its connection. The first one to a client comes after the event that the
    /// client is there; a last one may come after the event that it is gone.
    fn sent(&self, conn: ConnId, text: &str);

    /// The state machine told this, at this moment of the desk's clock.
    fn told(&self, event: &Event, now: Instant);
}
