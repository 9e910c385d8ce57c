//! The sample service in tests.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use flipper_conformance::{PATIENCE, Result};
use serde_json::Value;

/// Runs a program, and ends it when standard input does, which it also does when the test is killed.
const END_WITH_INPUT: &str = r#""$0" "$@" & read _; kill $!; wait"#;

/// Whether the pictures of the documentation are to be taken.
pub(crate) fn pictures_are_wanted() -> bool {
    env::var_os("FLIPPER_SCREENSHOTS").is_some()
}

/// The sample service as a process, started as a user would: it is told where the desktop is, and nothing else of Flipper.
pub(crate) struct Shop {
    process: Child,
    /// It would fail to print if nobody could read it.
    _output: BufReader<ChildStdout>,
    url: String,
}

impl Shop {
    pub(crate) fn open((insecure, secure): (u16, u16), files: &Path, on_usual_port: bool) -> Result<Self> {
        let mut process = Command::new("sh")
            .args(["-c", END_WITH_INPUT, env!("CARGO_BIN_EXE_flipper-sample"), "--data"])
            .arg(files.join("data"))
            // The same one in all pictures.
            .args(["--port", if on_usual_port { "8080" } else { "0" }])
            .env("FLIPPER_ALT_PORTS", format!("{insecure},{secure}"))
            .env("FLIPPER_STATE_DIR", files.join("flipper"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut output = BufReader::new(process.stdout.take().ok_or("no pipe")?);
        let mut said = String::new();
        output.read_line(&mut said)?;
        let url = said.trim_end().rsplit(' ').next().filter(|url| url.starts_with("http://"));
        let url = url.ok_or_else(|| format!("the shop did not open: {said}"))?.to_owned();
        Ok(Self { process, _output: output, url })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Asks the shop for a page, and gives the status and what is on it.
    pub(crate) fn get(&self, path: &str) -> Result<(u16, String)> {
        answer(agent().get(format!("{}{path}", self.url)).call()?)
    }

    /// Asks for a page that is no text.
    pub(crate) fn get_bytes(&self, path: &str) -> Result<Vec<u8>> {
        Ok(agent().get(format!("{}{path}", self.url)).call()?.body_mut().read_to_vec()?)
    }

    /// Asks for a page again and again, until it has this on it.
    pub(crate) fn get_until(&self, path: &str, wanted: &str) -> Result {
        let end = Instant::now() + PATIENCE;
        loop {
            let (_, body) = self.get(path)?;
            if body.contains(wanted) {
                return Ok(());
            }
            if Instant::now() > end {
                return Err(format!("{path} never had {wanted}, but {body}").into());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<(u16, String)> {
        answer(agent().post(format!("{}{path}", self.url)).content_type("application/json").send(body.to_string())?)
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> Result<(u16, String)> {
        answer(agent().patch(format!("{}{path}", self.url)).content_type("application/json").send(body.to_string())?)
    }

    pub(crate) fn delete(&self, path: &str) -> Result<(u16, String)> {
        answer(agent().delete(format!("{}{path}", self.url)).call()?)
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.process.stdin = None;
        let _ = self.process.wait();
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}

fn answer(mut response: ureq::http::Response<ureq::Body>) -> Result<(u16, String)> {
    Ok((response.status().as_u16(), response.body_mut().read_to_string()?))
}
