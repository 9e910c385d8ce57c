//! Listens, and speaks HTTP.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::pin;
use std::process;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use flipper_async::Runtime as _;
use flipper_pki::WallClock;
use flipper_tokio::{Listener, Tokio};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::builder::Builder;
use super::cookie::{Cookie, CookieError};
use super::gate::Gate;
use super::official_ui::{self, Hosting, OfficialUi};
use super::routes::router;
use super::running::{Files, Place, WriteError};
use super::token::Token;
use crate::desktop::Desktop;
use crate::error::StartError;
use crate::json;
use crate::ports::bind;

/// How long a connection may take for the head of a request.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);

/// How long what is under way may take once the API stops.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// How long to wait when the system gives no connection although there is one: it will not have more to give at once.
const PAUSE: Duration = Duration::from_millis(100);

/// After how much silence the system asks whether the peer's machine is there, and how often then.
#[cfg(unix)]
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
#[cfg(unix)]
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// How many bytes a connection reads ahead, and the longest head of a request.
const READ_AHEAD: usize = 64 * 1024;

/// An API that runs. When it is dropped, it stops.
#[must_use = "the API stops when this is dropped"]
pub struct Api {
    server: Server,
    stop: watch::Sender<bool>,
    /// Closed when every connection is gone.
    running: watch::Receiver<()>,
    files: Option<Files>,
}

/// What all connections of an API share.
#[derive(Clone)]
pub(super) struct Server(Arc<Shared>);

struct Shared {
    desktop: Desktop,
    gate: Gate,
    place: Place,
    directory: Option<PathBuf>,
    max_message: usize,
    observers: Arc<AtomicUsize>,
    /// What is at this port, if it is that of the official desktop's page.
    hosting: Option<Arc<Hosting>>,
    stopping: watch::Receiver<bool>,
}

/// A connection among those that are served at once, and that the API waits for when it stops.
#[derive(Clone)]
pub(super) struct Presence {
    _slot: Arc<OwnedSemaphorePermit>,
    _until_the_end: watch::Sender<()>,
}

impl Api {
    /// Begins the settings of an API for a desktop that runs. Everything has a default.
    pub fn builder(desktop: &Desktop) -> Builder {
        Builder::new(desktop)
    }

    pub(super) async fn start(builder: Builder) -> Result<Self, StartError> {
        let runtime = Tokio::current().map_err(StartError::NoRuntime)?;
        let Builder { desktop, addresses, port, directory, mut known_hosts, connections, official_ui } = builder;
        let (listeners, port) = bind(&runtime, &addresses, port).await?;
        let page = match official_ui {
            None => None,
            Some(ui) => Some((bind(&runtime, &[], ui.port).await?, ui)),
        };
        let token = Token::generate().map_err(|error| StartError::NoChance(error.to_string()))?;
        let (max_message, of_desktop) =
            desktop.desk().peek(|core| (core.config().limits.message_bytes, core.config().known_hosts.clone()));
        known_hosts.extend(of_desktop);
        let named = addresses.iter().filter(|address| !address.is_unspecified());
        known_hosts.extend(named.filter_map(|address| address.to_string().parse().ok()));
        let place = Place {
            pid: process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: WallClock::default().now().as_unix_millis(),
            addresses: if addresses.is_empty() { loopback(listeners.len()) } else { addresses },
            app_addresses: desktop.exposure().map(|exposure| exposure.addresses.clone()).unwrap_or_default(),
            ports: json::Ports {
                insecure: desktop.ports().insecure,
                secure: desktop.ports().secure,
                browser: desktop.ports().browser,
                ui: port,
                official_ui: page.as_ref().map(|((_, port), _)| *port),
            },
        };
        let files = match directory.clone() {
            None => None,
            Some(directory) => {
                let (place, token) = (place.clone(), token.clone());
                let written = runtime.unblock(move || Files::write(&directory, &place, &token)).await;
                Some(written.map_err(StartError::from)?)
            }
        };
        let (stop, stopping) = watch::channel(false);
        let (until_the_end, running) = watch::channel(());
        let shared = Shared {
            desktop,
            gate: Gate { port, known_hosts, token, cookie: None },
            place,
            directory,
            max_message,
            observers: Arc::default(),
            hosting: None,
            stopping,
        };
        let page = match page {
            None => None,
            Some(((listeners, port), ui)) => {
                let directory = shared.directory.clone();
                let cookie = runtime.unblock(move || Cookie::of_port(port, directory.as_deref())).await?;
                Some((listeners, Server(Arc::new(shared.of_page(port, cookie, ui)))))
            }
        };
        let server = Server(Arc::new(shared));
        let serve = |listeners: Vec<Listener>, server: &Server, router: Router| {
            let slots = Arc::new(Semaphore::new(connections.max(1)));
            for listener in listeners {
                let (server, router) = (server.clone(), router.clone());
                let (slots, until_the_end) = (Arc::clone(&slots), until_the_end.clone());
                tokio::spawn(listen(runtime.clone(), server, router, listener, slots, until_the_end));
            }
        };
        serve(listeners, &server, router(server.clone()));
        if let Some((listeners, page)) = page {
            serve(listeners, &page, official_ui::router(page.clone()));
        }
        Ok(Self { server, stop, running, files })
    }

    /// Where to open the page of the official desktop, if that is served. The link has the token in it: whoever has it can
    /// use the desktop until this one stops.
    #[must_use]
    pub fn official_ui_link(&self) -> Option<String> {
        let port = self.official_ui_port()?;
        Some(format!("http://localhost:{port}/?token={}", self.token().as_str()))
    }

    /// The port of the page of the official desktop, if that is served.
    #[must_use]
    pub fn official_ui_port(&self) -> Option<u16> {
        self.server.0.place.ports.official_ui
    }

    /// The port that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.server.gate().port
    }

    /// What callers have to show.
    #[must_use]
    pub fn token(&self) -> &Token {
        &self.server.gate().token
    }

    /// Where a person opens the page. Whoever has this link has the token.
    #[must_use]
    pub fn page_link(&self) -> String {
        let host = match self.addresses().first() {
            Some(address) if !address.is_loopback() && !address.is_unspecified() => {
                SocketAddr::new(*address, self.port())
            }
            _ => return format!("http://localhost:{}/#token={}", self.port(), self.token().as_str()),
        };
        format!("http://{host}/#token={}", self.token().as_str())
    }

    /// The addresses that it listens on.
    #[must_use]
    pub fn addresses(&self) -> &[IpAddr] {
        &self.server.0.place.addresses
    }

    /// Stops: the port is closed, the files are removed, and sockets are closed with 1001. Ready when all that is done;
    /// a caller that does not close its side holds that up by two seconds at most.
    pub async fn stop(mut self) {
        self.begin_to_stop();
        // Nothing is ever sent: this waits for the end.
        while self.running.changed().await.is_ok() {}
    }

    fn begin_to_stop(&mut self) {
        self.files = None;
        self.stop.send_replace(true);
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.begin_to_stop();
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("place", &self.server.0.place).finish_non_exhaustive()
    }
}

impl Shared {
    /// The same for the port of the official desktop's page, which is known by no other name than this machine's own.
    fn of_page(&self, port: u16, cookie: Cookie, ui: OfficialUi) -> Self {
        Self {
            desktop: self.desktop.clone(),
            gate: Gate { port, known_hosts: Vec::new(), token: self.gate.token.clone(), cookie: Some(cookie) },
            place: self.place.clone(),
            directory: self.directory.clone(),
            max_message: self.max_message,
            observers: Arc::clone(&self.observers),
            hosting: Some(Arc::new(Hosting::new(ui))),
            stopping: self.stopping.clone(),
        }
    }
}

impl From<WriteError> for StartError {
    fn from(WriteError { path, error }: WriteError) -> Self {
        Self::StateFile { path, kind: error.kind(), text: error.to_string() }
    }
}

impl From<CookieError> for StartError {
    fn from(error: CookieError) -> Self {
        match error {
            CookieError::File(error) => error.into(),
            CookieError::NoChance(error) => Self::NoChance(error.to_string()),
        }
    }
}

impl Server {
    /// The page of the official desktop, if this is its port.
    pub(super) fn hosting(&self) -> Option<&Arc<Hosting>> {
        self.0.hosting.as_ref()
    }

    pub(super) fn desktop(&self) -> &Desktop {
        &self.0.desktop
    }

    pub(super) fn gate(&self) -> &Gate {
        &self.0.gate
    }

    /// The directory of the desktop's files, if it has one.
    #[cfg(feature = "records")]
    pub(super) fn directory(&self) -> Option<&std::path::Path> {
        self.0.directory.as_deref()
    }

    /// The most bytes that a message may have.
    pub(super) fn max_message(&self) -> usize {
        self.0.max_message
    }

    /// How many sockets are open.
    pub(super) fn observers(&self) -> &AtomicUsize {
        &self.0.observers
    }

    /// Ready once the API begins to stop.
    pub(super) async fn stopping(&self) {
        let mut stopping = self.0.stopping.clone();
        // The sender is gone only after it has said so.
        let _over = stopping.wait_for(|stopping| *stopping).await;
    }

    pub(super) fn status(&self) -> json::Status {
        let Shared { desktop, place, directory, observers, .. } = &*self.0;
        json::Status {
            version: place.version.clone(),
            pid: place.pid,
            started_at: place.started_at,
            state_dir: directory.as_ref().map(|directory| directory.display().to_string()),
            addresses: place.addresses.clone(),
            ports: place.ports,
            apps: desktop.desk().peek(|core| core.clients().count()),
            observers: observers.load(std::sync::atomic::Ordering::Relaxed),
            counters: desktop.counters().into(),
        }
    }
}

/// The addresses of listeners that were bound without being told where.
fn loopback(listeners: usize) -> Vec<IpAddr> {
    let both = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    both.into_iter().take(listeners).collect()
}

/// Takes connections until the API stops. The listener is closed when this ends.
async fn listen(
    runtime: Tokio,
    server: Server,
    router: Router,
    listener: Listener,
    slots: Arc<Semaphore>,
    until_the_end: watch::Sender<()>,
) {
    let taking = async {
        loop {
            match runtime.accept(&listener).await {
                Ok((stream, peer)) => {
                    // Only now: a listener to which nobody comes takes no slot. The semaphore is never closed.
                    let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
                    let presence = Presence { _slot: Arc::new(slot), _until_the_end: until_the_end.clone() };
                    tokio::spawn(serve(server.clone(), router.clone(), stream.into(), peer, presence));
                }
                Err(error) => {
                    tracing::warn!("no connection can be taken: {error}");
                    sleep(PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = server.stopping() => {}
        () = taking => {}
    }
}

/// Has the system find out by itself when the peer's machine is gone. A peer that is only stopped, at a breakpoint for
/// example, is still there for it.
#[cfg(unix)]
fn keep_alive(tcp: &TcpStream) -> io::Result<()> {
    use rustix::net::sockopt::{set_socket_keepalive, set_tcp_keepidle, set_tcp_keepintvl};

    set_socket_keepalive(tcp, true)?;
    set_tcp_keepidle(tcp, KEEPALIVE_IDLE)?;
    Ok(set_tcp_keepintvl(tcp, KEEPALIVE_INTERVAL)?)
}

#[cfg(not(unix))]
fn keep_alive(_tcp: &TcpStream) -> io::Result<()> {
    Ok(())
}

/// Speaks HTTP on one connection, to its end or until it is a WebSocket.
async fn serve(server: Server, router: Router, tcp: TcpStream, peer: SocketAddr, presence: Presence) {
    if let Err(error) = keep_alive(&tcp) {
        tracing::debug!(%peer, "the system does not watch over the connection: {error}");
    }
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(presence.clone());
        let answering = router.call(request);
        async move { Ok::<_, Infallible>(answering.await.unwrap_or_else(|never| match never {})) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(READ_AHEAD)
        .serve_connection(TokioIo::new(tcp), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = server.stopping() => {
            connection.as_mut().graceful_shutdown();
            match timeout(STOP_PATIENCE, connection).await {
                Ok(served) => served,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = served {
        tracing::debug!(%peer, "a connection came to nothing: {error}");
    }
}
