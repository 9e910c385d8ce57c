//! What a scenario has in its hands: the desktop that it plays, and the client that comes to it.

use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use flipper_pki::CertificateRequest;
use flipper_proto::Query;
use rustls::ServerConfig;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::desk::{Arrival, Desk, Port};
use super::session::Session;
use super::subject::{Running, Subject, Told};
use super::{Check, Transport};
use crate::check::issuer::Issuer;
use crate::check::outcome::{Stop, Verdict, excerpt};
use crate::check::run::RunError;
use crate::check::talk::{Came, Head, Talk, Unopened, Welcome, seconds};

/// The device id that a client is answered.
pub(super) const DEVICE_ID: &str = "conformance-device";
const APP: &str = "Conformance";
pub(super) const APP_ID: &str = "com.example.conformance";

/// How often it is looked whether the client still runs.
const LOOK: Duration = Duration::from_millis(50);
/// As long as several things are waited for in turn.
const GLANCE: Duration = Duration::from_millis(5);

/// How many times its patience a scenario waits for a client that connects again and again, and not as it should.
const COMPOSURE: u32 = 4;

/// The client under test, seen from the desktop that it connects to.
pub(super) struct ClientUnderTest {
    pub(super) desk: Desk,
    subject: Subject,
    host: String,
    transport: Transport,
    pub(super) patience: Duration,
    running: Option<Running>,
    files: TempDir,
    scenario: &'static str,
    pub(super) app: String,
    pub(super) device_id: String,
    issuer: Issuer,
    /// Shown instead of the issuer's own, as long as there is one.
    pub(super) impostor: Option<Arc<ServerConfig>>,
    /// How the next upgrades of sessions are answered, but for `Accept`.
    pub(super) welcomes: Vec<Welcome>,
    kept: Option<Session>,
    /// The last exchange that was granted.
    granted: Option<Granted>,
    /// Exchange sockets that the client has not closed yet. They are read all along, as every desktop does.
    lingering: Vec<Talk>,
    /// The last message that came there.
    acknowledgement: Option<String>,
    pub(super) counts: Counts,
    /// Who has come and was not looked at.
    early: Option<Arrival>,
    /// What has come since a scenario began to wait.
    notes: Vec<String>,
}

/// What has happened since the scenario began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Exchanges that were granted.
    pub(super) exchanges: usize,
    /// TLS handshakes that the client ended.
    pub(super) refused_handshakes: usize,
    /// TLS handshakes in which the client accepted the desktop, and the desktop did not accept the client.
    pub(super) gullible_handshakes: usize,
}

/// Until when somebody is waited for.
struct Deadline {
    /// Moves whenever somebody connects.
    next: Instant,
    /// Never moves.
    last: Instant,
}

/// A certificate request that waits for its answer.
pub(super) struct ExchangeAttempt {
    pub(super) talk: Talk,
    pub(super) asked: Asked,
}

/// What a client says in an exchange.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) head: Head,
    pub(super) query: Query,
    pub(super) message: Value,
}

/// An exchange that was granted.
#[derive(Clone, Debug)]
pub(super) struct Granted {
    pub(super) asked: Asked,
    pub(super) csr: String,
    pub(super) destination: String,
}

/// Who has come.
enum Guest {
    Exchange(Box<ExchangeAttempt>),
    Session(Box<Session>),
}

impl ClientUnderTest {
    pub(super) fn new(check: &Check) -> Result<Self, RunError> {
        let ports: &[(Port, u16)] = match check.transport {
            Transport::Secure { insecure, secure } => &[(Port::Insecure, insecure), (Port::Secure, secure)],
            Transport::Browser { port } => &[(Port::Browser, port)],
        };
        let files = TempDir::with_prefix("flipper-conformance-")
            .map_err(|source| RunError::io("making a directory for the client's files", source))?;
        let host = if check.listen.is_unspecified() || check.listen.is_loopback() && check.listen.is_ipv4() {
            "localhost".to_owned()
        } else {
            check.listen.to_string()
        };
        Ok(Self {
            desk: Desk::open(check.listen, ports)?,
            subject: check.subject.clone(),
            host,
            transport: check.transport,
            patience: check.patience,
            running: None,
            files,
            scenario: "",
            app: APP.to_owned(),
            device_id: DEVICE_ID.to_owned(),
            issuer: match &check.state_dir {
                Some(directory) => Issuer::kept_in(directory),
                None => Issuer::ours(),
            }
            .map_err(|what| RunError::Unable { what })?,
            impostor: None,
            welcomes: Vec::new(),
            kept: None,
            granted: None,
            lingering: Vec::new(),
            acknowledgement: None,
            counts: Counts::default(),
            early: None,
            notes: Vec::new(),
        })
    }

    // --- The life of a scenario ---

    pub(super) fn begin(&mut self, scenario: &'static str) {
        self.scenario = scenario;
        self.counts = Counts::default();
        self.impostor = None;
        self.welcomes.clear();
        DEVICE_ID.clone_into(&mut self.device_id);
        self.notes.clear();
        self.lingering.clear();
    }

    /// Whether somebody else starts the client.
    pub(super) fn is_by_hand(&self) -> bool {
        self.subject == Subject::ByHand
    }

    pub(super) fn is_browser(&self) -> bool {
        matches!(self.transport, Transport::Browser { .. })
    }

    /// Stops a client that was started here.
    pub(super) fn stop(&mut self) {
        self.kept = None;
        if let Some(running) = self.running.take() {
            running.stop();
        }
    }

    /// What the client has printed, where something went wrong.
    pub(super) fn output(&self) -> Option<String> {
        let output = self.running.as_ref()?.output();
        (!output.is_empty()).then_some(output)
    }

    fn start_unless_running(&mut self) -> Verdict {
        if let Some(running) = &self.running {
            return running.check();
        }
        match &self.subject {
            Subject::ByHand => Ok(()),
            #[cfg(unix)]
            Subject::Shim { program, arguments } => {
                let directory = self.files.path().join("client");
                fs::create_dir_all(&directory).map_err(|error| Stop::broken("a directory for the client", error))?;
                let number = |port| self.desk.number(port).unwrap_or_default();
                let ports = if self.is_browser() {
                    ("--browser-port", number(Port::Browser).to_string())
                } else {
                    ("--ports", format!("{},{}", number(Port::Insecure), number(Port::Secure)))
                };
                let told = Told {
                    host: &self.host,
                    ports,
                    directory: &directory,
                    scenario: self.scenario,
                    app: &self.app,
                    app_id: APP_ID,
                };
                self.running = Some(Running::start(program, arguments, &told)?);
                Ok(())
            }
        }
    }

    // --- Certificates ---

    /// Becomes a desktop that the client does not know, so that it has to exchange certificates.
    pub(super) fn change_issuer(&mut self, issuer: Result<Issuer, String>) -> Verdict<Issuer> {
        let issuer = issuer.map_err(|what| Stop::broken("certificates of a desktop", what))?;
        Ok(std::mem::replace(&mut self.issuer, issuer))
    }

    pub(super) fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    fn server_config(&self) -> Verdict<Arc<ServerConfig>> {
        match &self.impostor {
            Some(config) => Ok(Arc::clone(config)),
            None => self.issuer.server_config().map_err(|what| Stop::broken("a TLS configuration", what)),
        }
    }

    // --- Exchanges ---

    /// The client's next certificate request. A client that has certificates is made to doubt them first.
    pub(super) fn fresh_exchange(&mut self) -> Verdict<ExchangeAttempt> {
        self.change_issuer(Issuer::ours())?;
        self.end_kept();
        self.next_exchange()
    }

    /// What the client said in its last exchange, or in one that it has to make now.
    pub(super) fn some_exchange(&mut self) -> Verdict<Granted> {
        if self.granted.is_none() {
            let attempt = self.fresh_exchange()?;
            self.grant(attempt)?;
        }
        self.granted.clone().ok_or_else(|| Stop::failed("an exchange", "none was granted"))
    }

    /// The client's next certificate request.
    pub(super) fn next_exchange(&mut self) -> Verdict<ExchangeAttempt> {
        let mut deadline = self.begin_waiting();
        loop {
            match self.next_guest(&mut deadline, "a certificate request")? {
                Guest::Exchange(attempt) => return Ok(*attempt),
                Guest::Session(session) => {
                    self.notes.push("a session, which was closed".to_owned());
                    session.talk.drop_connection();
                }
            }
        }
    }

    /// Signs a request, delivers the files, and answers.
    pub(super) fn grant(&mut self, attempt: ExchangeAttempt) -> Verdict {
        let answer = json!({"deviceId": self.device_id});
        self.grant_with(attempt, &answer)
    }

    /// As [`grant`](Self::grant), with an answer of one's own.
    pub(super) fn grant_with(&mut self, mut attempt: ExchangeAttempt, answer: &Value) -> Verdict {
        let granted = self.deliver(&attempt.asked)?;
        attempt.talk.send(&answer.to_string()).map_err(|end| Stop::failed("the client waits", end.to_string()))?;
        self.granted = Some(granted);
        self.acknowledgement = None;
        self.linger(attempt);
        self.counts.exchanges += 1;
        Ok(())
    }

    fn deliver(&self, asked: &Asked) -> Verdict<Granted> {
        let text = |field: &str| {
            let value = asked.message[field].as_str().map(str::to_owned);
            value.ok_or_else(|| Stop::failed(format!("a text as {field}"), excerpt(&asked.message.to_string())))
        };
        let (csr, destination) = (text("csr")?, text("destination")?);
        let request = CertificateRequest::from_pem(&csr)
            .map_err(|error| Stop::failed("a certificate request that can be signed", error.to_string()))?;
        let issued = self.issuer.sign(&request, &csr, &self.device_id);
        let issued = issued.map_err(|what| Stop::broken("a certificate to be issued", what))?;
        // Put together as the official desktop does it: the separator is the client's business.
        for (name, content) in [("sonarCA.crt", issued.ca_pem), ("device.crt", issued.certificate_pem)] {
            let file = format!("{destination}{name}");
            fs::write(&file, content)
                .map_err(|error| Stop::failed("a destination that can be written to", format!("{file}: {error}")))?;
        }
        Ok(Granted { asked: asked.clone(), csr, destination })
    }

    /// Leaves an exchange to the client, which may close it when it likes.
    pub(super) fn linger(&mut self, attempt: ExchangeAttempt) {
        self.lingering.push(attempt.talk);
    }

    /// What came after the answer on the socket of the last exchange, up to now.
    pub(super) fn acknowledgement(&mut self) -> Option<String> {
        self.read_lingering(LOOK);
        self.acknowledgement.take()
    }

    fn read_lingering(&mut self, within: Duration) {
        let acknowledgement = &mut self.acknowledgement;
        self.lingering.retain_mut(|talk| match talk.receive(Instant::now() + within) {
            Came::Text(text) => {
                *acknowledgement = Some(text);
                true
            }
            Came::Binary(_) | Came::Pong(_) | Came::Nothing => true,
            Came::Ended(_) => false,
        });
    }

    // --- Sessions ---

    /// The session that is open, or the next one.
    pub(super) fn session(&mut self) -> Verdict<Session> {
        if let Some(mut session) = self.kept.take()
            && session.is_open()
        {
            return Ok(session);
        }
        self.next_session()
    }

    /// Leaves a session open for the next scenario.
    pub(super) fn keep(&mut self, session: Session) {
        self.kept = Some(session);
    }

    /// Ends the session that is left open, in a way that every client comes back from.
    pub(super) fn end_kept(&mut self) {
        if let Some(session) = self.kept.take() {
            session.talk.drop_connection();
        }
    }

    /// The client's next session, with an exchange before it if the client wants one.
    pub(super) fn next_session(&mut self) -> Verdict<Session> {
        let mut deadline = self.begin_waiting();
        loop {
            match self.next_guest(&mut deadline, "a session")? {
                Guest::Exchange(attempt) => {
                    self.grant(*attempt)?;
                    self.notes.push("a certificate request, which was granted".to_owned());
                }
                Guest::Session(session) => return Ok(*session),
            }
        }
    }

    /// As [`next_session`](Self::next_session), where the client needs no exchange.
    pub(super) fn next_session_without_exchange(&mut self) -> Verdict<Session> {
        let before = self.counts.exchanges;
        let session = self.next_session()?;
        if self.counts.exchanges == before {
            return Ok(session);
        }
        Err(Stop::failed("a session with the certificates that the client has", "it asked for certificates again"))
    }

    /// Whether somebody has connected who was not looked at.
    pub(super) fn somebody_waits(&mut self) -> bool {
        self.somebody_comes(Instant::now())
    }

    /// Whether somebody has connected, or does until the deadline; he is kept for later.
    pub(super) fn somebody_comes(&mut self, deadline: Instant) -> bool {
        if self.early.is_none() {
            self.early = self.desk.arrival(deadline.saturating_duration_since(Instant::now()));
        }
        self.early.is_some()
    }

    /// Waits for the next TLS handshake, which the client has to end.
    pub(super) fn handshake_is_refused(&mut self, whose: &str) -> Verdict {
        let before = self.counts.refused_handshakes;
        let mut deadline = self.begin_waiting();
        let expected = format!("the client refuses {whose}");
        while self.counts.refused_handshakes == before {
            match self.next_guest_or(&mut deadline, &expected, |cx| cx.counts.refused_handshakes > before)? {
                None => {}
                Some(Guest::Exchange(attempt)) => self.grant(*attempt)?,
                Some(Guest::Session(_)) => return Err(Stop::failed(expected, "it opened a session")),
            }
        }
        Ok(())
    }

    // --- Who comes ---

    fn begin_waiting(&mut self) -> Deadline {
        self.notes.clear();
        let now = Instant::now();
        Deadline { next: now + self.patience, last: now + self.patience.saturating_mul(COMPOSURE) }
    }

    fn next_guest(&mut self, deadline: &mut Deadline, what: &str) -> Verdict<Guest> {
        loop {
            if let Some(guest) = self.next_guest_or(deadline, what, |_| false)? {
                return Ok(guest);
            }
        }
    }

    /// The next one who says what he wants; `None` as soon as `done`.
    fn next_guest_or(
        &mut self,
        deadline: &mut Deadline,
        what: &str,
        done: impl Fn(&Self) -> bool,
    ) -> Verdict<Option<Guest>> {
        while !done(self) {
            self.start_unless_running()?;
            let left = deadline.next.min(deadline.last).saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Stop::failed(format!("{what} within {}", seconds(self.patience)), self.summary()));
            }
            self.read_lingering(GLANCE);
            let pause = if self.lingering.is_empty() { LOOK } else { GLANCE };
            let arrival = self.early.take().or_else(|| self.desk.arrival(left.min(pause)));
            let Some(Arrival { port, tcp }) = arrival else { continue };
            deadline.next = Instant::now() + self.patience;
            let guest = match port {
                Port::Insecure => self.receive_exchange(tcp)?,
                Port::Secure | Port::Browser => self.receive_session(port, tcp)?,
            };
            if guest.is_some() {
                return Ok(guest);
            }
        }
        Ok(None)
    }

    /// What has come, the same only once.
    fn summary(&self) -> String {
        let mut counted: Vec<(&str, usize)> = Vec::new();
        for note in &self.notes {
            match counted.iter_mut().find(|(known, _)| known == note) {
                Some((_, count)) => *count += 1,
                None => counted.push((note, 1)),
            }
        }
        let lines: Vec<_> = counted
            .into_iter()
            .map(|(note, count)| if count > 1 { format!("{count} times {note}") } else { note.to_owned() })
            .collect();
        if lines.is_empty() { "nobody connected".to_owned() } else { lines.join("\n") }
    }

    fn receive_exchange(&mut self, tcp: std::net::TcpStream) -> Verdict<Option<Guest>> {
        let (mut talk, head) = match Talk::accept(tcp, None, Welcome::Accept, self.patience) {
            Ok(opened) => opened,
            Err(unopened) => {
                self.notes.push(format!("a connection to the port for exchanges; {unopened}"));
                return Ok(None);
            }
        };
        // A web page has no business here; official iOS apps name the very host that they dial.
        if head.origin.as_deref().is_some_and(|origin| !origin.starts_with("http://localhost:")) {
            self.notes.push(format!("a web page of {}", head.origin.unwrap_or_default()));
            return Ok(None);
        }
        let query = read_query(&head, Query::parse)?;
        match talk.receive(Instant::now() + self.patience) {
            Came::Text(text) => {
                let message: Value =
                    serde_json::from_str(&text).map_err(|_| Stop::failed("signCertificate as JSON", excerpt(&text)))?;
                if message["method"] != "signCertificate" {
                    return Err(Stop::failed("signCertificate first on this port", excerpt(&text)));
                }
                let asked = Asked { head, query, message };
                Ok(Some(Guest::Exchange(Box::new(ExchangeAttempt { talk, asked }))))
            }
            Came::Binary(_) => Err(Stop::failed("signCertificate as a text message", "a binary message")),
            Came::Ended(end) => {
                self.notes.push(format!("a connection to the port for exchanges, without a request; {end}"));
                Ok(None)
            }
            Came::Pong(_) | Came::Nothing => {
                self.notes.push("a connection to the port for exchanges, without a request".to_owned());
                Ok(None)
            }
        }
    }

    fn receive_session(&mut self, port: Port, tcp: std::net::TcpStream) -> Verdict<Option<Guest>> {
        let tls = if port == Port::Secure { Some(self.server_config()?) } else { None };
        let welcome = self.welcomes.pop().unwrap_or(Welcome::Accept);
        let where_to = if port == Port::Secure { "the port for sessions" } else { "the port for browsers" };
        match Talk::accept(tcp, tls, welcome, self.patience) {
            Ok((talk, head)) => {
                let parse = if port == Port::Secure { Query::parse } else { Query::parse_browser };
                let query = read_query(&head, parse)?;
                Ok(Some(Guest::Session(Box::new(Session::new(talk, head, query, self.patience)))))
            }
            Err(unopened) => {
                if welcome != Welcome::Accept && !matches!(unopened, Unopened::Http(_)) {
                    // Not the one that it was meant for.
                    self.welcomes.push(welcome);
                }
                match &unopened {
                    Unopened::Tls(_) => self.counts.refused_handshakes += 1,
                    Unopened::Certificate(_) => self.counts.gullible_handshakes += 1,
                    Unopened::Http(_) | Unopened::Lost(_) => {}
                }
                self.notes.push(format!("a connection to {where_to}; {unopened}"));
                Ok(None)
            }
        }
    }

    /// Lets the system refuse connections for this long.
    pub(super) fn be_away(&mut self, span: Duration) -> Verdict {
        self.desk.stop_listening();
        thread::sleep(span);
        self.desk.listen().map_err(|error| Stop::broken("the desktop to listen again", error))
    }
}

impl Drop for ClientUnderTest {
    fn drop(&mut self) {
        self.stop();
    }
}

fn read_query<E: std::fmt::Display>(head: &Head, parse: impl Fn(&str) -> Result<Query, E>) -> Verdict<Query> {
    parse(&head.target)
        .map_err(|error| Stop::failed("a query that says who it is", format!("{error}: {}", excerpt(&head.target))))
}
