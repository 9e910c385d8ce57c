//! What clients are checked for. Each module holds one or two groups, with a table at its top.

mod credentials;
mod documentation;
mod exchange;
mod messages;
mod methods;
mod payload;
mod query;
mod reconnect;
mod trust;

use super::Entry;

/// All entries, in the order in which they run: first what every client can do, last what takes long.
pub(super) fn all() -> impl Iterator<Item = &'static Entry> {
    [
        query::ENTRIES,
        documentation::ENTRIES,
        methods::ENTRIES,
        payload::ENTRIES,
        messages::ENTRIES,
        reconnect::ENTRIES,
        exchange::ENTRIES,
        credentials::ENTRIES,
        trust::ENTRIES,
    ]
    .into_iter()
    .flatten()
}
