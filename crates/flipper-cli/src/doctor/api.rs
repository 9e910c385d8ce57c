//! The API of the desktop that runs.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::time::Duration;

use super::ports::DesktopPorts;
use super::report::Report;

const PATIENCE: Duration = Duration::from_secs(5);
/// A status has some hundred bytes.
const MAX_ANSWER: u64 = 1 << 20;

/// Asks for the status, where there is an API at all.
pub(super) fn check(report: &mut Report, directory: &Path, ports: &DesktopPorts) {
    let Some(port) = ports.ui else { return };
    let name = "API";
    let Ok(token) = fs::read_to_string(directory.join("token")) else {
        let found = "the token of the desktop that runs cannot be read";
        return report.fail(name, found, "run this as the desktop's user, with its --state-dir");
    };
    match ask(port, token.trim()) {
        Ok(200) => report.ok(name, format!("answers on port {port}")),
        Ok(401) => report.fail(name, "does not take the token", "restart the desktop: it writes a new token"),
        Ok(status) => report.fail(name, format!("answers with status {status}"), "restart the desktop"),
        Err(error) => report.fail(name, format!("port {port}: {error}"), "restart the desktop"),
    }
}

fn ask(port: u16, token: &str) -> io::Result<u16> {
    let mut stream = TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let request = format!(
        "GET /api/v1/status HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split_ascii_whitespace().nth(1).and_then(|status| status.parse().ok());
    status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "this is no HTTP"))
}
