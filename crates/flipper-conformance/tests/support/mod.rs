//! A peer that is played by a test, frame by frame.

use std::error::Error;
use std::net::TcpStream;
use std::time::Duration;

use flipper_conformance::official::OfficialDesktop;
use serde_json::Value;
use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderValue;
use tungstenite::{Message, WebSocket};

/// Bounds a hang.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

pub(crate) struct Peer {
    socket: WebSocket<TcpStream>,
}

impl Peer {
    /// Connects to any plain WebSocket.
    pub(crate) fn connect(url: &str, origin: Option<&'static str>) -> Result<Self> {
        let mut request = url.into_client_request()?;
        let authority = request.uri().authority().ok_or("no host in the URL")?;
        let stream = TcpStream::connect(authority.as_str())?;
        stream.set_read_timeout(Some(PATIENCE))?;
        if let Some(origin) = origin {
            let origin = HeaderValue::from_static(origin);
            request.headers_mut().insert("Origin", origin);
        }
        let (socket, _) = tungstenite::client(request, stream).map_err(|error| error.to_string())?;
        Ok(Self { socket })
    }

    /// Connects as an app, through the browser port, which needs no certificates.
    pub(crate) fn app(desktop: &OfficialDesktop, name: &str) -> Result<Self> {
        let url = format!(
            "ws://localhost:{}/?os=MacOS&device=bench&device_id=bench-1&app={name}&sdk_version=4",
            desktop.ports().browser
        );
        Self::connect(&url, Some("http://localhost:1"))
    }

    pub(crate) fn send(&mut self, message: &Value) -> Result {
        self.send_text(message.to_string())
    }

    pub(crate) fn send_text(&mut self, text: String) -> Result {
        Ok(self.socket.send(Message::text(text))?)
    }

    pub(crate) fn receive(&mut self) -> Result<Value> {
        loop {
            if let Message::Text(text) = self.socket.read()? {
                return Ok(serde_json::from_str(&text)?);
            }
        }
    }
}
