//! What was sent and what arrived, so that nothing is lost, doubled or confused unnoticed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::tally::tally;

/// Clones are one ledger.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger(Arc<Mutex<Books>>);

#[derive(Debug, Default)]
struct Books {
    streams: Vec<Stream>,
    calls: BTreeMap<u64, bool>,
    sessions: u64,
    counts: Counts,
    wrong: Vec<String>,
}

tally! {
    /// Sums of what happened to events and calls.
    pub struct Counts {
        /// Sessions that a desktop saw.
        sessions,
        /// Certificates that a desktop issued.
        exchanges,
        /// Requests for certificates that a desktop refused.
        refused_exchanges,
        /// Events that were sent.
        sent,
        /// Events that arrived.
        received,
        /// Events that gave way to others, because too many waited.
        dropped,
        /// Events that still waited when their plugin or app went.
        left_waiting,
        /// Events that were on their way when their session ended.
        lost_in_flight,
        /// Calls that were answered as they should be.
        answered,
        /// Calls that failed with an error that says why.
        failed,
    }
}

/// The events of one plugin of one app, from its beginning to its end.
#[derive(Debug)]
struct Stream {
    name: String,
    sent: u64,
    received: Vec<Arrived>,
    /// Once its plugin is gone: how many events waited then, and how many had been dropped.
    ended: Option<(u64, u64)>,
    connected: bool,
}

#[derive(Clone, Copy, Debug)]
struct Arrived {
    session: u64,
    number: u64,
}

pub(super) type StreamId = usize;

impl Ledger {
    pub(super) fn wrong(&self, what: impl fmt::Display) {
        self.books().wrong.push(what.to_string());
    }

    /// What was found to be wrong, if anything was.
    pub(super) fn verdict(&self) -> Result<(), String> {
        let books = self.books();
        if books.wrong.is_empty() { Ok(()) } else { Err(books.wrong.join("\n")) }
    }

    pub(super) fn counts(&self) -> Counts {
        self.books().counts
    }

    pub(super) fn count(&self, count: impl FnOnce(&mut Counts)) {
        count(&mut self.books().counts);
    }

    // --- Events ---

    pub(super) fn open(&self, name: String) -> StreamId {
        let mut books = self.books();
        books.streams.push(Stream { name, sent: 0, received: Vec::new(), ended: None, connected: false });
        books.streams.len() - 1
    }

    /// The number that the next event of this stream carries.
    pub(super) fn next(&self, stream: StreamId) -> u64 {
        self.books().streams[stream].sent
    }

    pub(super) fn sent(&self, stream: StreamId) {
        let mut books = self.books();
        books.streams[stream].sent += 1;
        books.counts.sent += 1;
    }

    pub(super) fn new_session(&self) -> u64 {
        let mut books = self.books();
        books.sessions += 1;
        books.counts.sessions += 1;
        books.sessions
    }

    pub(super) fn received(&self, session: u64, stream: StreamId, number: u64) {
        let mut books = self.books();
        books.counts.received += 1;
        let Some(stream) = books.streams.get_mut(stream) else {
            return books.wrong.push(format!("an event of stream {stream} arrived, which there is not"));
        };
        let before = stream.received.last().map(|before| before.number);
        stream.received.push(Arrived { session, number });
        let wrong = if number >= stream.sent {
            format!("event {number} of {} arrived before it was sent", stream.name)
        } else if before.is_some_and(|before| before == number) {
            format!("event {number} of {} arrived twice", stream.name)
        } else if before.is_some_and(|before| before > number) {
            format!("event {number} of {} arrived after event {before:?}", stream.name)
        } else {
            return;
        };
        books.wrong.push(wrong);
    }

    /// Whether the last event of this stream that was sent has arrived, or was among those that were dropped.
    pub(super) fn is_complete(&self, stream: StreamId, dropped: u64) -> bool {
        let books = self.books();
        let stream = &books.streams[stream];
        stream.received.last().map_or(0, |last| last.number + 1) + dropped >= stream.sent
    }

    /// The plugin was told that it is connected, or that it is not any more: the two alternate.
    pub(super) fn connected(&self, stream: StreamId, connected: bool) {
        let mut books = self.books();
        let stream = &mut books.streams[stream];
        let wrong = (stream.connected == connected)
            .then(|| format!("{} was told twice in a row that connected = {connected}", stream.name));
        stream.connected = connected;
        books.wrong.extend(wrong);
    }

    /// The plugin is gone. What waited in it goes with it.
    pub(super) fn close(&self, stream: StreamId, waiting: u64, dropped: u64) {
        let mut books = self.books();
        let stream = &mut books.streams[stream];
        if stream.ended.replace((waiting, dropped)).is_some() {
            return;
        }
        let arrived = stream.received.len() as u64;
        let accounted = arrived + waiting + dropped;
        // More may arrive that is on its way; `settle` looks again.
        let wrong = (accounted > stream.sent).then(|| {
            format!("{}: {arrived} arrived, {waiting} wait, {dropped} dropped of {} sent", stream.name, stream.sent)
        });
        books.wrong.extend(wrong);
    }

    /// Accounts for every event, once nothing is on its way any more.
    ///
    /// What was handed to a socket is lost if its session ends before the desktop reads it. So an event may be missing
    /// only between two sessions or after the last one; or it gave way to another, which the app has counted.
    pub(super) fn settle(&self) {
        let mut books = self.books();
        let Books { streams, wrong, counts, .. } = &mut *books;
        for stream in streams {
            let Some((waiting, dropped)) = stream.ended else {
                wrong.push(format!("{} has no end", stream.name));
                continue;
            };
            let arrived = stream.received.len() as u64;
            counts.dropped += dropped;
            counts.left_waiting += waiting;
            match stream.sent.checked_sub(arrived + waiting + dropped) {
                Some(lost) => counts.lost_in_flight += lost,
                None => wrong.push(format!(
                    "{}: {arrived} arrived, {waiting} wait, {dropped} dropped of {} sent",
                    stream.name, stream.sent
                )),
            }
            let within_sessions: u64 = stream
                .received
                .windows(2)
                .filter(|pair| pair[0].session == pair[1].session)
                .map(|pair| pair[1].number.saturating_sub(pair[0].number + 1))
                .sum();
            if within_sessions > dropped {
                wrong.push(format!(
                    "{}: {within_sessions} events are missing within sessions, {dropped} were dropped",
                    stream.name
                ));
            }
        }
    }

    // --- Calls ---

    pub(super) fn calls(&self, call: u64) {
        self.books().calls.insert(call, false);
    }

    /// A call has ended. `Err` is an end that should not be.
    pub(super) fn call_ended(&self, call: u64, outcome: Result<Ended, String>) {
        let mut books = self.books();
        if books.calls.insert(call, true) != Some(false) {
            books.wrong.push(format!("call {call} ended twice"));
        }
        match outcome {
            Ok(Ended::Answered) => books.counts.answered += 1,
            Ok(Ended::Failed) => books.counts.failed += 1,
            Err(wrong) => books.wrong.push(format!("call {call}: {wrong}")),
        }
    }

    /// How many calls did not end yet.
    pub(super) fn open_calls(&self) -> usize {
        self.books().calls.values().filter(|ended| !**ended).count()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// With the right answer.
    Answered,
    /// With an error that it may well end with.
    Failed,
}
