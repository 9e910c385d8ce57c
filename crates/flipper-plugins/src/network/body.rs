//! What is kept of a body that streams by.

/// A body of which the beginning is kept.
#[derive(Debug)]
pub(super) struct Body {
    kept: Vec<u8>,
    limit: usize,
    seen: u64,
    end: End,
    /// Why nothing is kept, if that is so by intention.
    left_out: Option<&'static str>,
}

/// How far a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// There is more to come.
    Open,
    /// It was there as a whole.
    Complete,
    /// Whoever reads it has stopped.
    Dropped,
    /// It failed.
    Failed,
}

impl Body {
    pub(super) fn new(limit: usize) -> Self {
        Self { kept: Vec::new(), limit, seen: 0, end: End::Open, left_out: None }
    }

    /// Keeps what there is room for.
    pub(super) fn push(&mut self, chunk: &[u8]) {
        // What comes after a gap would be shown in the wrong place.
        if self.kept.len() as u64 == self.seen {
            let room = self.limit.saturating_sub(self.kept.len());
            self.kept.extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
        self.seen += chunk.len() as u64;
    }

    /// Counts bytes that cannot be looked at.
    pub(super) fn pass(&mut self, bytes: usize) {
        self.seen += bytes as u64;
    }

    /// Keeps nothing more, and forgets what was kept.
    pub(super) fn leave_out(&mut self, why: &'static str) {
        self.left_out = Some(why);
        self.limit = 0;
        self.kept = Vec::new();
    }

    pub(super) fn end(&mut self, end: End) {
        if self.end == End::Open {
            self.end = end;
        }
    }

    /// There is more to come after all.
    pub(super) fn reopen(&mut self) {
        self.end = End::Open;
    }

    pub(super) fn kept(&self) -> &[u8] {
        &self.kept
    }

    pub(super) fn seen(&self) -> u64 {
        self.seen
    }

    /// Whether the body is there as a whole, and all of it is kept.
    pub(super) fn is_whole(&self) -> bool {
        self.end == End::Complete && self.kept.len() as u64 == self.seen
    }

    /// What is to be said of what is not shown of the body, if there is anything. Some bodies are hidden if there is only
    /// a part of them.
    pub(super) fn statement(&self, is_hidden: bool) -> Option<String> {
        let Self { seen, end, left_out, .. } = self;
        let shown = if is_hidden { 0 } else { self.kept.len() };
        if shown as u64 == *seen && (*end == End::Complete || (*seen == 0 && *end == End::Open)) {
            return None;
        }
        let progress = match end {
            End::Complete => "",
            End::Open => " so far, the rest is still to come",
            End::Dropped => " so far, the rest was not read",
            End::Failed => " so far, then it failed",
        };
        let why = match left_out {
            Some(why) => *why,
            None if is_hidden => "; compressed bodies are shown only as a whole",
            None => "",
        };
        Some(format!("kept {shown} of {seen} bytes{progress}{why}"))
    }
}
