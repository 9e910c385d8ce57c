//! The events of a desktop, as they come.

use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use flipper_desktop::json;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::http::HeaderValue;
use tungstenite::http::header::AUTHORIZATION;
use tungstenite::protocol::{WebSocket, WebSocketConfig};
use tungstenite::{Error, Message};

use super::target::escaped;
use super::{PATIENCE, Remote};
use crate::failure::Failure;

/// What is listened to.
pub(crate) struct Told {
    socket: WebSocket<TcpStream>,
}

/// What came.
pub(crate) enum Next {
    /// A line of JSON, and what it says.
    Event(String, Box<json::Event>),
    /// Nothing in time.
    Late,
    /// The desktop has stopped.
    Over,
}

impl Remote {
    /// Listens to the events of an app, or of all; and begins with those who are there.
    pub(crate) fn events(&self, app: Option<&str>) -> Result<Told, Failure> {
        let address = self.running.api_address();
        let failed = |error: &dyn std::fmt::Display| {
            Failure::no_desktop(format!("the desktop does not tell its events on {address}: {error}"))
        };
        let stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(|error| failed(&error))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let mut target = format!("ws://{address}/api/v1/events?snapshot=true");
        if let Some(app) = app {
            target.push_str("&app=");
            target.push_str(&escaped(app));
        }
        let mut request = target.into_client_request().map_err(|error| failed(&error))?;
        let token = HeaderValue::from_str(&format!("Bearer {}", self.running.token.as_str()));
        request.headers_mut().insert(AUTHORIZATION, token.map_err(|error| failed(&error))?);
        // A message is as large as an app makes it.
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        match tungstenite::client::client_with_config(request, stream, Some(config)) {
            Ok((socket, _)) => Ok(Told { socket }),
            Err(error) => Err(failed(&error)),
        }
    }
}

impl Told {
    /// The next event, if it comes before the deadline.
    pub(crate) fn next(&mut self, deadline: Option<Instant>) -> Result<Next, Failure> {
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Ok(Next::Late);
            }
            self.socket.get_ref().set_read_timeout(left)?;
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    let event = serde_json::from_str(&text)
                        .map_err(|error| Failure::new(format!("the desktop tells what is not understood: {error}")))?;
                    return Ok(Next::Event(text.as_str().to_owned(), Box::new(event)));
                }
                Ok(_) => {}
                Err(Error::Io(error)) if is_late(&error) => {}
                Err(Error::ConnectionClosed | Error::AlreadyClosed | Error::Io(_) | Error::Protocol(_)) => {
                    return Ok(Next::Over);
                }
                Err(error) => return Err(Failure::new(error)),
            }
        }
    }
}

/// Systems have two names for that.
fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}
