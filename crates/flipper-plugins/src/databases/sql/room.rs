//! How large the cells of one answer may be.

use super::value::{TEXT, Value};

/// Takes the cells of one answer in, and sees to it that they stay within its size.
///
/// While there is room, cells are as long as [`Value`] shows them. Those that come later are cut to a few words each: a page
/// must have as many rows as it was asked for.
#[derive(Debug)]
pub(super) struct Room {
    left: usize,
}

/// How long a cell may be when there is no more room.
const CRAMPED: usize = 256;

impl Room {
    pub(super) fn new(bytes: usize) -> Self {
        Self { left: bytes }
    }

    pub(super) fn text(&mut self, text: &str) -> Value {
        let value = Value::text_within(text, self.limit());
        self.take(value)
    }

    pub(super) fn blob(&mut self, bytes: &[u8]) -> Value {
        let value = Value::blob_within(bytes, self.limit());
        self.take(value)
    }

    pub(super) fn take(&mut self, value: Value) -> Value {
        self.left = self.left.saturating_sub(weight(&value));
        value
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.left == 0
    }

    fn limit(&self) -> usize {
        self.left.clamp(CRAMPED, TEXT)
    }
}

/// About how many bytes of memory and of JSON a value takes.
fn weight(value: &Value) -> usize {
    match value {
        Value::Null | Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => 16,
        Value::Text(text) => 16 + text.len(),
        Value::Blob(bytes) => 16 + bytes.len(),
        Value::Cut { head, .. } => 16 + weight(head),
    }
}
