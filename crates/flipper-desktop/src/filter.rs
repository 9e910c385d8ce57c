//! Which events somebody wants.

use flipper_proto::{ClientId, Query};

use crate::event::Event;

/// Which events a subscriber wants; all of them where nothing else is said. What does not pass takes no place in the
/// subscriber's queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    app: Option<App>,
    plugin: Option<String>,
}

/// An app, as a person names it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct App {
    id: String,
    /// What the ids of all apps begin with that have this for a name.
    named: String,
}

impl Filter {
    /// Everything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only events about this app: the client of this id, or every client whose app has this name, those included that
    /// connect later.
    #[must_use]
    pub fn app(mut self, app: impl Into<String>) -> Self {
        let id = app.into();
        let query = Query::new(id.as_str(), "", "", "");
        let mut named = ClientId::of(&query).as_str().to_owned();
        // What follows the name are the separators of fields that are empty.
        named.truncate(named.find('#').map_or(named.len(), |at| at + 1));
        self.app = Some(App { id, named });
        self
    }

    /// Only the [messages](Event::Message) of this plugin, and no events of another kind.
    #[must_use]
    pub fn plugin(mut self, plugin: impl Into<String>) -> Self {
        self.plugin = Some(plugin.into());
        self
    }

    /// Whether somebody who filters like this wants the event.
    #[must_use]
    pub fn lets_pass(&self, event: &Event) -> bool {
        if let Some(wanted) = &self.plugin {
            match event {
                Event::Message { plugin, .. } if plugin.as_str() == wanted => {}
                _ => return false,
            }
        }
        self.app.is_none() || event.client().is_some_and(|client| self.names(client))
    }

    /// Whether the client is one of those that are wanted.
    pub(crate) fn names(&self, client: &ClientId) -> bool {
        let client = client.as_str();
        self.app.as_ref().is_none_or(|app| client == app.id || client.starts_with(&app.named))
    }
}
