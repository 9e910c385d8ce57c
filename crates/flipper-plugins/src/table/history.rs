//! The rows that are kept for the next desktop.

use std::collections::{BTreeMap, HashMap};

use flipper_client::proto::Payload;

use super::keep::Keep;

/// Rows in the order in which they first came.
#[derive(Debug)]
pub(super) struct History {
    keep: Keep,
    rows: BTreeMap<u64, Row>,
    by_key: HashMap<String, u64>,
    bytes: usize,
    next: u64,
}

#[derive(Debug)]
struct Row {
    key: Option<String>,
    json: Payload,
}

impl History {
    pub(super) fn new(keep: Keep) -> Self {
        Self { keep, rows: BTreeMap::new(), by_key: HashMap::new(), bytes: 0, next: 0 }
    }

    pub(super) fn upsert(&mut self, key: Option<String>, json: Payload) {
        if self.keep.rows == 0 || json.as_json().len() > self.keep.bytes {
            // An older version of it would be wrong.
            if let Some(key) = key {
                self.remove(&key);
            }
            return;
        }
        let at = match key.as_ref().and_then(|key| self.by_key.get(key)) {
            Some(at) => *at,
            None => {
                self.next += 1;
                self.next
            }
        };
        if let Some(key) = &key {
            self.by_key.insert(key.clone(), at);
        }
        self.bytes += json.as_json().len();
        if let Some(former) = self.rows.insert(at, Row { key, json }) {
            self.bytes -= former.json.as_json().len();
        }
        while self.rows.len() > self.keep.rows || self.bytes > self.keep.bytes {
            let Some((_, oldest)) = self.rows.pop_first() else { break };
            self.forget(&oldest);
        }
    }

    pub(super) fn remove(&mut self, key: &str) -> bool {
        let removed = self.by_key.get(key).and_then(|at| self.rows.remove(at));
        if let Some(row) = &removed {
            self.forget(row);
        }
        removed.is_some()
    }

    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.by_key.clear();
        self.bytes = 0;
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Payload> {
        self.rows.values().map(|row| &row.json)
    }

    fn forget(&mut self, row: &Row) {
        self.bytes -= row.json.as_json().len();
        if let Some(key) = &row.key {
            self.by_key.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Payload {
        Payload::serialize(text).unwrap()
    }

    fn shown(history: &History) -> Vec<&str> {
        history.rows().map(Payload::as_json).collect()
    }

    #[test]
    fn a_row_keeps_its_place() {
        let mut history = History::new(Keep::default());
        for (key, text) in [("1", "a"), ("2", "b"), ("1", "c")] {
            history.upsert(Some(key.to_owned()), row(text));
        }
        assert_eq!(shown(&history), [r#""c""#, r#""b""#]);
        assert_eq!(history.bytes, 6);
        assert!(history.remove("1") && !history.remove("1"));
        assert_eq!((shown(&history), history.bytes), (vec![r#""b""#], 3));
    }

    #[test]
    fn the_oldest_goes_when_there_are_too_many() {
        let mut history = History::new(Keep::new(2, 100));
        for text in ["a", "b", "c"] {
            history.upsert(Some(text.to_owned()), row(text));
        }
        assert_eq!(shown(&history), [r#""b""#, r#""c""#]);
        assert!(!history.remove("a"));
    }

    #[test]
    fn the_oldest_go_when_they_are_too_large() {
        let mut history = History::new(Keep::new(100, 10));
        for text in ["a", "b", "c", "12345678"] {
            history.upsert(None, row(text));
        }
        assert_eq!(shown(&history), [r#""12345678""#]);
        assert_eq!(history.bytes, 10);
    }

    #[test]
    fn a_row_that_cannot_be_kept_is_not_kept_in_an_older_version() {
        let mut history = History::new(Keep::new(100, 10));
        history.upsert(Some("1".to_owned()), row("a"));
        history.upsert(Some("1".to_owned()), row("123456789"));
        assert_eq!((history.len(), history.bytes), (0, 0));
    }
}
