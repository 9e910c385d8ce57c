//! What desktops are checked for. Each module holds one or two groups, with a table at its top.

mod admission;
mod browser;
mod exchange;
mod refusals;
mod sessions;
mod tls;

use super::Entry;

/// All entries, in the order in which they run.
pub(super) fn all() -> impl Iterator<Item = &'static Entry> {
    [exchange::ENTRIES, refusals::ENTRIES, admission::ENTRIES, tls::ENTRIES, sessions::ENTRIES, browser::ENTRIES]
        .into_iter()
        .flatten()
}
