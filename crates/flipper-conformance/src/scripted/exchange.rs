//! The insecure port: how a certificate request is answered.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};

use flipper_client::Certificates;
use flipper_client::proto::Query;
use serde_json::{Value, json};
use tungstenite::Message;
use tungstenite::protocol::WebSocket;

use super::query::Keys;
use super::session::{Hello, accept, close_frame};
use super::tcp::Tcp;
use super::{Shared, lock};
use crate::{PATIENCE, Result};

/// How a certificate request is answered.
#[derive(Debug, Default)]
pub enum Reply {
    /// The certificates are written where the app said, and [`DEVICE_ID`] is answered.
    #[default]
    Grant,
    /// The certificates are written where the app said, and this text is answered.
    GrantWith(String),
    /// As `Grant`, once the test has let it go.
    GrantAfter(Receiver<()>),
    /// As `Grant`, but the connection ends right after the answer.
    GrantAndHangUp,
    /// The certificates are put here for a provider to fetch, and the device id is answered.
    Keep(Kept),
    /// The device id is answered, and nothing else is done.
    GrantNothing,
    /// This text is answered.
    Text(String),
    /// These bytes are sent as they are.
    Bytes(Vec<u8>),
    /// Nothing is answered.
    Silence,
    /// The connection is closed with this code and reason as soon as it is open.
    Close(u16, &'static str),
    /// The connection is closed with this code instead of an answer.
    CloseInstead(u16),
    /// The connection ends without a word.
    HangUp,
}

/// Certificates by device id.
pub type Kept = Arc<Mutex<BTreeMap<String, Certificates>>>;

/// The device id that is answered where a test wants no other.
pub const DEVICE_ID: &str = "device-1";

/// A certificate request.
#[derive(Debug)]
pub struct Asked {
    /// Who the app says it is.
    pub query: Query,
    /// The same, as it stands in the request.
    pub keys: Keys,
    /// The names of the headers of its request, in lower case.
    pub headers: Vec<String>,
    /// What it asked for.
    pub message: Value,
}

impl Asked {
    /// A field of the message, which has to be a string.
    ///
    /// # Errors
    /// When there is no such field.
    pub fn text(&self, key: &str) -> Result<&str> {
        text_of(&self.message, key)
    }
}

/// Serves one connection to the insecure port.
pub(super) fn serve(shared: &Shared, tcp: Tcp) -> Result {
    let (mut socket, Hello { target, headers, .. }) = accept(tcp)?;
    let reply = lock(&shared.replies).pop_front().unwrap_or_default();
    if let Reply::Close(code, reason) = reply {
        socket.close(Some(close_frame(code, reason)))?;
        return read_on(&mut socket, shared);
    }
    let message: Value = serde_json::from_str(socket.read()?.to_text()?)?;
    let (query, keys) = (Query::parse(&target)?, Keys::read(&target)?);
    shared.asked.send(Asked { query, keys, headers, message: message.clone() })?;
    let granted = json!({"deviceId": DEVICE_ID}).to_string();
    match reply {
        Reply::Grant => {
            write_certificates(shared, &message)?;
            socket.send(Message::text(granted))?;
        }
        Reply::GrantWith(text) => {
            write_certificates(shared, &message)?;
            socket.send(Message::text(text))?;
        }
        Reply::GrantAfter(go) => {
            go.recv_timeout(PATIENCE)?;
            write_certificates(shared, &message)?;
            socket.send(Message::text(granted))?;
        }
        Reply::GrantAndHangUp => {
            write_certificates(shared, &message)?;
            return Ok(socket.send(Message::text(granted))?);
        }
        Reply::Keep(kept) => {
            let certificates = sign(shared, &message)?;
            lock(&kept).insert(DEVICE_ID.to_owned(), certificates);
            socket.send(Message::text(granted))?;
        }
        Reply::GrantNothing => socket.send(Message::text(granted))?,
        Reply::Text(text) => socket.send(Message::text(text))?,
        Reply::Bytes(bytes) => socket.get_mut().write_all(&bytes)?,
        Reply::CloseInstead(code) => socket.close(Some(close_frame(code, "")))?,
        Reply::HangUp => return Ok(()),
        Reply::Silence | Reply::Close(..) => {}
    }
    read_on(&mut socket, shared)
}

/// Reads what the app still has to say, until it is gone.
fn read_on(socket: &mut WebSocket<Tcp>, shared: &Shared) -> Result {
    loop {
        if let Message::Text(text) = socket.read()? {
            shared.acknowledged.send(serde_json::from_str(&text)?)?;
        }
    }
}

fn write_certificates(shared: &Shared, message: &Value) -> Result {
    let certificates = sign(shared, message)?;
    let destination = text_of(message, "destination")?;
    // The names are appended as they are, as official desktops do.
    fs::write(format!("{destination}sonarCA.crt"), certificates.ca)?;
    Ok(fs::write(format!("{destination}device.crt"), certificates.certificate)?)
}

fn sign(shared: &Shared, message: &Value) -> Result<Certificates> {
    lock(&shared.issuer).sign(text_of(message, "csr")?, DEVICE_ID)
}

fn text_of<'a>(message: &'a Value, key: &str) -> Result<&'a str> {
    message[key].as_str().ok_or_else(|| format!("`{key}` is no string in {message}").into())
}
