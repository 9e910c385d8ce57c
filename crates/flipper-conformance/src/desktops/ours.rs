//! Our own desktop, on any runtime.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::task::Poll;

use flipper_async::Runtime as _;
use flipper_client::proto::{ClientId, Payload};
use flipper_desktop::{CallError, Desktop as Headless, Event, InitPolicy};
use serde_json::Value;
use tempfile::TempDir;

use super::host::Host;
use super::inbox::Inbox;
use super::{Answer, Desktop, PendingAnswer};
use crate::{PATIENCE, Result};

/// Our own desktop on the runtime of a [`Host`].
pub struct Ours<H: Host> {
    running: Option<Headless<H::Runtime>>,
    ports: (u16, u16),
    inbox: Arc<Inbox<Event>>,
    state: TempDir,
    /// How often its CA was replaced.
    authorities: usize,
    host: H,
}

impl<H: Host> Ours<H> {
    fn launch(&mut self) -> Result {
        let inbox = Arc::clone(&self.inbox);
        inbox.clear();
        let builder = Headless::<flipper_tokio::Tokio>::builder()
            .ports(self.ports.0, self.ports.1)
            .state_directory(self.state.path().join(self.authorities.to_string()))
            // A desktop that a person uses initialises what that person opens.
            .init_policy(InitPolicy::None)
            .observer(move |event| inbox.push(event.clone()));
        let desktop = self.host.wait_for(builder.start_on(self.host.runtime()))?;
        self.ports = (desktop.ports().insecure, desktop.ports().secure);
        self.running = Some(desktop);
        Ok(())
    }

    fn desktop(&self) -> Result<&Headless<H::Runtime>> {
        self.running.as_ref().ok_or_else(|| "the desktop is stopped".into())
    }

    fn client(&self, id: &str) -> Result<ClientId> {
        let found = self.desktop()?.clients().into_iter().find(|client| client.id.to_string() == id);
        Ok(found.ok_or_else(|| format!("{id} is not connected"))?.id)
    }
}

impl<H: Host> Desktop for Ours<H> {
    fn start() -> Result<Option<Self>> {
        let mut desktop = Self {
            running: None,
            ports: (0, 0),
            inbox: Arc::new(Inbox::new()),
            state: TempDir::new()?,
            authorities: 0,
            host: H::new()?,
        };
        desktop.launch()?;
        Ok(Some(desktop))
    }

    fn ports(&self) -> (u16, u16) {
        self.ports
    }

    fn stop(&mut self) -> Result {
        if let Some(desktop) = self.running.take() {
            self.host.wait_for(desktop.stop());
        }
        Ok(())
    }

    fn start_again(&mut self) -> Result {
        self.launch()
    }

    fn start_with_another_ca(&mut self) -> Result {
        self.authorities += 1;
        self.launch()
    }

    fn wait_for_client(&self, app: &str) -> Result<String> {
        let desktop = self.desktop()?;
        self.inbox.wait_for(&format!("app {app:?}"), |event| match event {
            // By then it has told its plugins, too.
            Event::PluginsChanged { client, .. } => {
                desktop.client(client).filter(|client| client.info.query.app == app).map(|client| client.id.to_string())
            }
            _ => None,
        })
    }

    fn wait_for_client_gone(&self, client: &str) -> Result {
        self.inbox.wait_for(&format!("the end of {client}"), |event| match event {
            Event::ClientDisconnected { client: gone, .. } => (gone.to_string() == client).then_some(()),
            _ => None,
        })
    }

    fn count_clients(&self, app: &str) -> Result<usize> {
        Ok(self.desktop()?.clients().iter().filter(|client| client.info.query.app == app).count())
    }

    fn plugins(&self, client: &str) -> Result<(Vec<String>, Vec<String>)> {
        let client = self.desktop()?.client(&self.client(client)?).ok_or("it has left")?;
        let names = |ids: &[flipper_client::proto::PluginId]| ids.iter().map(ToString::to_string).collect();
        Ok((names(&client.plugins.ok_or("it has not told its plugins")?), names(&client.background)))
    }

    fn wait_for_refresh(&self, client: &str) -> Result {
        self.inbox.wait_for("other plugins", |event| match event {
            Event::PluginsChanged { client: of, .. } => (of.to_string() == client).then_some(()),
            _ => None,
        })
    }

    fn init(&self, client: &str, plugin: &str) -> Result {
        Ok(self.desktop()?.init_plugin(&self.client(client)?, plugin)?)
    }

    fn deinit(&self, client: &str, plugin: &str) -> Result {
        Ok(self.desktop()?.deinit_plugin(&self.client(client)?, plugin)?)
    }

    fn is_method_supported(&self, client: &str, plugin: &str, method: &str) -> Result<bool> {
        let client = self.client(client)?;
        Ok(self.host.wait_for(self.desktop()?.is_method_supported(&client, plugin, method))?)
    }

    fn start_call(&self, client: &str, plugin: &str, method: &str, params: &Value) -> Result<PendingAnswer<'_>> {
        let (desktop, client) = (self.desktop()?.clone(), self.client(client)?);
        let (plugin, method) = (plugin.to_owned(), method.to_owned());
        let params = Payload::serialize(params)?;
        let (answer, answered) = channel();
        let mut calling = Box::pin(async move { desktop.call(&client, &plugin, &method, Some(params)).await });
        // The first poll sends the request.
        match self.host.wait_for(poll_fn(|cx| Poll::Ready(calling.as_mut().poll(cx)))) {
            Poll::Ready(result) => answer.send(result)?,
            Poll::Pending => self.host.runtime().spawn(async move {
                // Whoever asked may have lost interest.
                let _uninterested = answer.send(calling.await);
            }),
        }
        Ok(Box::new(move || match answered.recv_timeout(PATIENCE)? {
            Ok(success) => Ok(Answer::Ok(success.parse()?)),
            Err(CallError::Failed { raw, .. }) => Ok(Answer::Err(raw.parse()?)),
            Err(error) => Err(error.into()),
        }))
    }

    fn wait_for_event(&self, client: &str, plugin: &str, method: &str) -> Result<Value> {
        let params = self.inbox.wait_for(&format!("event {plugin}.{method}"), |event| match event {
            Event::Message { client: from, plugin: of, method: name, params } => {
                let wanted = from.to_string() == client && of.as_str() == plugin && name.as_str() == method;
                wanted.then(|| params.clone())
            }
            _ => None,
        })?;
        Ok(params.map_or(Ok(Value::Null), |params| params.parse())?)
    }

    fn wait_for_error(&self, client: &str) -> Result<Value> {
        let raw = self.inbox.wait_for("an error", |event| match event {
            Event::ClientError { client: from, raw, .. } => (from.to_string() == client).then(|| raw.clone()),
            _ => None,
        })?;
        Ok(raw.parse()?)
    }
}

impl<H: Host> Drop for Ours<H> {
    fn drop(&mut self) {
        // Where this fails there is nothing left to stop.
        let _stopped = self.stop();
    }
}
