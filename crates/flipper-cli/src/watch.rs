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
        let has = |plugins: &Option<Vec<String>>| plugins.iter().flatten().any(|known| known == plugin);
        match (event.kind, app) {
            (Kind::AppConnected, EventApp::App(app)) => {
                self.initialised.remove(&app.id);
                if has(&app.plugins) { self.init(app, plugin) } else { Ok(()) }
            }
            (Kind::PluginsChanged, app) if has(&event.plugins) && !self.initialised.contains(app.id()) => {
                // One that has left meanwhile comes back as another.
                let apps = self.remote.apps()?;
                apps.iter().find(|known| known.id == app.id()).map_or(Ok(()), |app| self.init(app, plugin))
            }
            (Kind::AppDisconnected, app) => {
                self.initialised.remove(app.id());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A plugin that is initialised would start over.
    fn init(&mut self, app: &App, plugin: &str) -> Result<(), Failure> {
        if self.initialised.insert(app.id.clone()) && !app.initialised.iter().any(|known| known == plugin) {
            match self.remote.init(&app.id, plugin) {
                Err(error) if error.is_not_found() => {
                    self.initialised.remove(&app.id);
                }
                done => done?,
            }
        }
        Ok(())
    }
}
