//! The adb server, as far as Android apps need it.

use std::env;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use super::report::Report;

const USUAL_PORT: u16 = 5037;
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn check(report: &mut Report) {
    let port = match env::var("ANDROID_ADB_SERVER_PORT") {
        Ok(text) if !text.is_empty() => match text.parse() {
            Ok(port) => port,
            Err(_) => {
                let found = format!("ANDROID_ADB_SERVER_PORT holds {text:?}, which is no port");
                return report.fail("adb", found, "set it to a port, or unset it");
            }
        },
        _ => USUAL_PORT,
    };
    match ask(port, "host:version") {
        Ok(version) => {
            let version = u32::from_str_radix(&version, 16).map_or(version, |number| format!("1.0.{number}"));
            report.ok("adb", format!("the server on port {port} has version {version}"));
        }
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            return report.skip("adb", format!("no server on port {port}; Android apps need one: adb start-server"));
        }
        Err(error) => {
            let advice = "restart the server: adb kill-server, adb start-server";
            return report.fail("adb", format!("port {port}: {error}"), advice);
        }
    }
    match ask(port, "host:devices") {
        Ok(list) if list.trim().is_empty() => report.skip("adb devices", "none"),
        Ok(list) => list.lines().for_each(|line| check_device(report, line)),
        Err(error) => report.fail("adb devices", error.to_string(), "restart the server: adb kill-server"),
    }
}

/// A line such as `emulator-5554<TAB>device`.
fn check_device(report: &mut Report, line: &str) {
    let (serial, state) = line.split_once('\t').unwrap_or((line, "unknown"));
    let name = format!("device {serial}");
    match state {
        "device" => report.ok(name, "ready"),
        "unauthorized" => report.warn(name, state, "allow debugging by this computer on the device's screen"),
        "no permissions" => report.warn(name, state, "give this user the right to use the device (udev rules)"),
        _ => report.warn(name, state, "plug it in again, or restart it"),
    }
}

/// Asks the server something, in its own protocol: four digits of length, then the text, both ways.
fn ask(port: u16, service: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{:04x}{service}", service.len()).as_bytes())?;
    let status = read_text(&mut stream, 4)?;
    let length = read_text(&mut stream, 4)?;
    let length = u16::from_str_radix(&length, 16).map_err(|_| no_adb())?;
    let text = read_text(&mut stream, length)?;
    match status.as_str() {
        "OKAY" => Ok(text),
        "FAIL" => Err(io::Error::other(text)),
        _ => Err(no_adb()),
    }
}

fn read_text(stream: &mut TcpStream, length: u16) -> io::Result<String> {
    let mut bytes = vec![0; usize::from(length)];
    stream.read_exact(&mut bytes)?;
    String::from_utf8(bytes).map_err(|_| no_adb())
}

fn no_adb() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "what answers there is no adb server")
}
