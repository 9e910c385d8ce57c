//! One thing that is checked.

use std::fmt;

/// One thing that is checked: the public part of a scenario.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scenario {
    /// Its name, `group/name`, which never changes its meaning.
    pub name: &'static str,
    /// What the peer has to do.
    pub about: &'static str,
    /// Where that is written, or who relies on it; `docs/conformance.md` explains the words.
    pub reference: &'static str,
}

impl fmt::Debug for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
