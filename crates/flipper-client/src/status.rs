//! Where the app stands with its desktop.

use flipper_proto::client::{Failure, State};

/// Where the app stands with its desktop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The state of the connection.
    pub state: State,
    /// The latest failure, also when it is over. Its text says what happened, where, and what to do.
    pub last_failure: Option<Failure>,
}

impl Status {
    /// The status of an app that has stopped, or has not started.
    #[must_use]
    #[inline]
    pub const fn stopped() -> Self {
        Self { state: State::Stopped, last_failure: None }
    }

    /// Whether there is a session with a desktop.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        matches!(self.state, State::Connected { .. })
    }
}
