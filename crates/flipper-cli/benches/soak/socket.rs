//! A WebSocket of the desktop's API.

use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use flipper_desktop::api::RunningDesktop;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::http::HeaderValue;
use tungstenite::{Message, WebSocket};

use crate::Result;

pub(crate) struct Socket(WebSocket<TcpStream>);

impl Socket {
    /// Connects to the desktop whose files are in this directory.
    pub(crate) fn connect(files: &Path, target: &str, patience: Duration) -> Result<Self> {
        let running = RunningDesktop::read(files)?;
        let address = running.api_address();
        let mut request = format!("ws://{address}{target}").into_client_request()?;
        let token = HeaderValue::from_str(&format!("Bearer {}", running.token.as_str()))?;
        request.headers_mut().insert("Authorization", token);
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        let (socket, _) = tungstenite::client(request, stream).map_err(|error| error.to_string())?;
        Ok(Self(socket))
    }

    pub(crate) fn send(&mut self, text: String) -> Result {
        Ok(self.0.send(Message::text(text))?)
    }

    /// The next text.
    pub(crate) fn next(&mut self) -> Result<String> {
        loop {
            if let Message::Text(text) = self.0.read()? {
                return Ok(text.to_string());
            }
        }
    }
}
