//! Which plugins the desktop initialises by itself.

use std::collections::{BTreeMap, BTreeSet};

use flipper_async::Runtime;
use flipper_async::desk::Desk;
use flipper_proto::desktop::Event;
use flipper_proto::{ClientId, PluginId};

/// Which plugins of a client the desktop initialises by itself, as soon as it knows of them. A plugin tells its events
/// and takes calls only once it was initialised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InitPolicy {
    /// Those that want to run in the background, as the official desktop does when a person looks at it.
    #[default]
    Background,
    /// All: whatever a plugin has to tell is heard, as if every one of them were open.
    All,
    /// None: whoever uses the desktop says what is initialised.
    None,
}

/// Initialises the plugins that the policy names, each once: whoever leaves one of them later on may do so.
#[derive(Debug)]
pub(crate) struct Initialiser {
    policy: InitPolicy,
    done: BTreeMap<ClientId, BTreeSet<PluginId>>,
}

impl Initialiser {
    pub(crate) fn new(policy: InitPolicy) -> Self {
        Self { policy, done: BTreeMap::new() }
    }

    pub(crate) fn follow<R: Runtime>(&mut self, event: &Event, desk: &Desk<R>) {
        match event {
            Event::PluginsChanged { client, plugins, background } => {
                let wanted = match self.policy {
                    InitPolicy::Background => background,
                    InitPolicy::All => plugins,
                    InitPolicy::None => return,
                };
                let wanted: BTreeSet<PluginId> = wanted.iter().cloned().collect();
                let done = self.done.entry(client.clone()).or_default();
                desk.with_core(|core, _| {
                    for plugin in wanted.difference(done) {
                        // A client that has left meanwhile, or does not read, shows that in other ways.
                        let _left = core.init_plugin(client, plugin);
                    }
                });
                *done = wanted;
            }
            Event::ClientDisconnected { client, .. } => {
                self.done.remove(client);
            }
            _ => {}
        }
    }
}
