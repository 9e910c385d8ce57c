//! Where clients stand, and what they count.

use flipper_proto::client::{Counters, State};

/// Where a client is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperStateKind {
    /// Not started, or stopped.
    Stopped = 1,
    /// Reading the stored credentials.
    Preparing = 2,
    /// On the plain port, to have certificates issued.
    Exchanging = 3,
    /// On the way to a session.
    Connecting = 4,
    /// In a session.
    Connected = 5,
    /// In a session, and the desktop has left pings unanswered. It goes on.
    Unresponsive = 6,
    /// After a failure, before the next attempt.
    Waiting = 7,
    /// Closing the connection: before a new one, or for good.
    Closing = 8,
}

/// What is counted, from the moment that a client was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum FlipperCounter {
    /// Messages that broke the protocol.
    BadMessages = 1,
    /// Answers to nobody, among the bad messages.
    UnexpectedReplies = 2,
    /// Binary messages that held text and were read as such.
    BinaryMessages = 3,
    /// Events that found their plugin's buffer full.
    EventsDropped = 4,
    /// Answers that were replaced by an error, because the desktop does not read or because they were too large.
    AnswersReplaced = 5,
    /// Answers for which not even that error found room.
    AnswersDropped = 6,
    /// Facts about attempts or jobs that were over; 0 for those that drive themselves.
    StaleFacts = 7,
    /// Of `flipper_app_counter` alone: what the observer was not told, because callbacks have blocked for so long that too much waits.
    MissedNotices = 20,
}

impl FlipperStateKind {
    /// The number of a state; `None` for one that is newer than this layer.
    pub(crate) fn of(state: &State) -> Option<Self> {
        Some(match state {
            State::Stopped => Self::Stopped,
            State::Preparing => Self::Preparing,
            State::Exchanging => Self::Exchanging,
            State::Connecting => Self::Connecting,
            State::Connected { unresponsive: false } => Self::Connected,
            State::Connected { unresponsive: true } => Self::Unresponsive,
            State::Waiting { .. } => Self::Waiting,
            State::Closing => Self::Closing,
            _ => return None,
        })
    }
}

impl FlipperCounter {
    /// What the state machine has counted under a number.
    pub(crate) fn count(counters: &Counters, number: u32) -> Option<u64> {
        let known = [
            (Self::BadMessages, counters.bad_messages),
            (Self::UnexpectedReplies, counters.unexpected_replies),
            (Self::BinaryMessages, counters.binary_messages),
            (Self::EventsDropped, counters.events_dropped),
            (Self::AnswersReplaced, counters.answers_replaced),
            (Self::AnswersDropped, counters.answers_dropped),
            (Self::StaleFacts, counters.stale_facts),
        ];
        known.into_iter().find(|(known, _)| *known as u32 == number).map(|(_, count)| count)
    }
}
