//! The desktop of this project, checked from outside as a desktop in any language is: it deviates in nothing.

mod check;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use flipper_conformance::check::desktop::{Check, Driver};
use flipper_desktop::proto::{ClientId, Payload};
use flipper_desktop::{CallError, Desktop, Event, Events};
use serde_json::Value;
use tokio::runtime::Runtime;

use check::{Result, assert_good};

#[test]
fn the_desktop_of_this_project_conforms() -> Result {
    let runtime = Arc::new(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?);
    let (desktop, events) = runtime.block_on(async {
        let mut builder = Desktop::builder().any_ports().in_memory_authority();
        let events = builder.events();
        Ok::<_, flipper_desktop::StartError>((builder.start().await?, events))
    })?;
    let ports = desktop.ports();
    let mut check = Check::of("localhost");
    (check.insecure, check.secure) = (ports.insecure, ports.secure);
    check.dangerous = true;
    check.driver = Some(Box::new(LibraryDriver { runtime, desktop, events, call: None }));

    let report = check.run(&mut |_| {})?;

    assert_good(&report);
    Ok(())
}

/// Drives the desktop as the program does that it is a part of.
struct LibraryDriver {
    runtime: Arc<Runtime>,
    desktop: Desktop,
    events: Events,
    call: Option<Receiver<std::result::Result<Payload, CallError>>>,
}

impl LibraryDriver {
    fn client(&self, app: &str) -> std::result::Result<ClientId, String> {
        let clients = self.desktop.clients();
        let client = clients.into_iter().find(|client| client.info.query.app == app);
        client.map(|client| client.id).ok_or_else(|| format!("{app} is not connected"))
    }
}

impl Driver for LibraryDriver {
    fn serves(&mut self, app: &str) -> std::result::Result<bool, String> {
        Ok(self.client(app).is_ok())
    }

    fn init(&mut self, app: &str, plugin: &str) -> std::result::Result<(), String> {
        self.desktop.init_plugin(&self.client(app)?, plugin).map_err(|error| error.to_string())
    }

    fn start_call(&mut self, app: &str, plugin: &str, method: &str, params: Value) -> std::result::Result<(), String> {
        let (client, desktop) = (self.client(app)?, self.desktop.clone());
        let (plugin, method) = (plugin.to_owned(), method.to_owned());
        let params = Payload::from_json(params.to_string()).map_err(|error| error.to_string())?;
        let (answered, call) = channel();
        self.call = Some(call);
        self.runtime.spawn(async move {
            let _ = answered.send(desktop.call(&client, &plugin, &method, Some(params)).await);
        });
        Ok(())
    }

    fn finish_call(&mut self, patience: Duration) -> std::result::Result<std::result::Result<Value, Value>, String> {
        let call = self.call.take().ok_or("no call was started")?;
        let parse = |payload: &Payload| serde_json::from_str(payload.as_json()).map_err(|error| error.to_string());
        match call.recv_timeout(patience).map_err(|error| error.to_string())? {
            Ok(success) => parse(&success).map(Ok),
            Err(CallError::Failed { raw, .. }) => parse(&raw).map(Err),
            Err(error) => Err(error.to_string()),
        }
    }

    fn event(&mut self, app: &str, of: &str, name: &str, patience: Duration) -> std::result::Result<Value, String> {
        let from = self.client(app)?;
        let wait = async {
            while let Some(event) = self.events.next().await {
                match event {
                    Event::Message { client, plugin, method, params }
                        if client == from && plugin.as_str() == of && &*method == name =>
                    {
                        let params = params.unwrap_or_else(Payload::empty_object);
                        return serde_json::from_str(params.as_json()).map_err(|error| error.to_string());
                    }
                    _ => {}
                }
            }
            Err("the desktop has stopped".to_owned())
        };
        let wait = async { tokio::time::timeout(patience, wait).await };
        self.runtime.block_on(wait).map_err(|error| error.to_string())?
    }
}
