//! The API: HTTP, its WebSockets, and the official UI socket.

mod docs;
mod files;
mod gate;
mod http;
mod official;
mod official_ui;
mod page;
#[cfg(feature = "records")]
mod recordings;
mod socket;

use flipper_desktop::Builder;
use flipper_desktop::api::Api;
use flipper_desktop::proto::{ClientId, Query};
use flipper_tokio::{Flipper, Tokio};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::support::{Identity, Peer, RawPeer, Request, Rig, app, desktop, memory_authority};

/// A desktop with an API.
struct Served {
    rig: Rig<Tokio>,
    api: Api,
}

impl Served {
    async fn start() -> Self {
        Self::with(desktop()).await
    }

    async fn with(builder: Builder) -> Self {
        let rig = Rig::start(builder).await;
        let api = Api::builder(&rig.desktop).port(0).start().await.unwrap();
        Self { rig, api }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "").await
    }

    async fn post(&self, path: &str, body: &str) -> Answer {
        self.ask("POST", path, body).await
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let port = self.api.port();
        let authorization = format!("Authorization: Bearer {}\r\n", self.api.token().as_str());
        ask(port, method, path, &format!("Host: localhost:{port}\r\n{authorization}"), body).await
    }

    /// Opens a WebSocket with the token in its query.
    async fn open(&self, target: &str) -> Peer {
        self.request(target).open().await.unwrap()
    }

    fn request(&self, target: &str) -> Request {
        let between = if target.contains('?') { '&' } else { '?' };
        let target = format!("{target}{between}token={}", self.api.token().as_str());
        Request::exchange(self.api.port(), &Query::new("", "", "", "")).target(&target)
    }
}

/// A desktop with an API, and the app of most tests.
struct Connected {
    served: Served,
    client: ClientId,
    app: Flipper,
    _dir: TempDir,
}

async fn connected() -> Connected {
    let mut served = Served::start().await;
    let dir = tempdir().unwrap();
    let app = app(served.rig.desktop.ports(), dir.path()).start().unwrap();
    let client = served.rig.client().await;
    Connected { served, client, app, _dir: dir }
}

/// A desktop with an API, and a peer that does what the test says.
async fn with_scripted_app() -> (Served, Peer, ClientId) {
    let authority = memory_authority();
    let mut served = Served::with(desktop().authority(authority.clone())).await;
    let query = Query::new("Scripted", "Linux", "box", "d1");
    let tls = Identity::of("com.example.scripted").tls(&authority, &authority, "d1");
    let mut peer = Request::session(served.rig.desktop.ports().secure, &query, tls).open().await.unwrap();
    peer.introduce(&["Silent"], &[]).await;
    let client = served.rig.client().await;
    (served, peer, client)
}

/// What was answered over HTTP.
struct Answer {
    status: u16,
    head: String,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.text))
    }

    /// The name of the error, which must say what to do.
    fn error(&self) -> (u16, String) {
        let error = &self.json()["error"];
        assert!(error["message"].is_string(), "{}", self.text);
        assert!(error["hint"].is_string() || error["cause"].is_object(), "{}", self.text);
        (self.status, error["name"].as_str().unwrap().to_owned())
    }
}

/// Asks with exactly these headers.
async fn ask(port: u16, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let mut peer = RawPeer::connect(port).await;
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\n{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n");
    peer.write(format!("{head}{body}").as_bytes()).await;
    let answer = peer.read_to_end().await.unwrap();
    let (head, text) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_ascii_lowercase(), text: text.to_owned() }
}

/// An id as it stands in a path.
fn escaped(id: &ClientId) -> String {
    id.as_str().bytes().map(|byte| format!("%{byte:02X}")).collect()
}
