//! Peers that do exactly what a test says.

use std::sync::Arc;

use async_tungstenite::{WebSocketStream, client_async};
use flipper_async::Runtime as _;
use flipper_desktop::proto::Query;
use flipper_tokio::{Stream, Tokio};
use futures_rustls::TlsConnector;
use futures_util::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, StreamExt as _};
use rustls::ClientConfig;
use serde_json::Value;
use tungstenite::Message;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::http::HeaderValue;

use super::within;

pub(crate) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// A WebSocket, open.
pub(crate) struct Peer {
    pub(crate) socket: WebSocketStream<Box<dyn Transport>>,
}

/// What a peer asks for.
pub(crate) struct Request {
    port: u16,
    target: String,
    host: Option<String>,
    origin: Option<String>,
    cookie: Option<String>,
    tls: Option<Arc<ClientConfig>>,
}

impl Request {
    pub(crate) fn exchange(port: u16, query: &Query) -> Self {
        Self { port, target: query.to_target(), host: None, origin: None, cookie: None, tls: None }
    }

    pub(crate) fn session(port: u16, query: &Query, tls: Arc<ClientConfig>) -> Self {
        Self { tls: Some(tls), ..Self::exchange(port, query) }
    }

    pub(crate) fn browser(port: u16, target: &str) -> Self {
        Self { port, target: target.to_owned(), host: None, origin: None, cookie: None, tls: None }
    }

    pub(crate) fn target(mut self, target: &str) -> Self {
        target.clone_into(&mut self.target);
        self
    }

    pub(crate) fn host(mut self, host: &str) -> Self {
        self.host = Some(host.to_owned());
        self
    }

    pub(crate) fn origin(mut self, origin: &str) -> Self {
        self.origin = Some(origin.to_owned());
        self
    }

    pub(crate) fn cookie(mut self, cookie: &str) -> Self {
        self.cookie = Some(cookie.to_owned());
        self
    }

    /// Opens the WebSocket.
    pub(crate) async fn open(self) -> Result<Peer, tungstenite::Error> {
        within("a WebSocket", async {
            let scheme = if self.tls.is_some() { "wss" } else { "ws" };
            let mut request = format!("{scheme}://127.0.0.1:{}{}", self.port, self.target).into_client_request()?;
            for (name, value) in [("host", self.host), ("origin", self.origin), ("cookie", self.cookie)] {
                if let Some(value) = value {
                    request.headers_mut().insert(name, HeaderValue::from_str(&value).unwrap());
                }
            }
            let stream = connect(self.port, self.tls).await?;
            Ok(Peer { socket: client_async(request, stream).await?.0 })
        })
        .await
    }

    /// The status that the upgrade is refused with.
    pub(crate) async fn status(self) -> u16 {
        match self.open().await {
            Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
            Err(error) => panic!("no answer: {error}"),
            Ok(_) => 101,
        }
    }
}

impl Peer {
    pub(crate) async fn send(&mut self, text: &str) {
        within("a message to leave", self.socket.send(Message::text(text))).await.unwrap();
    }

    /// The next text message.
    pub(crate) async fn receive(&mut self) -> Value {
        loop {
            match within("a message", self.socket.next()).await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("no message came, but {other:?}"),
            }
        }
    }

    /// The close frame that ends the conversation, after whatever is still said.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            match within("a close frame", self.socket.next()).await {
                Some(Ok(Message::Close(Some(frame)))) => return (frame.code.into(), frame.reason.to_string()),
                Some(Ok(_)) => {}
                other => panic!("no close frame came, but {other:?}"),
            }
        }
    }

    /// Waits for the end of the connection, however it comes.
    pub(crate) async fn gone(mut self) {
        within("the end of a connection", async { while let Some(Ok(_)) = self.socket.next().await {} }).await;
    }

    /// Answers the questions that every client is asked, with these plugins.
    pub(crate) async fn introduce(&mut self, plugins: &[&str], background: &[&str]) {
        for (method, names) in [("getPlugins", plugins), ("getBackgroundPlugins", background)] {
            let asked = self.receive().await;
            assert_eq!(asked["method"], method);
            self.send(&serde_json::json!({"id": asked["id"], "success": {"plugins": names}}).to_string()).await;
        }
    }
}

/// A connection that speaks bytes.
pub(crate) struct RawPeer(pub(crate) Box<dyn Transport>);

impl RawPeer {
    pub(crate) async fn connect(port: u16) -> Self {
        Self(connect(port, None).await.unwrap())
    }

    /// Whether nobody listens there.
    pub(crate) async fn connect_refused(port: u16) -> bool {
        connect(port, None).await.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
    }

    pub(crate) async fn connect_tls(port: u16, tls: Arc<ClientConfig>) -> std::io::Result<Self> {
        connect(port, Some(tls)).await.map(Self)
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        within("bytes to leave", self.0.write_all(bytes)).await.unwrap();
        within("bytes to leave", self.0.flush()).await.unwrap();
    }

    /// All that comes until the desktop closes.
    pub(crate) async fn read_to_end(&mut self) -> std::io::Result<String> {
        let mut bytes = Vec::new();
        within("the end of the answer", self.0.read_to_end(&mut bytes)).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

async fn connect(port: u16, tls: Option<Arc<ClientConfig>>) -> std::io::Result<Box<dyn Transport>> {
    let tcp: Stream = Tokio::current().unwrap().connect("127.0.0.1".to_owned(), port).await?;
    match tls {
        None => Ok(Box::new(tcp)),
        Some(config) => {
            let name = flipper_desktop::pki::server_name();
            Ok(Box::new(TlsConnector::from(config).connect(name, tcp).await?))
        }
    }
}
