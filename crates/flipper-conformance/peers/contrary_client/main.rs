//! A client that does the one thing wrong that a scenario is about: no scenario may let it pass.
#![forbid(unsafe_code)]

mod answers;
mod exchange;

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, Read as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use flipper_conformance::check::shim::{Flags, Ports};
use flipper_pki::PrivateKey;
use rustls::{ClientConnection, StreamOwned};
use tungstenite::client::IntoClientRequest as _;
use tungstenite::http::HeaderValue;
use tungstenite::{Message, WebSocket};

use answers::Answers;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(20);

struct Client {
    flags: Flags,
    key: PrivateKey,
    csr: String,
    /// Whether there are certificates in the directory, as far as the client admits it.
    enrolled: bool,
    /// The answer of the last exchange.
    device_id: String,
    answers: Answers,
    sessions: usize,
}

fn main() -> Result {
    let flags = Flags::parse(env::args().skip(1))?;
    // Ends with whoever runs the scenarios.
    thread::spawn(|| {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let key = PrivateKey::generate()?;
    let app_id = if flags.scenario == "exchange/csr" { "com.example.else" } else { &flags.app_id };
    let csr = key.certificate_request(app_id)?;
    let answers = Answers::new(&flags.scenario);
    let mut client = Client { flags, key, csr, enrolled: false, device_id: String::new(), answers, sessions: 0 };
    loop {
        if let Err(error) = client.connect() {
            eprintln!("{error}");
        }
        if client.stays_away() {
            thread::park();
        }
        thread::sleep(PAUSE);
    }
}

impl Client {
    fn is(&self, scenario: &str) -> bool {
        self.flags.scenario == scenario
    }

    fn is_any(&self, scenarios: &[&str]) -> bool {
        scenarios.iter().any(|scenario| self.is(scenario))
    }

    /// Whether what has happened is a reason never to come back.
    fn stays_away(&self) -> bool {
        let after_exchange = [
            "exchange/unknown-fields",
            "exchange/refused",
            "exchange/refused-with-error",
            "exchange/garbage-answer",
            "exchange/closed",
            "exchange/lost",
            "exchange/unanswered",
            "trust/official-certificates",
        ];
        let closes = self.is("reconnect/closes-before-it-connects");
        self.is_any(&after_exchange) || (self.flags.scenario.starts_with("reconnect/") && !closes && self.sessions > 0)
    }

    fn connect(&mut self) -> Result {
        match self.flags.ports {
            Ports::Browser(port) => {
                let app = if self.is("query/app-name-escaped") { "Other" } else { "Conformance" };
                let device = if self.is("query/browser") { "" } else { "&device_id=d" };
                let target = format!("/?os=Linux&device=d{device}&app={app}");
                let stream = TcpStream::connect((self.flags.host.as_str(), port))?;
                self.session(stream.try_clone()?, stream, &target)
            }
            Ports::Secure { insecure, secure } => {
                if !self.enrolled {
                    self.exchange(insecure)?;
                    self.enrolled = true;
                }
                if self.is_any(&[
                    "credentials/used-again",
                    "credentials/kept-over-restart",
                    "reconnect/after-refused-connections",
                ]) {
                    self.enrolled = false;
                }
                if self.stays_away() {
                    return Ok(());
                }
                let tcp = TcpStream::connect((self.flags.host.as_str(), secure))?;
                let tls = match self.tls() {
                    Ok(config) => ClientConnection::new(config, flipper_pki::server_name())?,
                    Err(error) => return Err(error),
                };
                let target = self.session_target();
                let opened = self.session(tcp.try_clone()?, StreamOwned::new(tls, tcp), &target);
                // Any failure whatsoever makes it doubt what it has, where that is what must not be.
                if self.is("credentials/survive-a-failed-exchange") {
                    self.enrolled = false;
                }
                opened
            }
        }
    }

    fn session_target(&self) -> String {
        let escape = |text: &str| text.replace(' ', "%20");
        let device_id = match self.flags.scenario.as_str() {
            "query/session" => "other",
            "query/device-id-escaped" => "not-escaped",
            _ => &self.device_id,
        };
        let app = if self.is("query/app-name-escaped") { "Other" } else { &self.flags.app };
        format!(
            "/?os=Linux&device=d&device_id={device_id}&app={}&sdk_version=4&medium=1&csr=&csr_path={}",
            escape(app),
            escape(&self.destination())
        )
    }

    fn destination(&self) -> String {
        format!("{}/", self.flags.directory.display())
    }

    /// Serves a session to its end.
    fn session<S: io::Read + io::Write>(&mut self, tcp: TcpStream, stream: S, target: &str) -> Result {
        let mut request = format!("ws://localhost{target}").into_client_request()?;
        request.headers_mut().insert("Origin", HeaderValue::from_static("localhost:"));
        let (mut socket, _) = tungstenite::client(request, stream).map_err(|error| error.to_string())?;
        self.sessions += 1;
        self.answers.begin_session();
        if self.is("reconnect/closes-before-it-connects") {
            thread::park();
        }
        let done = self.serve(&mut socket);
        let _ = tcp.shutdown(Shutdown::Both);
        done
    }

    fn serve<S: io::Read + io::Write>(&mut self, socket: &mut WebSocket<S>) -> Result {
        loop {
            match socket.read()? {
                Message::Text(text) => match self.answers.to(&text) {
                    Some(answers) => answers.into_iter().try_for_each(|answer| socket.send(Message::text(answer)))?,
                    // It does not understand, and gives up.
                    None => return Ok(()),
                },
                Message::Binary(_) if self.is("messages/binary") => return Ok(()),
                Message::Ping(_) if self.flags.scenario.starts_with("messages/ping") => return Ok(()),
                Message::Close(_) => {
                    let _ = socket.flush();
                    return Ok(());
                }
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    fn read(&self, name: &str) -> Result<String> {
        Ok(fs::read_to_string(format!("{}{name}", self.destination()))?)
    }

    fn tls(&self) -> Result<Arc<rustls::ClientConfig>> {
        let gullible = self.is_any(&["credentials/other-desktop", "trust/expired-desktop", "trust/app-as-desktop"]);
        exchange::tls(&self.key, &self.read("device.crt")?, &self.read("sonarCA.crt")?, gullible)
    }
}
