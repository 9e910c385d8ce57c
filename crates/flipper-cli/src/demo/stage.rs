//! The desktop and the app that the demo watches.

use flipper_demo::{Ticker, example};
use flipper_desktop::proto::client::{State, Step};
use flipper_desktop::proto::{ClientId, Payload, PluginId};
use flipper_desktop::{Desktop, Event, Events, Ports};
use flipper_tokio::{Flipper, Notice};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::Result;

/// A desktop, an app, and all that both have told.
pub(crate) struct Stage {
    directory: TempDir,
    desktop: Desktop,
    events: Events,
    /// What was told while the story waited for something else.
    passed: Vec<Event>,
    app: Option<Flipper>,
    notices: UnboundedReceiver<Notice>,
    notice_sender: UnboundedSender<Notice>,
    exchanges: usize,
}

impl Stage {
    /// A desktop on ports that are free, in a directory that goes with the stage.
    pub(crate) async fn build() -> Result<Self> {
        let directory = TempDir::with_prefix("flipper-demo-")?;
        let mut builder = Desktop::builder().any_ports().state_directory(directory.path().join("desktop"));
        let events = builder.events();
        let desktop = builder.start().await?;
        let (notice_sender, notices) = unbounded_channel();
        Ok(Self { events, directory, desktop, passed: Vec::new(), app: None, notices, notice_sender, exchanges: 0 })
    }

    pub(crate) fn ports(&self) -> Ports {
        self.desktop.ports()
    }

    pub(crate) fn desktop(&self) -> &Desktop {
        &self.desktop
    }

    /// Removes all that was written to the disk.
    pub(crate) fn clear(self) -> Result {
        let path = self.directory.path().to_owned();
        self.directory.close()?;
        if path.exists() { Err(format!("{} is still there", path.display()).into()) } else { Ok(()) }
    }

    pub(crate) async fn stop_desktop(&mut self) -> Result {
        self.desktop.stop().await;
        Ok(())
    }

    /// Starts the desktop again, with the ports and the state that it had.
    pub(crate) async fn start_desktop(&mut self) -> Result {
        let ports = self.ports();
        let mut builder = Desktop::builder()
            .ports(ports.insecure, ports.secure)
            .state_directory(self.directory.path().join("desktop"));
        // The app has waited for this: it may connect before the next line.
        self.events = builder.events();
        self.passed.clear();
        self.desktop = builder.start().await?;
        Ok(())
    }

    pub(crate) fn start_app(&mut self) -> Result {
        let ports = self.ports();
        let notices = self.notice_sender.clone();
        let app = Flipper::builder("Sample", "com.example.sample")
            .ports(ports.insecure, ports.secure)
            .directory(self.directory.path().join("app"))
            .plugin(example())
            .plugin(Ticker::default())
            // Nobody listens any more once the demo is over.
            .observer(move |notice| drop(notices.send(notice.clone())))
            .start()?;
        self.app = Some(app);
        Ok(())
    }

    pub(crate) fn app(&self) -> Result<&Flipper> {
        Ok(self.app.as_ref().ok_or("the app was not started")?)
    }

    pub(crate) async fn stop_app(&mut self) -> Result {
        self.app()?.stop().await;
        Ok(())
    }

    /// How many certificate exchanges the app has needed.
    pub(crate) fn exchanges(&self) -> usize {
        self.exchanges
    }

    /// Waits for something that the app tells.
    pub(crate) async fn app_notice<T>(&mut self, wanted: impl Fn(Notice) -> Option<T>) -> Result<T> {
        loop {
            let notice = self.notices.recv().await.ok_or("the app tells nothing any more")?;
            if let Notice::Step(Step::ExchangeNeeded(_)) = notice {
                self.exchanges += 1;
            }
            if let Some(found) = wanted(notice) {
                return Ok(found);
            }
        }
    }

    pub(crate) async fn app_step(&mut self, wanted: impl Fn(&Step) -> bool) -> Result {
        self.app_notice(|notice| matches!(&notice, Notice::Step(step) if wanted(step)).then_some(())).await
    }

    pub(crate) async fn app_connected(&mut self) -> Result {
        self.app_notice(|notice| matches!(notice, Notice::State(State::Connected { .. })).then_some(())).await
    }

    /// Waits for something that the desktop tells, or has told already.
    pub(crate) async fn told<T>(&mut self, wanted: impl Fn(Event) -> Option<T>) -> Result<T> {
        for at in 0..self.passed.len() {
            if let Some(found) = wanted(self.passed[at].clone()) {
                self.passed.remove(at);
                return Ok(found);
            }
        }
        loop {
            let event = self.events.next().await.ok_or("the desktop tells nothing any more")?;
            if let Some(found) = wanted(event.clone()) {
                return Ok(found);
            }
            self.passed.push(event);
        }
    }

    pub(crate) async fn connected(&mut self) -> Result<ClientId> {
        self.told(|event| match event {
            Event::ClientConnected { client, .. } => Some(client),
            _ => None,
        })
        .await
    }

    pub(crate) async fn plugins(&mut self) -> Result<Vec<String>> {
        self.told(|event| match event {
            Event::PluginsChanged { plugins, .. } => Some(plugins.iter().map(ToString::to_string).collect()),
            _ => None,
        })
        .await
    }

    /// Checks that the desktop has initialised a plugin, which it does as soon as it knows the plugins.
    pub(crate) async fn initialised(&self, plugin: &str) -> Result {
        let plugin = PluginId::new(plugin);
        let is = self.desktop.clients().iter().any(|client| client.initialised.contains(&plugin));
        if is { Ok(()) } else { Err(format!("the desktop has not initialised {plugin}").into()) }
    }

    /// Waits for an event of a plugin, and gives its params.
    pub(crate) async fn message(&mut self, of: &str, name: &str) -> Result<Payload> {
        self.told(|event| match event {
            Event::Message { plugin, method, params, .. } if plugin.as_str() == of && method.as_str() == name => {
                Some(params.unwrap_or_else(Payload::empty_object))
            }
            _ => None,
        })
        .await
    }
}
