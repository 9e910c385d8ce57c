use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Message, WebSocket};

use super::error::{Error, ErrorKind};
use super::events::{ConnectedClient, Inbox, ListedDevice, ServerEvent, Wait};
use super::process::Watch;

/// How long the methods without a deadline wait. It bounds a hang and says nothing about speed.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the closing handshake may take before the socket is cut.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);
/// How long a process may take to end after its socket has: that is what tells a crash from a closed socket.
const DEATH_PATIENCE: Duration = Duration::from_secs(5);

/// A connection to the desktop's UI socket, over which its own page works and tests look on.
///
/// All methods block and take `&self`; several threads may use one socket. What the desktop pushes is kept from the
/// moment the socket is open, so a test that opens it before it starts an app misses nothing.
pub struct UiSocket {
    inbox: Arc<Inbox>,
    writer: Mutex<WebSocket<Duplex>>,
    stream: TcpStream,
    reader: Option<JoinHandle<()>>,
    watch: Watch,
    next_exec: AtomicU64,
}

/// Ids of requests to apps. One sequence for all sockets of this process: the desktop forwards ids as they are, and
/// gives the answer to one of two askers that use the same id.
static NEXT_REQUEST: AtomicU64 = AtomicU64::new(1);

impl UiSocket {
    pub(super) fn open(port: u16, watch: &Watch) -> Result<Self, Error> {
        let failed = |why| socket_error(watch, why);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let connect = || {
            let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            Ok((stream.try_clone()?, stream.try_clone()?, stream))
        };
        let (for_reader, for_writer, stream) = connect().map_err(|error: io::Error| failed(error.to_string()))?;
        let write_lock = Arc::default();
        // No Origin, and a Host that is `localhost`: everything else is refused.
        let (reader, _) = tungstenite::client::client_with_config(
            format!("ws://localhost:{port}/"),
            Duplex::new(for_reader, &write_lock),
            Some(config()),
        )
        .map_err(|error| failed(error.to_string()))?;
        stream.set_read_timeout(None).map_err(|error| failed(error.to_string()))?;
        let writer = WebSocket::from_raw_socket(Duplex::new(for_writer, &write_lock), Role::Client, Some(config()));
        let inbox = Arc::new(Inbox::default());
        let sink = Arc::clone(&inbox);
        Ok(Self {
            inbox,
            writer: Mutex::new(writer),
            stream,
            reader: Some(thread::spawn(move || receive(reader, &sink))),
            watch: watch.clone(),
            next_exec: AtomicU64::new(0),
        })
    }

    /// Has the desktop carry out a command, and waits for what it answers (`null` for commands that answer nothing).
    pub fn exec(&self, command: &str, args: &[Value]) -> Result<Value, Error> {
        self.start_exec(command, args)?.wait()
    }

    /// As [`exec`](Self::exec), without waiting.
    pub fn start_exec(&self, command: &str, args: &[Value]) -> Result<PendingReply<'_>, Error> {
        let id = self.next_exec.fetch_add(1, Ordering::Relaxed);
        let frame = json!({"event": "exec", "payload": {"id": id, "command": command, "args": args}});
        self.inbox.expect_reply(id);
        self.writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .send(Message::text(frame.to_string()))
            .map_err(|error| socket_error(&self.watch, error.to_string()))?;
        Ok(PendingReply { socket: self, id, command: command.to_owned() })
    }

    /// The apps that are connected.
    pub fn client_list(&self) -> Result<Vec<ConnectedClient>, Error> {
        parse("client-list", self.exec("client-list", &[])?)
    }

    /// The devices that the desktop knows, those of apps that have gone included.
    pub fn device_list(&self) -> Result<Vec<ListedDevice>, Error> {
        parse("device-list", self.exec("device-list", &[])?)
    }

    /// Sends a request to an app and waits for its answer: the app's own message, to which the desktop adds `length`.
    ///
    /// A message without an `id` is given one that nobody else uses. If the app goes away without answering, the
    /// desktop never answers either.
    pub fn request(&self, client_id: &str, message: Value) -> Result<Value, Error> {
        self.start_request(client_id, message)?.wait()
    }

    /// As [`request`](Self::request), without waiting.
    pub fn start_request(&self, client_id: &str, mut message: Value) -> Result<PendingReply<'_>, Error> {
        if let Some(fields) = message.as_object_mut() {
            fields.entry("id").or_insert_with(|| NEXT_REQUEST.fetch_add(1, Ordering::Relaxed).into());
        }
        self.start_exec("client-request-response", &[client_id.into(), message])
    }

    /// Sends a message to an app that has no answer. To an app that is not connected it is lost without an error.
    pub fn send(&self, client_id: &str, message: Value) -> Result<(), Error> {
        self.exec("client-request", &[client_id.into(), message]).map(drop)
    }

    /// Waits for an event for which `wanted` holds, and takes it out; the others stay for later. `what` names it in the
    /// error. Events come in order, and before the answers to commands that were given after they happened.
    pub fn wait_for(&self, what: &str, wanted: impl FnMut(&ServerEvent) -> bool) -> Result<ServerEvent, Error> {
        self.wait_for_within(PATIENCE, what, wanted)
    }

    /// As [`wait_for`](Self::wait_for), but no longer than `patience`.
    pub fn wait_for_within(
        &self,
        patience: Duration,
        what: &str,
        wanted: impl FnMut(&ServerEvent) -> bool,
    ) -> Result<ServerEvent, Error> {
        self.finish(self.inbox.wait_for_event(patience, wanted), what, patience)
    }

    /// Waits until an app of this name is connected.
    pub fn wait_for_client(&self, app: &str) -> Result<ConnectedClient, Error> {
        let what = format!("app {app:?} to connect");
        loop {
            let clients = self.client_list()?;
            if let Some(client) = clients.into_iter().find(|client| client.query.app == app) {
                return Ok(client);
            }
            // An event of a connection that has ended since is taken as well, hence the loop.
            self.wait_for(&what, |event| event.name == "client-connected" && event.data["query"]["app"] == app)?;
        }
    }

    /// Waits until no app is connected under this id.
    pub fn wait_for_client_gone(&self, client_id: &str) -> Result<(), Error> {
        let what = format!("client {client_id:?} to go");
        loop {
            let clients = self.client_list()?;
            if clients.iter().all(|client| client.id != client_id) {
                return Ok(());
            }
            self.wait_for(&what, |event| event.name == "client-disconnected" && event.data["id"] == client_id)?;
        }
    }

    /// Takes all events that have come and that no wait has taken.
    ///
    /// To be sure that something did *not* happen, [`exec`](Self::exec) a command first: what the desktop had to tell
    /// before that is here when its answer is.
    pub fn take_events(&self) -> Vec<ServerEvent> {
        self.inbox.take_events()
    }

    fn finish<T>(&self, wait: Wait<T>, what: &str, patience: Duration) -> Result<T, Error> {
        match wait {
            Wait::Got(got) => Ok(got),
            Wait::Closed(why) => Err(socket_error(&self.watch, why)),
            Wait::TimedOut { events } => Err(Error::new(ErrorKind::TimedOut {
                waiting_for: format!("{what}; other events were: {events}"),
                after: patience,
            })
            .with(self.watch.condition())),
        }
    }
}

impl Drop for UiSocket {
    fn drop(&mut self) {
        // The whole closing handshake, since the desktop's proxy takes a reset badly.
        let writer = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner);
        if writer.close(None).is_ok() {
            self.inbox.wait_closed(CLOSE_PATIENCE);
        }
        let _ = self.stream.shutdown(Shutdown::Both);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

/// A command whose answer has not been waited for.
#[must_use = "the answer is lost unless it is waited for"]
pub struct PendingReply<'a> {
    socket: &'a UiSocket,
    id: u64,
    command: String,
}

impl PendingReply<'_> {
    /// Waits for the answer.
    pub fn wait(self) -> Result<Value, Error> {
        self.wait_within(PATIENCE)
    }

    /// As [`wait`](Self::wait), but no longer than `patience`.
    pub fn wait_within(self, patience: Duration) -> Result<Value, Error> {
        let what = format!("the answer to `{}`", self.command);
        let reply = self.socket.inbox.wait_for_reply(patience, self.id);
        self.socket
            .finish(reply, &what, patience)?
            .map_err(|message| Error::new(ErrorKind::Refused { command: self.command.clone(), message }))
    }

    /// Whether the answer has come.
    pub fn is_answered(&self) -> bool {
        self.socket.inbox.has_reply(self.id)
    }
}

impl Drop for PendingReply<'_> {
    fn drop(&mut self) {
        self.socket.inbox.forget_reply(self.id);
    }
}

fn socket_error(watch: &Watch, why: String) -> Error {
    watch.wait_ended(DEATH_PATIENCE);
    Error::new(ErrorKind::Socket(why)).with(watch.condition())
}

fn config() -> WebSocketConfig {
    // The desktop relays messages of any size.
    WebSocketConfig::default().max_message_size(None).max_frame_size(None)
}

fn receive(mut socket: WebSocket<Duplex>, inbox: &Inbox) {
    let why = loop {
        match socket.read() {
            Ok(Message::Text(text)) => {
                if let Err(error) = inbox.accept(&text) {
                    break format!("{error} in {text:.200}");
                }
            }
            // Pings are answered and the closing handshake is finished by the next read.
            Ok(_) => {}
            Err(error) => break error.to_string(),
        }
    };
    inbox.close(why);
}

fn parse<T: serde::de::DeserializeOwned>(command: &str, answer: Value) -> Result<T, Error> {
    T::deserialize(&answer).map_err(|error| {
        Error::new(ErrorKind::Unexpected { asked: format!("`{command}` ({error})"), answer: answer.to_string() })
    })
}

/// One direction of a TCP stream that two WebSocket states share: one reads, and answers pings and the close frame, the
/// other sends. Both write whole frames with a single call, so a lock on each call keeps frames in one piece.
struct Duplex {
    stream: TcpStream,
    write_lock: Arc<Mutex<()>>,
}

impl Duplex {
    fn new(stream: TcpStream, write_lock: &Arc<Mutex<()>>) -> Self {
        Self { stream, write_lock: Arc::clone(write_lock) }
    }
}

impl Read for Duplex {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

impl Write for Duplex {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _whole_frame = self.write_lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.stream.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
