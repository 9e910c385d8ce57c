//! What an app does to get in, one step after the other, with certificates that are thrown away.

mod step;
mod talk;

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use flipper_desktop::pki::{
    Binding, CertificateFacts, ConnectionConfig, CredentialStore, Credentials, Prepared, classify_io, client_config,
    server_name,
};
use flipper_desktop::proto::{Medium, Query, TlsFailure, WallTime};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConnection, StreamOwned};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(super) use self::step::Step;

use self::step::Stuck;
use self::talk::{Heard, Talk, connect};
use super::ports::DesktopPorts;
use super::report::Report;
use crate::certs::Date;

const APP: &str = "flipper doctor";
const APP_ID: &str = "flipper.doctor";

/// How long a desktop may take to answer. Only one that does not answer takes this long.
const PATIENCE: Duration = Duration::from_secs(10);

/// A desktop backdates its certificates by a day, unless it is the official one.
const BACKDATED_BY: i64 = 24 * 60 * 60;
/// By how much clocks may differ without anybody noticing.
const TOLERANCE: i64 = 5 * 60;

/// Goes as far as it can. What comes after the step that fails is not tried.
pub(super) fn replay(report: &mut Report, host: &str, ports: &DesktopPorts) {
    let Err(stuck) = App::new(report, host, ports).and_then(App::get_in) else { return };
    report.stuck(stuck.step, &stuck.found, &stuck.advice);
    for step in Step::ALL.into_iter().filter(|step| *step > stuck.step) {
        report.skip(step.name(), "not tried");
    }
}

/// An app that is thrown away.
struct App<'a> {
    report: &'a mut Report,
    host: &'a str,
    ports: &'a DesktopPorts,
    store: CredentialStore,
    _directory: TempDir,
    /// As which it presents itself.
    os: &'static str,
}

impl<'a> App<'a> {
    fn new(report: &'a mut Report, host: &'a str, ports: &'a DesktopPorts) -> Result<Self, Stuck> {
        let directory = TempDir::with_prefix("flipper-doctor-").map_err(|error| {
            let advice = "make room, or set TMPDIR to a directory that can be written to";
            Stuck::new(Step::Certificates, format!("there is no directory for certificates: {error}"), advice)
        })?;
        let store = CredentialStore::new(directory.path().join("sonar"));
        Ok(Self { report, host, ports, store, _directory: directory, os: this_os() })
    }

    fn get_in(mut self) -> Result<(), Stuck> {
        let credentials = self.exchange()?;
        self.connect(&credentials)
    }

    // --- The exchange ---

    fn exchange(&mut self) -> Result<Credentials, Stuck> {
        let prepared = self.store.begin(APP_ID).map_err(|error| {
            Stuck::new(Step::Certificates, format!("no key can be made: {error}"), "see what the error says")
        })?;
        let device_id = match self.ask(&prepared)? {
            Some(device_id) => device_id,
            // As the client of this project does where its real system is refused.
            None => {
                let found = format!("the desktop serves no apps of {}; this one goes on as one of MacOS", self.os);
                self.report.warn("os", found, "apps of this project do the same by themselves");
                self.os = "MacOS";
                let refused = || Stuck::new(Step::Certificates, "the desktop closes with 1011", "use another desktop");
                self.ask(&prepared)?.ok_or_else(refused)?
            }
        };
        let config = ConnectionConfig { device_id, medium: Medium::FsAccess, os: None };
        let credentials = self.store.complete(prepared.generation, &config).map_err(|error| {
            let advice = "run this on the desktop's machine, as its user: certificates are delivered as files there";
            Stuck::new(Step::Certificates, format!("the desktop says yes, but {error}"), advice)
        })?;
        self.report.ok(Step::Certificates.name(), "asked for and delivered");
        self.compare_clocks(Path::new(&prepared.destination));
        Ok(credentials)
    }

    /// Asks for certificates. `None` if the desktop serves no apps of this system.
    fn ask(&mut self, prepared: &Prepared) -> Result<Option<String>, Stuck> {
        let tcp = self.reach(Step::ReachExchangePort, self.ports.insecure)?;
        let mut query = Query::new(APP, self.os, "this machine", "unknown");
        query.app_id = Some(APP_ID.to_owned());
        let mut talk = self.open(Step::OpenExchange, tcp, self.ports.insecure, &query)?;
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_millis();
        let request = json!({
            "method": "signCertificate", "csr": prepared.csr_pem, "destination": prepared.destination, "medium": 1,
            "timestamp": u64::try_from(now).unwrap_or(u64::MAX),
        });
        talk.say(&request.to_string());
        match talk.hear() {
            Heard::Message(answer) => granted(&answer).map(Some),
            Heard::Close { code: 1011, .. } => Ok(None),
            Heard::Close { code, reason } => {
                let found = format!("the desktop closes with code {code}: {reason}");
                Err(Stuck::new(Step::Certificates, found, "see what the reason says"))
            }
            Heard::Nothing(why) => {
                let advice =
                    "see what the desktop says in its own log; the official one does not answer where it refuses";
                Err(Stuck::new(Step::Certificates, format!("the desktop does not answer: {why}"), advice))
            }
        }
    }

    /// The desktop's clock, as its certificates tell it.
    fn compare_clocks(&mut self, directory: &Path) {
        let name = "clocks";
        let certificate = fs::read(directory.join("device.crt")).ok();
        let certificate = certificate.and_then(|pem| CertificateDer::from_pem_slice(&pem).ok());
        let Some((certificate, facts)) =
            certificate.and_then(|certificate| CertificateFacts::of(&certificate).map(|facts| (certificate, facts)))
        else {
            return self.report.skip(name, "the certificate tells no time");
        };
        let backdated = matches!(Binding::of_certificate(&certificate), Ok(Binding::Bound { .. }));
        let issued_by = Date::of(facts.not_before).seconds_since(Date::of(WallTime::from_unix_millis(0)));
        let issued_by = issued_by + if backdated { BACKDATED_BY } else { 0 };
        let ahead = issued_by - Date::now().seconds_since(Date::of(WallTime::from_unix_millis(0)));
        if ahead.abs() <= TOLERANCE {
            self.report.ok(name, "the desktop's and this machine's agree");
        } else {
            let way = if ahead > 0 { "ahead of" } else { "behind" };
            let found = format!("the desktop's is {} minutes {way} this machine's", ahead.abs() / 60);
            self.report.warn(name, found, "set both: certificates are valid from some time on, and until some time");
        }
    }

    // --- The session ---

    fn connect(mut self, credentials: &Credentials) -> Result<(), Stuck> {
        let mut tcp = self.reach(Step::ReachSessionPort, self.ports.secure)?;
        let mut tls = ClientConnection::new(client_config(credentials), server_name())
            .map_err(|error| Stuck::new(Step::Tls, error.to_string(), "report this: it is a fault of the command"))?;
        while tls.is_handshaking() {
            tls.complete_io(&mut tcp).map_err(|error| Stuck::of_tls(Step::Tls, &error))?;
        }
        self.report.ok(Step::Tls.name(), "both sides trust each other's certificates");
        let mut query = Query::new(APP, self.os, "this machine", &credentials.device_id);
        query.app_id = Some(APP_ID.to_owned());
        if credentials.device_id.is_empty() {
            // So that the official UI shows it.
            (query.device_id, query.medium) = (APP_ID.to_owned(), Some(Medium::None));
        }
        (query.csr, query.csr_path) = (Some(credentials.csr_pem.clone()), Some(credentials.csr_path.clone()));
        let mut talk = self.open(Step::OpenSession, StreamOwned::new(tls, tcp), self.ports.secure, &query)?;
        let name = Step::Plugins.name();
        loop {
            match talk.hear() {
                Heard::Message(message) if message["method"] == "getPlugins" => {
                    talk.say(&json!({"id": message["id"], "success": {"plugins": []}}).to_string());
                    self.report.ok(name, "asked for");
                    talk.leave();
                    return Ok(());
                }
                Heard::Message(_) => {}
                Heard::Close { code, reason } => {
                    let found = format!("the desktop closes with code {code}: {reason}");
                    return Err(Stuck::new(Step::Plugins, found, "see what the reason says"));
                }
                Heard::Nothing(_) => {
                    let advice = "open its page: the official desktop asks nothing before a person looks at it";
                    self.report.warn(name, "the desktop keeps the connection and asks nothing", advice);
                    talk.leave();
                    return Ok(());
                }
            }
        }
    }

    fn reach(&mut self, step: Step, port: u16) -> Result<TcpStream, Stuck> {
        let tcp = connect(self.host, port, PATIENCE).map_err(|error| {
            let found = format!("{}:{port} cannot be reached: {error}", self.host);
            let advice = if error.kind() == std::io::ErrorKind::ConnectionRefused {
                "start the desktop (flipper desktop), or give app and desktop the same ports (FLIPPER_ALT_PORTS)"
            } else {
                "see whether the desktop listens on that address (--bind), and whether a firewall is in between"
            };
            Stuck::new(step, found, advice)
        })?;
        self.report.ok(step.name(), format!("{}:{port} can be reached", self.host));
        Ok(tcp)
    }

    fn open<S: std::io::Read + std::io::Write>(
        &mut self,
        step: Step,
        stream: S,
        port: u16,
        query: &Query,
    ) -> Result<Talk<S>, Stuck> {
        let talk = Talk::open(stream, self.host, port, query).map_err(|error| Stuck::of_upgrade(step, &error))?;
        self.report.ok(step.name(), "the WebSocket is open");
        Ok(talk)
    }
}

/// The device id that the desktop grants, or why it does not.
fn granted(answer: &Value) -> Result<String, Stuck> {
    if let Some(device_id) = answer["deviceId"].as_str() {
        return Ok(device_id.to_owned());
    }
    let text = |field: &str| answer["error"][field].as_str();
    let found = match text("message") {
        Some(message) => format!("the desktop refuses: {message}"),
        None => "the desktop refuses, and does not say why".to_owned(),
    };
    let advice = text("hint").unwrap_or("see what the desktop says in its own log");
    Err(Stuck::new(Step::Certificates, found, advice))
}

impl Stuck {
    fn of_tls(step: Step, error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::WouldBlock {
            let advice = "see which process has that port: it is no Flipper desktop, or hangs";
            return Self::new(step, "no answer in time", advice);
        }
        let Some(failure) = classify_io(error) else {
            let advice = "see what the desktop says in its own log; its certificate of this app may be refused";
            return Self::new(step, format!("the connection ended: {error}"), advice);
        };
        let advice = match &failure {
            TlsFailure::UnknownCa => {
                "another desktop listens on the second port than on the first; see which processes hold the two"
            }
            TlsFailure::Expired => "restart the desktop: it issues its certificate anew",
            TlsFailure::NotYetValid => "set the clocks of both machines",
            TlsFailure::PeerRefused(_) => "see why the desktop refuses: flipper certs show tells what is revoked",
            _ => "see whether a desktop listens on that port, and not something else",
        };
        Self::new(step, failure.to_string(), advice)
    }

    fn of_upgrade(step: Step, error: &talk::OpenError) -> Self {
        match error {
            talk::OpenError::Status { status: 401, body } => {
                let advice =
                    "give the desktop the name or the origin that it is dialled by (--known-host, --allow-origin)";
                Self::new(step, format!("refused with 401: {body}"), advice)
            }
            talk::OpenError::Status { status, body } => {
                let advice = "see which process has that port: it is no Flipper desktop";
                Self::new(step, format!("answered with status {status} {body}"), advice)
            }
            talk::OpenError::Tls(error) => Self::of_tls(step, error),
            talk::OpenError::Other(why) => {
                let advice = "see which process has that port: it is no Flipper desktop, or hangs";
                Self::new(step, format!("no WebSocket opens: {why}"), advice)
            }
        }
    }
}

/// The system, as apps name it.
fn this_os() -> &'static str {
    match std::env::consts::OS {
        "linux" => "Linux",
        "macos" => "MacOS",
        "windows" => "Windows",
        other => other,
    }
}
