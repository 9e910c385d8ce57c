//! An app that may send anything: no SDK is in between.

use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle, sleep};
use std::time::Duration;

use flipper_conformance::Result;
use serde_json::{Value, json};
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

type Socket = WebSocket<MaybeTlsStream<TcpStream>>;

/// Connects to the port for browsers, tells its plugins, and sends its messages once all of them are initialised. Calls
/// are answered with what they asked for. It is gone when this is dropped.
pub(crate) struct RawApp {
    thread: Option<JoinHandle<Option<()>>>,
    tcp: TcpStream,
    sent: Receiver<()>,
}

/// How fast messages are sent.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    /// So many at once.
    pub(crate) burst: usize,
    /// Then nothing for so long.
    pub(crate) pause: Duration,
}

impl RawApp {
    pub(crate) fn connect(port: u16, name: &str, plugins: &[&str], messages: Vec<String>) -> Result<Self> {
        let pace = Pace { burst: usize::MAX, pause: Duration::ZERO };
        Self::connect_at(port, name, plugins, messages, pace)
    }

    pub(crate) fn connect_at(
        port: u16,
        name: &str,
        plugins: &[&str],
        messages: Vec<String>,
        pace: Pace,
    ) -> Result<Self> {
        let name = percent(name);
        let url = format!("ws://localhost:{port}/?os=Linux&device=box&device_id=box&app={name}&sdk_version=4&medium=1");
        let (socket, _) = tungstenite::connect(url)?;
        let MaybeTlsStream::Plain(tcp) = socket.get_ref() else { return Err("no plain socket".into()) };
        let tcp = tcp.try_clone()?;
        let plugins: Vec<String> = plugins.iter().map(|plugin| (*plugin).to_owned()).collect();
        let (told, sent) = channel();
        Ok(Self { thread: Some(thread::spawn(move || live(socket, &plugins, &messages, pace, &told))), tcp, sent })
    }

    /// Waits until all messages are on their way, or the connection has ended.
    pub(crate) fn wait_until_sent(&self) {
        let _ended = self.sent.recv();
    }
}

impl Drop for RawApp {
    fn drop(&mut self) {
        let _ = self.tcp.shutdown(std::net::Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// An event as it travels.
pub(crate) fn event(plugin: &str, method: &str, params: &Value) -> String {
    json!({"method": "execute", "params": {"api": plugin, "method": method, "params": params}}).to_string()
}

/// Until the connection ends, upon which there is nothing more to do.
fn live(mut socket: Socket, plugins: &[String], messages: &[String], pace: Pace, sent: &Sender<()>) -> Option<()> {
    let mut initialised = 0;
    loop {
        let Message::Text(text) = socket.read().ok()? else { continue };
        let asked: Value = serde_json::from_str(&text).ok()?;
        let success = match asked["method"].as_str()? {
            "getPlugins" | "getBackgroundPlugins" => json!({"plugins": plugins}),
            "isMethodSupported" => json!({"isSupported": true}),
            "execute" => asked["params"].clone(),
            "init" => {
                initialised += 1;
                if initialised == plugins.len() {
                    for burst in messages.chunks(pace.burst) {
                        for message in burst {
                            socket.write(Message::text(message.as_str())).ok()?;
                        }
                        socket.flush().ok()?;
                        sleep(pace.pause);
                    }
                    sent.send(()).ok()?;
                }
                continue;
            }
            _ => continue,
        };
        socket.send(Message::text(json!({"id": asked["id"], "success": success}).to_string())).ok()?;
    }
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
