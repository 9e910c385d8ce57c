//! What a scenario has in its hands: the desktop, and the apps that it plays for it.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use flipper_proto::{Medium, Query};
use rustls::ClientConfig;
use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::http::HeaderValue;

use super::app::App;
use super::driver::Driver;
use super::identity::{APP_ID, Certificates, Identity};
use super::{Check, no_driver};
use crate::check::outcome::{Stop, Verdict, excerpt, expect};
use crate::check::run::RunError;
use crate::check::talk::{Came, End, Talk, Unopened, seconds};

/// The operating system that every desktop knows and delivers files to.
const OS: &str = "MacOS";
const DEVICE: &str = "conformance";
/// Desktops limit how often certificates may be asked for.
const EXCHANGE_PAUSE: Duration = Duration::from_millis(250);

/// How long a connection that is to be refused may be open.
const AFTERTHOUGHT: Duration = Duration::from_secs(1);

/// The desktop under test, seen from the apps that connect to it.
pub(super) struct DesktopUnderTest {
    check: Check,
    files: TempDir,
    /// Counts what must not have the name of anything before it.
    number: usize,
    last_exchange: Option<Instant>,
    /// The app that most sessions are of.
    member: Option<Arc<Member>>,
    /// Whether the desktop asks apps for their plugins by itself, once that is known.
    asks_by_itself: Option<bool>,
}

/// An app that has certificates.
pub(super) struct Member {
    pub(super) identity: Identity,
    pub(super) certificates: Certificates,
    pub(super) device_id: String,
}

/// A port of the desktop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Port {
    Insecure,
    Secure,
    Browser,
}

/// How to connect.
#[derive(Clone, Default)]
pub(super) struct Dial {
    pub(super) origin: Option<String>,
    pub(super) tls: Option<Arc<ClientConfig>>,
    pub(super) byte_by_byte: bool,
}

impl DesktopUnderTest {
    pub(super) fn new(check: Check) -> Result<Self, RunError> {
        let files = TempDir::with_prefix("flipper-conformance-")
            .map_err(|source| RunError::io("making a directory for the apps' files", source))?;
        let desktop = Self { check, files, number: 0, last_exchange: None, member: None, asks_by_itself: None };
        for port in [Port::Insecure, Port::Secure, Port::Browser] {
            let Some(number) = desktop.port(port) else { continue };
            TcpStream::connect((desktop.check.host.as_str(), number)).map_err(|source| {
                let doing =
                    format!("connecting to {}:{number}; does the desktop run, on these ports?", desktop.check.host);
                RunError::io(doing, source)
            })?;
        }
        Ok(desktop)
    }

    fn port(&self, port: Port) -> Option<u16> {
        match port {
            Port::Insecure => Some(self.check.insecure),
            Port::Secure => Some(self.check.secure),
            Port::Browser => self.check.browser,
        }
    }

    pub(super) fn patience(&self) -> Duration {
        self.check.patience
    }

    /// Goes on if the desktop is still there after the scenario before.
    pub(super) fn still_listens(&self) -> Verdict {
        let address = (self.check.host.as_str(), self.check.insecure);
        TcpStream::connect(address).map(drop).map_err(|error| {
            Stop::failed("the desktop is still there", format!("{}:{}: {error}", address.0, address.1))
        })
    }

    pub(super) fn driver(&mut self) -> Verdict<&mut dyn Driver> {
        match &mut self.check.driver {
            Some(driver) => Ok(&mut **driver),
            None => Err(no_driver()),
        }
    }

    /// A name that no app had before.
    pub(super) fn new_name(&mut self) -> String {
        self.number += 1;
        format!("Conformance {}", self.number)
    }

    // --- Connections ---

    /// Opens a WebSocket, or says why there is none.
    pub(super) fn dial(&self, port: Port, target: &str, dial: Dial) -> Verdict<Result<Talk, Unopened>> {
        let host = &self.check.host;
        let number = self.port(port).ok_or_else(|| Stop::skipped("needs --browser-port"))?;
        let scheme = if dial.tls.is_some() { "wss" } else { "ws" };
        let broken = |error: &dyn std::fmt::Display| Stop::broken("a request to be made", error);
        let url = format!("{scheme}://{}{target}", self.authority(number));
        let mut request = url.into_client_request().map_err(|error| broken(&error))?;
        if let Some(origin) = dial.origin {
            let origin = HeaderValue::from_str(&origin).map_err(|error| broken(&error))?;
            request.headers_mut().insert("Origin", origin);
        }
        let tcp = TcpStream::connect((host.as_str(), number))
            .map_err(|error| Stop::failed("the desktop listens", format!("{host}:{number}: {error}")))?;
        Ok(Talk::connect(tcp, dial.tls, request, dial.byte_by_byte, self.check.patience))
    }

    /// The origin that a page of the desktop's own would have.
    pub(super) fn own_origin(&self, port: Port) -> String {
        format!("http://{}", self.authority(self.port(port).unwrap_or_default()))
    }

    fn authority(&self, port: u16) -> String {
        let host = &self.check.host;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// Opens a WebSocket, which the desktop must let this app do.
    pub(super) fn open(&self, port: Port, target: &str, dial: Dial) -> Verdict<Talk> {
        self.dial(port, target, dial)?
            .map_err(|unopened| Stop::failed("the connection is accepted", unopened.to_string()))
    }

    /// Goes on if the desktop lets nobody open this WebSocket, or closes it before anything is said.
    pub(super) fn refuses(&self, port: Port, target: &str, dial: Dial) -> Verdict {
        let Ok(mut talk) = self.dial(port, target, dial)? else { return Ok(()) };
        let _lost_then = talk.ping(b"open?");
        let mut deadline = Instant::now() + self.check.patience;
        let mut came = "it is open".to_owned();
        loop {
            match talk.receive(deadline) {
                Came::Ended(_) => return Ok(()),
                // It is open; perhaps not for long.
                Came::Pong(_) => deadline = deadline.min(Instant::now() + AFTERTHOUGHT),
                Came::Text(text) => came = excerpt(&text),
                Came::Binary(_) => {}
                Came::Nothing => return Err(Stop::failed("the connection is refused", came)),
            }
        }
    }

    /// Goes on if the desktop accepts this query only to close with 1011, as it does where it does not understand it.
    pub(super) fn closes_with_1011(&self, port: Port, target: &str, dial: Dial) -> Verdict {
        let mut talk = self.open(port, target, dial)?;
        let what = format!("{target} is closed with code 1011");
        match talk.receive(Instant::now() + self.check.patience) {
            Came::Ended(End::Closed { code: 1011, .. }) => Ok(()),
            Came::Ended(end) => Err(Stop::failed(what, end.to_string())),
            Came::Text(text) => Err(Stop::failed(what, excerpt(&text))),
            Came::Binary(_) | Came::Pong(_) | Came::Nothing => Err(Stop::failed(what, "the connection stays open")),
        }
    }

    // --- Exchanges ---

    /// The query of an app that has no certificate yet.
    pub(super) fn exchange_query(&self) -> Query {
        let mut query = Query::new("Conformance exchange", OS, DEVICE, "unknown");
        query.app_id = Some(APP_ID.to_owned());
        query.medium = Some(Medium::FsAccess);
        query
    }

    /// A connection on which certificates can be asked for.
    pub(super) fn exchange(&self) -> Verdict<Talk> {
        self.open(Port::Insecure, &self.exchange_query().to_target(), Dial::default())
    }

    /// A new directory of an app, which holds its request as official apps keep it.
    pub(super) fn directory(&mut self, csr: &str) -> Verdict<PathBuf> {
        self.number += 1;
        let directory = self.files.path().join(self.number.to_string());
        let make = || {
            fs::create_dir(&directory)?;
            fs::write(directory.join("app.csr"), csr)
        };
        make().map_err(|error| Stop::broken("a directory for an app", error))?;
        Ok(directory)
    }

    /// A request for a certificate that nothing is wrong with.
    pub(super) fn request(csr: &str, directory: &std::path::Path) -> Value {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        json!({
            "method": "signCertificate",
            "csr": csr,
            "destination": format!("{}{}", directory.display(), std::path::MAIN_SEPARATOR),
            "medium": 1,
            "timestamp": u64::try_from(now.as_millis()).unwrap_or_default(),
        })
    }

    /// Asks for a certificate, not too soon after the last time.
    pub(super) fn ask(&mut self, talk: &mut Talk, request: &Value) -> Verdict {
        self.pause();
        let sent = talk.send(&request.to_string());
        sent.map_err(|end| Stop::failed("the desktop takes requests", end.to_string()))
    }

    pub(super) fn pause(&mut self) {
        if let Some(last) = self.last_exchange {
            thread::sleep(EXCHANGE_PAUSE.saturating_sub(last.elapsed()));
        }
        self.last_exchange = Some(Instant::now());
    }

    /// The next answer on an exchange connection.
    pub(super) fn answer(&self, talk: &mut Talk) -> Verdict<Value> {
        self.answer_within(talk, self.check.patience)?
            .ok_or_else(|| Stop::failed(format!("an answer within {}", seconds(self.check.patience)), "none"))
    }

    pub(super) fn answer_within(&self, talk: &mut Talk, patience: Duration) -> Verdict<Option<Value>> {
        match talk.receive(Instant::now() + patience) {
            Came::Text(text) => match serde_json::from_str(&text) {
                Ok(answer @ Value::Object(_)) => Ok(Some(answer)),
                Ok(_) | Err(_) => Err(Stop::failed("a JSON object as answer", excerpt(&text))),
            },
            Came::Binary(_) => Err(Stop::failed("an answer as text", "a binary message")),
            Came::Ended(end) => Err(Stop::failed("an answer", end.to_string())),
            Came::Pong(_) | Came::Nothing => Ok(None),
        }
    }

    /// Asks for a certificate with a request that must be granted, and reads what is delivered.
    pub(super) fn granted(&mut self, talk: &mut Talk, request: &Value) -> Verdict<(String, Certificates)> {
        self.ask(talk, request)?;
        let answer = self.answer(talk)?;
        self.delivered(&answer, request)
    }

    pub(super) fn delivered(&self, answer: &Value, request: &Value) -> Verdict<(String, Certificates)> {
        let shown = excerpt(&answer.to_string());
        let device_id = answer["deviceId"].as_str().ok_or_else(|| Stop::failed(r#"{"deviceId": a text}"#, &shown))?;
        expect(answer.get("id").is_none() && answer.get("method").is_none(), "neither id nor method", shown)?;
        let destination = request["destination"].as_str().unwrap_or_default();
        let read = |name: &str| {
            let file = format!("{destination}{name}");
            fs::read_to_string(&file)
                .map_err(|error| Stop::failed(format!("{name} in the destination"), error.to_string()))
        };
        let certificates = Certificates { ca_pem: read("sonarCA.crt")?, certificate_pem: read("device.crt")? };
        Ok((device_id.to_owned(), certificates))
    }

    /// Makes an app with certificates.
    pub(super) fn enroll(&mut self, identity: Identity) -> Verdict<Member> {
        let directory = self.directory(&identity.csr)?;
        let mut talk = self.exchange()?;
        let (device_id, certificates) = self.granted(&mut talk, &Self::request(&identity.csr, &directory))?;
        Ok(Member { identity, certificates, device_id })
    }

    /// An app with certificates, always the same.
    pub(super) fn member(&mut self) -> Verdict<Arc<Member>> {
        if let Some(member) = &self.member {
            return Ok(Arc::clone(member));
        }
        let member = Arc::new(self.enroll(Identity::new()?)?);
        self.member = Some(Arc::clone(&member));
        Ok(member)
    }

    // --- Sessions ---

    /// The query of an app in a session.
    pub(super) fn session_query(member: &Member, app: &str) -> Query {
        let mut query = Query::new(app, OS, DEVICE, &member.device_id);
        query.app_id = Some(APP_ID.to_owned());
        query.medium = Some(Medium::FsAccess);
        query
    }

    /// Opens the session of an app.
    pub(super) fn session(&mut self, app: &str) -> Verdict<App> {
        let member = self.member()?;
        let query = Self::session_query(&member, app);
        self.session_of(&member, &query)
    }

    pub(super) fn session_of(&mut self, member: &Member, query: &Query) -> Verdict<App> {
        let tls = member.identity.tls(&member.certificates)?;
        let dial = Dial { tls: Some(tls), ..Dial::default() };
        let talk = self.open(Port::Secure, &query.to_target(), dial)?;
        Ok(App::new(talk, query.app.clone(), self.check.patience))
    }

    /// Opens the session of an app that did not exist before.
    pub(super) fn new_session(&mut self) -> Verdict<App> {
        let name = self.new_name();
        self.session(&name)
    }

    /// Goes on if the desktop really serves this session, and does not only keep it open.
    pub(super) fn is_served(&mut self, app: &mut App) -> Verdict {
        app.goes_on()?;
        if let Some(driver) = &mut self.check.driver {
            let serves = driver.serves(&app.name).map_err(|error| Stop::failed("the desktop lists its apps", error))?;
            expect(serves, "the desktop lists the app", "it is connected, and not listed")?;
            return self.call(app);
        }
        if self.asks_by_itself()? {
            // It may have asked before it answered the ping.
            return if app.was_asked("getPlugins") { Ok(()) } else { app.request("getPlugins").map(drop) };
        }
        Err(no_driver())
    }

    /// Has the desktop call the app, which answers.
    pub(super) fn call(&mut self, app: &mut App) -> Verdict {
        let (success, came) = (
            json!({"word": "olleh"}),
            self.call_with(
                app,
                &json!({"word": "hello"}),
                |message| json!({"id": message["id"], "success": {"word": "olleh"}}),
            )?,
        );
        expect(came == Ok(success), "the app's answer", format!("{came:?}"))
    }

    /// Has the desktop call `reverse` of the app's plugin, and gives what it makes of the app's answer.
    pub(super) fn call_with(
        &mut self,
        app: &mut App,
        params: &Value,
        answer: impl FnOnce(&Value) -> Value,
    ) -> Verdict<Result<Value, Value>> {
        let failed = |error| Stop::failed("the desktop can be driven", error);
        let name = app.name.clone();
        self.driver()?.init(&name, super::app::PLUGIN).map_err(failed)?;
        app.request("init")?;
        self.driver()?.start_call(&name, super::app::PLUGIN, "reverse", params.clone()).map_err(failed)?;
        let message = app.request("execute")?;
        let expected = json!({"api": super::app::PLUGIN, "method": "reverse", "params": params});
        expect(message["params"] == expected, expected.to_string(), excerpt(&message.to_string()))?;
        expect(message["id"].is_number(), "a number as id", excerpt(&message.to_string()))?;
        app.send_json(&answer(&message))?;
        let patience = self.check.patience;
        self.driver()?.finish_call(patience).map_err(|error| Stop::failed("the answer reaches the caller", error))
    }

    /// Whether the desktop asks for plugins without anybody looking at it.
    pub(super) fn asks_by_itself(&mut self) -> Verdict<bool> {
        if let Some(asks) = self.asks_by_itself {
            return Ok(asks);
        }
        let asks = self.new_session()?.request("getPlugins").is_ok();
        self.asks_by_itself = Some(asks);
        Ok(asks)
    }
}
