//! The desktop of this project, checked from outside as a desktop in any language is: it deviates in nothing.

mod check;

use std::pin::pin;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use flipper_async::{Runtime as _, sleep};
use flipper_conformance::check::desktop::{Check, Driver};
use flipper_conformance::desktops::{Host, OnSmol, OnTokio};
use flipper_desktop::proto::{ClientId, Payload};
use flipper_desktop::{CallError, Desktop, Event, Events};
use futures_util::future::{Either, select};
use serde_json::Value;

use check::{Result, assert_good};

#[test]
fn the_desktop_on_tokio_conforms() -> Result {
    assert_conforms::<OnTokio>()
}

#[test]
fn the_desktop_on_smol_conforms() -> Result {
    assert_conforms::<OnSmol>()
}

fn assert_conforms<H: Host>() -> Result {
    let host = H::new().map_err(|error| error.to_string())?;
    let mut builder = Desktop::builder().any_ports().browser_port(Some(0)).in_memory_authority();
    let events = builder.events();
    let desktop = host.wait_for(builder.start_on(host.runtime()))?;
    let ports = desktop.ports();
    let mut check = Check::of("localhost");
    (check.insecure, check.secure, check.browser) = (ports.insecure, ports.secure, ports.browser);
    check.dangerous = true;
    check.driver = Some(Box::new(LibraryDriver { host, desktop, events, call: None }));

    let report = check.run(&mut |_| {})?;

    assert_good(&report);
    Ok(())
}

/// Drives the desktop as the program does that it is a part of.
struct LibraryDriver<H: Host> {
    host: H,
    desktop: Desktop<H::Runtime>,
    events: Events,
    call: Option<Receiver<std::result::Result<Payload, CallError>>>,
}

impl<H: Host> LibraryDriver<H> {
    fn client(&self, app: &str) -> std::result::Result<ClientId, String> {
        let clients = self.desktop.clients();
        let client = clients.into_iter().find(|client| client.info.query.app == app);
        client.map(|client| client.id).ok_or_else(|| format!("{app} is not connected"))
    }
}

impl<H: Host> Driver for LibraryDriver<H> {
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
        self.host.runtime().spawn(async move {
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
        let runtime = self.host.runtime();
        let (wait, patience) = (pin!(wait), pin!(sleep(&runtime, patience)));
        match self.host.wait_for(select(wait, patience)) {
            Either::Left((event, _)) => event,
            Either::Right(_) => Err(format!("{of} sent no event {name}")),
        }
    }
}
