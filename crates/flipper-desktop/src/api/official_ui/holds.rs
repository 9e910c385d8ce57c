//! Which pages look at which plugins.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use flipper_proto::{ClientId, PluginId};

use super::lock;

/// Which pages look at which plugins. A plugin is initialised for all of them alike: one that is closed in a page stays
/// as long as another page looks at it.
#[derive(Default)]
pub(in crate::api) struct Holds(Mutex<BTreeMap<(ClientId, PluginId), BTreeSet<u64>>>);

impl Holds {
    /// A page opens a plugin.
    pub(in crate::api) fn take(&self, page: u64, client: &ClientId, plugin: &PluginId) {
        lock(&self.0).entry((client.clone(), plugin.clone())).or_default().insert(page);
    }

    /// Whether a page looks at a plugin.
    pub(in crate::api) fn contains(&self, page: u64, client: &ClientId, plugin: &PluginId) -> bool {
        lock(&self.0).get(&(client.clone(), plugin.clone())).is_some_and(|pages| pages.contains(&page))
    }

    /// A page leaves a plugin. Returns whether no other page looks at it.
    pub(in crate::api) fn release(&self, page: u64, client: &ClientId, plugin: &PluginId) -> bool {
        let mut held = lock(&self.0);
        let key = (client.clone(), plugin.clone());
        let Some(pages) = held.get_mut(&key) else { return true };
        pages.remove(&page);
        let is_last = pages.is_empty();
        if is_last {
            held.remove(&key);
        }
        is_last
    }

    /// A page is gone, or has heard that a client is: it looks at nothing of that any more.
    pub(in crate::api) fn forget(&self, page: u64, of: Option<&ClientId>) {
        lock(&self.0).retain(|(client, _), pages| {
            if of.is_none_or(|of| of == client) {
                pages.remove(&page);
            }
            !pages.is_empty()
        });
    }
}
