//! The desktop that runs, as its API shows it.

mod events;
mod target;

use std::io::Read as _;
use std::time::Duration;

use flipper_desktop::api::{RunningDesktop, RunningError};
use flipper_desktop::json;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use ureq::http::StatusCode;

pub(crate) use self::events::{Next, Told};
pub(crate) use self::target::Target;
use crate::failure::Failure;
use crate::place::Place;

/// How long a desktop may take for what it does by itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much longer than an app the desktop may take for its answer.
const MARGIN: Duration = Duration::from_secs(5);

/// How long an app has for its answer where nothing else is said.
const CALL: Duration = Duration::from_secs(45);

/// Blocks on every question.
pub(crate) struct Remote {
    running: RunningDesktop,
    agent: ureq::Agent,
}

#[derive(Deserialize)]
struct Refused {
    error: json::Error,
}

impl Remote {
    /// The desktop that runs there.
    pub(crate) fn find(place: &Place) -> Result<Self, Failure> {
        let running = RunningDesktop::read(&place.directory()?).map_err(|error| match error {
            RunningError::NotRunning { .. } | RunningError::Stale { .. } => Failure::no_desktop(error),
            other => Failure::new(other),
        })?;
        // It is on this machine: nobody else is to be asked for the way, or told the token.
        let config = ureq::Agent::config_builder().proxy(None).http_status_as_error(false).max_redirects(0).build();
        Ok(Self { running, agent: config.into() })
    }

    pub(crate) fn running(&self) -> &RunningDesktop {
        &self.running
    }

    pub(crate) fn apps(&self) -> Result<Vec<json::App>, Failure> {
        self.get("/api/v1/apps")
    }

    pub(crate) fn app(&self, app: &str) -> Result<json::App, Failure> {
        self.get(&Target::new(app).path())
    }

    pub(crate) fn init(&self, app: &str, plugin: &str) -> Result<(), Failure> {
        self.ask("POST", &format!("{}/init", Target::new(app).plugin(plugin)), "", PATIENCE).map(drop)
    }

    /// Calls a method, and gives the answer as it came.
    pub(crate) fn call(
        &self,
        app: &str,
        plugin: &str,
        method: &str,
        params: &str,
        timeout: Option<Duration>,
    ) -> Result<Box<RawValue>, Failure> {
        #[derive(Deserialize)]
        struct Answer {
            success: Box<RawValue>,
        }
        let mut path = format!("{}/call/{}", Target::new(app).plugin(plugin), target::escaped(method));
        if let Some(timeout) = timeout {
            path.push_str(&format!("?timeout_ms={}", timeout.as_millis()));
        }
        let answer = self.ask("POST", &path, params, timeout.unwrap_or(CALL).saturating_add(MARGIN))?;
        Ok(self.read::<Answer>(&answer)?.success)
    }

    /// The last certificate exchanges, as events.
    pub(crate) fn exchanges(&self) -> Result<Vec<json::Event>, Failure> {
        self.get("/api/v1/exchanges")
    }

    pub(crate) fn recordings(&self) -> Result<Vec<json::Recording>, Failure> {
        self.get("/api/v1/recordings")
    }

    pub(crate) fn start_recording(&self, name: Option<&str>) -> Result<json::Recording, Failure> {
        let body = name.map_or_else(String::new, |name| serde_json::json!({ "name": name }).to_string());
        let answer = self.ask("POST", "/api/v1/recordings", &body, PATIENCE)?;
        self.read(&answer)
    }

    pub(crate) fn stop_recording(&self) -> Result<json::Recording, Failure> {
        let answer = self.ask("POST", "/api/v1/recordings/stop", "", PATIENCE)?;
        self.read(&answer)
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let answer = self.ask("GET", path, "", PATIENCE)?;
        self.read(&answer)
    }

    /// Sends a request, and gives the body of its answer.
    fn ask(&self, method: &str, path: &str, body: &str, patience: Duration) -> Result<String, Failure> {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.running.api_address()))
            .header("Authorization", format!("Bearer {}", self.running.token.as_str()))
            .header("Content-Type", "application/json")
            .body(body.to_owned())
            .map_err(|error| Failure::new(format!("{path} is no request: {error}")))?;
        let request = self.agent.configure_request(request).timeout_global(Some(patience)).build();
        let answer = self.agent.run(request).map_err(|error| self.unreachable(&error))?;
        let status = answer.status();
        let mut text = String::new();
        answer.into_body().into_reader().read_to_string(&mut text)?;
        if status.is_success() { Ok(text) } else { Err(refused(status, &text)) }
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        let address = self.running.api_address();
        match error {
            ureq::Error::Timeout(_) => Failure::timeout(format!("the desktop on {address} does not answer")),
            other => Failure::no_desktop(format!(
                "the desktop of process {} does not answer on {address}: {other}",
                self.running.pid
            )),
        }
    }

    fn read<T: DeserializeOwned>(&self, json: &str) -> Result<T, Failure> {
        serde_json::from_str(json).map_err(|error| {
            let theirs = &self.running.version;
            Failure::new(format!("the answer of the desktop, version {theirs}, is not understood: {error}"))
        })
    }
}

/// What the desktop says, and what that means for scripts.
fn refused(status: StatusCode, text: &str) -> Failure {
    let Ok(Refused { error }) = serde_json::from_str(text) else {
        return Failure::new(format!("the desktop answered with {status}"));
    };
    match error.name.as_str() {
        "NoSuchApp" => Failure::not_found(format!("{}; `flipper apps` lists those that are connected", error.message)),
        "AmbiguousApp" => {
            Failure::not_found(format!("{}; give the id of one: {}", error.message, error.candidates.join(", ")))
        }
        "AppError" => Failure::app_error(format!("the app answered with an error: {}", error.message)),
        "TimedOut" => Failure::timeout(format!("{}; --timeout says how long to wait", error.message)),
        "AppDisconnected" | "BadAnswer" | "Busy" => Failure::app_gone(error),
        "NoToken" | "WrongToken" => {
            Failure::no_desktop(format!("{}; another desktop may have been started meanwhile", error.message))
        }
        "AlreadyRecording" => Failure::new(format!("{}: flipper record stop", error.message)),
        "NotRecording" => Failure::new(format!("{}; flipper record start begins a recording", error.message)),
        _ => Failure::new(error),
    }
}
