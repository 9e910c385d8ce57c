//! What an observer is told.

use flipper_proto::ProtocolError;
use flipper_proto::client::{Failure, State, Step};

/// Something that happened on the way, for those who watch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The connection is in another state.
    State(State),
    /// A step on the way.
    Step(Step),
    /// Something failed; the app goes on by itself.
    Failed(Failure),
    /// The desktop sent something that is not understood; the session goes on.
    PeerMisbehaved(ProtocolError),
}
