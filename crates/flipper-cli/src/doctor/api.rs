//! The API of the desktop that runs.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use flipper_desktop::api::RunningDesktop;

use super::report::Report;

const PATIENCE: Duration = Duration::from_secs(5);
/// A status has some hundred bytes.
const MAX_ANSWER: u64 = 1 << 20;

/// Asks for the status.
pub(super) fn check(report: &mut Report, running: &RunningDesktop) {
    let (name, address) = ("API", running.api_address());
    match ask(running) {
        Ok(200) => report.ok(name, format!("answers at {address}")),
        Ok(401) => report.fail(name, "does not take the token", "restart the desktop: it writes a new token"),
        Ok(status) => report.fail(name, format!("{address} answers with status {status}"), "restart the desktop"),
        Err(error) => report.fail(name, format!("{address}: {error}"), "restart the desktop"),
    }
}

fn ask(running: &RunningDesktop) -> io::Result<u16> {
    let address = running.api_address();
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let request = format!(
        "GET /api/v1/status HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
        running.token.as_str()
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split_ascii_whitespace().nth(1).and_then(|status| status.parse().ok());
    status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "this is no HTTP"))
}
