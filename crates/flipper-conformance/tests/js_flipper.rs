//! js-flipper on Node against our desktop's browser port.

#![cfg(unix)]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use flipper_async::sleep;
use flipper_conformance::desktops::{Host, OnSmol, OnTokio};
use flipper_conformance::official;
use flipper_desktop::proto::desktop::Channel;
use flipper_desktop::proto::{ClientId, Payload, PluginId};
use flipper_desktop::{CallError, Desktop, Event, Events};
use futures_util::future::{Either, select};
use serde_json::{Value, json};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

#[test]
fn it_is_served_on_tokio() -> Result {
    is_served::<OnTokio>()
}

#[test]
fn it_is_served_on_smol() -> Result {
    is_served::<OnSmol>()
}

fn is_served<H: Host>() -> Result {
    if official::skips_this_test()? {
        return Ok(());
    }
    let mut desk = Desk::<H>::start(0)?;
    let _app = App::start(desk.port()?)?;
    let client = desk.wait_for_client()?;

    let info = desk.desktop.client(&client).ok_or("it is gone")?.info;
    assert_eq!((info.channel, info.query.app.as_str(), info.query.os.as_str()), (Channel::Browser, "JS App", "Linux"));
    assert_eq!(desk.desktop.plugins(&client), Some(vec![PluginId::new("test")]));
    let refused = desk.call(&client, "reverse", &json!({"word": "hello"}));
    let Err(CallError::Failed { report, .. }) = refused else { return Err("it was not initialised".into()) };
    assert_eq!(report.name.as_deref(), Some("ConnectionNotFound"));

    desk.desktop.init_plugin(&client, "test")?;
    assert_eq!(desk.call(&client, "reverse", &json!({"word": "hello"}))?, json!({"word": "olleh"}));
    let failed = desk.call(&client, "fail", &json!({}));
    let Err(CallError::Failed { report, .. }) = failed else { return Err("it did not fail".into()) };
    assert_eq!(report.message, "This method always fails");

    assert_eq!(desk.call(&client, "emit", &json!({"count": 3, "size": 10}))?, json!({"queued": 3}));
    for index in 0..3 {
        let row = desk.wait("a row", |event| match event {
            Event::Message { method, params, .. } if &*method == "row" => params,
            _ => None,
        })?;
        assert_eq!(row.parse::<Value>()?, json!({"index": index, "data": "x".repeat(10)}));
    }
    Ok(())
}

#[test]
fn it_comes_back_after_a_desktop_that_stopped() -> Result {
    comes_back_after(|desk| desk.host.wait_for(desk.desktop.stop()))
}

#[test]
fn it_comes_back_after_a_desktop_that_died() -> Result {
    // The runtime goes with the desktop, and with that its sockets, unclosed.
    comes_back_after(drop)
}

fn comes_back_after(end: impl FnOnce(Desk<OnTokio>)) -> Result {
    if official::skips_this_test()? {
        return Ok(());
    }
    let mut desk = Desk::<OnTokio>::start(0)?;
    let port = desk.port()?;
    let _app = App::start(port)?;
    let client = desk.wait_for_client()?;

    end(desk);
    let mut desk = Desk::<OnTokio>::start(port)?;

    assert_eq!(desk.wait_for_client()?, client);
    desk.desktop.init_plugin(&client, "test")?;
    assert_eq!(desk.call(&client, "echo", &json!({"n": 1}))?, json!({"n": 1}));
    Ok(())
}

/// Our desktop with its browser port.
struct Desk<H: Host> {
    desktop: Desktop<H::Runtime>,
    events: Events,
    host: H,
}

impl<H: Host> Desk<H> {
    fn start(port: u16) -> Result<Self> {
        let host = H::new().map_err(|error| error.to_string())?;
        let mut builder = Desktop::builder().any_ports().browser_port(Some(port)).in_memory_authority();
        let events = builder.events();
        let desktop = host.wait_for(builder.start_on(host.runtime()))?;
        Ok(Self { desktop, events, host })
    }

    fn port(&self) -> Result<u16> {
        Ok(self.desktop.ports().browser.ok_or("there is no browser port")?)
    }

    fn call(&self, client: &ClientId, method: &str, params: &Value) -> std::result::Result<Value, CallError> {
        let params = Payload::serialize(params).ok();
        let answer = self.host.wait_for(self.desktop.call(client, "test", method, params))?;
        Ok(answer.parse().unwrap_or_default())
    }

    fn wait_for_client(&mut self) -> Result<ClientId> {
        self.wait("js-flipper", |event| match event {
            Event::PluginsChanged { client, .. } => Some(client),
            _ => None,
        })
    }

    fn wait<T>(&mut self, what: &str, mut pick: impl FnMut(Event) -> Option<T>) -> Result<T> {
        let (events, runtime) = (&mut self.events, self.host.runtime());
        let picked = std::pin::pin!(async {
            while let Some(event) = events.next().await {
                if let Some(picked) = pick(event) {
                    return Some(picked);
                }
            }
            None
        });
        // Only a failure takes this long.
        let patience = std::pin::pin!(sleep(&runtime, Duration::from_secs(30)));
        match self.host.wait_for(select(picked, patience)) {
            Either::Left((Some(picked), _)) => Ok(picked),
            Either::Left((None, _)) => Err(format!("the desktop ended before {what}").into()),
            Either::Right(_) => Err(format!("{what} did not come").into()),
        }
    }
}

/// The shim of js-flipper, as `flipper conformance` runs it.
struct App(Child);

impl App {
    fn start(port: u16) -> Result<Self> {
        let shim = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/js_flipper_client.cjs");
        let mut command = Command::new("node");
        command.arg(shim).args(["--host", "localhost", "--app", "JS App", "--browser-port", &port.to_string()]);
        // It ends when this pipe closes, whatever becomes of the test.
        Ok(Self(command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?))
    }
}

impl Drop for App {
    fn drop(&mut self) {
        // Where this fails it has ended already.
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}
