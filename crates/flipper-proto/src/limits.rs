//! The bounds within which the state machines work.

/// Everything that is bounded, for one state machine.
///
/// A peer or an app that goes over a limit gets a typed error and a counter, never an endless queue.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The largest message in bytes, in and out. Default: 64 MiB. The official desktop takes 100 MiB, its C++ client
    /// 32 MB, and its UI warns from 5 MiB on.
    pub message_bytes: usize,
    /// How many calls of one connection may wait for their answers, on either side. Default: 16,384.
    pub pending_calls: usize,
    /// How many bytes the calls of a desktop that wait for their answers may have together; one that is alone may have
    /// more. Default: 128 MiB.
    pub pending_call_bytes: usize,
    /// How many plugins a client may have. Default: 1,024.
    pub plugins: usize,
    /// How many events of one plugin wait for a desktop that wants them. Default: 10,000, as many as the official UI
    /// keeps for a plugin that is not open.
    pub buffered_events: usize,
    /// How many bytes these events may have together. Default: 8 MiB.
    pub buffered_event_bytes: usize,
    /// How many bytes wait for a peer that does not read. A client replaces an answer that finds the queue full by a
    /// short error, and once such errors have doubled the queue, by nothing; a desktop refuses the call. Default: 128 MiB.
    pub queued_answer_bytes: usize,
    /// The largest message that either side of a certificate exchange reads. Default: 64 KiB.
    pub exchange_message_bytes: usize,
    /// How many clients a desktop serves at once, and how many connections on its exchange port. There, the oldest that
    /// waits for no answer gives way to the next one. Default: 1,024.
    pub clients: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 64 << 20,
            pending_calls: 16_384,
            pending_call_bytes: 128 << 20,
            plugins: 1_024,
            buffered_events: 10_000,
            buffered_event_bytes: 8 << 20,
            queued_answer_bytes: 128 << 20,
            exchange_message_bytes: 64 << 10,
            clients: 1_024,
        }
    }
}

/// Which event goes when a plugin's buffer is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The oldest: what a desktop sees in the end is the latest.
    #[default]
    DropOldest,
    /// The newest: what a desktop sees is how it began.
    DropNewest,
}
