//! What an app, or every app, tells from now on.

use std::collections::BTreeSet;
use std::time::Instant;

use flipper_desktop::json::{App, Event, EventApp, Kind};

use crate::failure::Failure;
use crate::remote::{Next, Remote, Told};

/// Listens to apps, and has one plugin of theirs initialised whenever one comes that has it: it says nothing otherwise.
pub(crate) struct Watch<'a> {
    remote: &'a Remote,
    told: Told,
    plugin: Option<&'a str>,
    /// Those whose plugin is initialised.
    initialised: BTreeSet<String>,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(remote: &'a Remote, app: Option<&str>, plugin: Option<&'a str>) -> Result<Self, Failure> {
        Ok(Self { remote, told: remote.events(app)?, plugin, initialised: BTreeSet::new() })
    }

    pub(crate) fn next(&mut self, deadline: Option<Instant>) -> Result<Next, Failure> {
        let next = self.told.next(deadline)?;
        if let Next::Event(_, event) = &next
            && let Some(plugin) = self.plugin
        {
            self.follow(event, plugin)?;
        }
        Ok(next)
    }

    fn follow(&mut self, event: &Event, plugin: &str) -> Result<(), Failure> {
        let Some(app) = &event.app else { return Ok(()) };
        match (event.kind, app) {
            (Kind::AppConnected, EventApp::App(app)) => {
                self.initialised.remove(&app.id);
                if app.initialised.iter().any(|known| known == plugin) {
                    self.initialised.insert(app.id.clone());
                }
                self.init(&app.id, plugin, app.plugins.as_deref())
            }
            (Kind::PluginsChanged, app) => {
                // Those in the background are, or will be in a moment.
                let background = event.background.iter().flatten().any(|known| known == plugin);
                if background && self.is_initialised(app.id(), plugin)? {
                    self.initialised.insert(app.id().to_owned());
                }
                self.init(app.id(), plugin, event.plugins.as_deref())
            }
            (Kind::AppDisconnected, app) => {
                self.initialised.remove(app.id());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn is_initialised(&self, app: &str, plugin: &str) -> Result<bool, Failure> {
        let apps = self.remote.apps()?;
        let app: Option<&App> = apps.iter().find(|known| known.id == app);
        Ok(app.is_some_and(|app| app.initialised.iter().any(|known| known == plugin)))
    }

    fn init(&mut self, app: &str, plugin: &str, plugins: Option<&[String]>) -> Result<(), Failure> {
        let has = plugins.is_some_and(|plugins| plugins.iter().any(|known| known == plugin));
        if has && self.initialised.insert(app.to_owned()) {
            // One that has left meanwhile comes back as another.
            let _left = self.remote.init(app, plugin);
        }
        Ok(())
    }
}
