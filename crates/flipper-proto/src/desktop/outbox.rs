//! The messages that wait for room on a socket.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;

use crate::ids::ConnId;

/// The messages that wait for room on one socket.
#[derive(Debug)]
pub(super) struct Outbox {
    /// How many bytes the socket takes.
    room: usize,
    queue: BTreeMap<Place, String>,
    next: Place,
    bytes: usize,
    /// Whether the connection stands among those that have turns.
    in_line: bool,
}

/// A message's place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(u64);

impl Outbox {
    /// A new socket takes a first message before it has told its room.
    pub(super) fn new() -> Self {
        Self { room: 1, queue: BTreeMap::new(), next: Place(0), bytes: 0, in_line: false }
    }

    pub(super) fn set_room(&mut self, conn: ConnId, room: usize, line: &mut VecDeque<ConnId>) {
        self.room = room;
        self.line_up(conn, line);
    }

    pub(super) fn push(&mut self, conn: ConnId, text: String, line: &mut VecDeque<ConnId>) -> Place {
        let place = self.next;
        self.next = Place(place.0 + 1);
        self.bytes += text.len();
        self.queue.insert(place, text);
        self.line_up(conn, line);
        place
    }

    /// Takes back a message, unless it was sent already.
    pub(super) fn take_back(&mut self, place: Place) {
        if let Some(text) = self.queue.remove(&place) {
            self.bytes -= text.len();
        }
    }

    /// The next message, on the connection's turn. A message larger than the room goes all the same, and leaves none.
    pub(super) fn pop(&mut self, conn: ConnId, line: &mut VecDeque<ConnId>) -> Option<String> {
        self.in_line = false;
        if self.room == 0 {
            return None;
        }
        let (_, text) = self.queue.pop_first()?;
        self.bytes -= text.len();
        self.room = self.room.saturating_sub(text.len());
        self.line_up(conn, line);
        Some(text)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// How many bytes wait.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn line_up(&mut self, conn: ConnId, line: &mut VecDeque<ConnId>) {
        if !self.in_line && self.room > 0 && !self.queue.is_empty() {
            self.in_line = true;
            line.push_back(conn);
        }
    }
}
