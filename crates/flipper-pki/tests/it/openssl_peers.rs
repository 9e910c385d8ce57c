//! Real handshakes with OpenSSL on the other side, over TCP.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use flipper_pki::{Authority, Credentials, PrivateKey, client_config, server_name};
use rustls::{ClientConnection, ProtocolVersion, ServerConnection, StreamOwned};

use crate::support::apps::{APP_ID, App, write_flat};
use crate::support::official::Ca;
use crate::support::openssl::{self, Kind, P256, P384};
use crate::support::temp;

/// A child that does not outlive its test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const PATIENCE: Duration = Duration::from_secs(20);

/// The official desktop as far as TLS goes: its version 1 certificate, and apps of its CA only. It
/// answers every line with that line reversed.
fn s_server(dir: &Path, ca: &Ca, key: &str, version: &str) -> (Process, u16) {
    for (name, content) in [("ca", &*ca.certificate), ("cert", &ca.server(key)), ("key", key)] {
        std::fs::write(dir.join(name), content).unwrap();
    }
    let mut child = Command::new("openssl")
        .args(["s_server", "-accept", "127.0.0.1:0", "-cert", "cert", "-key", "key", version, "-rev"])
        .args(["-CAfile", "ca", "-Verify", "1", "-verify_return_error", "-naccept", "1"])
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let process = Process(child);
    let port = loop {
        let mut line = String::new();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "s_server has ended");
        if let Some(address) = line.trim().strip_prefix("ACCEPT ") {
            break address.rsplit_once(':').unwrap().1.parse().unwrap();
        }
    };
    // s_server talks on, and must not wait for somebody to listen.
    thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
    (process, port)
}

/// Connects, says a line, and hears it reversed.
fn talk(credentials: &Credentials, port: u16) -> std::io::Result<ProtocolVersion> {
    let tcp = TcpStream::connect(("127.0.0.1", port))?;
    tcp.set_read_timeout(Some(PATIENCE))?;
    let session = ClientConnection::new(client_config(credentials), server_name()).unwrap();
    let mut stream = StreamOwned::new(session, tcp);
    stream.write_all(b"hello\n")?;
    let mut answer = [0; 6];
    stream.read_exact(&mut answer)?;
    assert_eq!(&answer, b"olleh\n");
    Ok(stream.conn.protocol_version().unwrap())
}

const VERSIONS: [(&str, ProtocolVersion); 2] =
    [("-tls1_2", ProtocolVersion::TLSv1_2), ("-tls1_3", ProtocolVersion::TLSv1_3)];

#[test]
fn an_app_connects_to_an_official_desktop() {
    let ca = Ca::shared();
    let keys = [openssl::other_rsa_key().to_owned(), openssl::key(P384)];
    for key in &keys {
        for (option, version) in VERSIONS {
            let dir = temp::dir();
            let (_server, port) = s_server(dir.path(), ca, key, option);
            let (_app, credentials) = App::of(ca);
            assert_eq!(talk(&credentials, port).unwrap(), version);
        }
    }
}

#[test]
fn an_official_apps_directory_connects_to_an_official_desktop() {
    let ca = Ca::shared();
    for (option, version) in VERSIONS {
        let dir = temp::dir();
        let (_server, port) = s_server(dir.path(), ca, openssl::other_rsa_key(), option);
        let app = App::new();
        write_flat(app.path(), ca, openssl::rsa_key());
        assert_eq!(talk(&app.store.load().credentials.unwrap(), port).unwrap(), version);
    }
}

#[test]
fn an_app_and_a_desktop_of_different_cas_do_not_connect() {
    for (option, _) in VERSIONS {
        let dir = temp::dir();
        let (_server, port) = s_server(dir.path(), Ca::other(), openssl::other_rsa_key(), option);
        let (_app, credentials) = App::of(Ca::shared());
        let error = talk(&credentials, port).unwrap_err();
        assert_eq!(flipper_pki::classify_io(&error), Some(flipper_proto::TlsFailure::UnknownCa));
    }
}

/// Serves one connection as a desktop of this project, and returns what it heard.
fn serve(authority: &Authority) -> (u16, thread::JoinHandle<std::io::Result<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = authority.server_config();
    let served = thread::spawn(move || {
        let (tcp, _) = listener.accept()?;
        tcp.set_read_timeout(Some(PATIENCE))?;
        let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), tcp);
        let mut line = [0; 6];
        stream.read_exact(&mut line)?;
        stream.write_all(b"welcome\n")?;
        stream.conn.send_close_notify();
        stream.flush()?;
        Ok(String::from_utf8_lossy(&line).into_owned())
    });
    (port, served)
}

#[test]
fn official_apps_connect_to_our_desktop() {
    let authority = Authority::in_memory(flipper_pki::AuthorityConfig::default()).unwrap();
    for (option, _) in VERSIONS {
        for kind in [Kind::Rsa(2048), P256, Kind::Ed25519] {
            let key = openssl::key(kind);
            let request = openssl::request(&key, openssl::SUBJECT, &[]);
            let signed = authority.sign(&request, "").unwrap();
            let (port, served) = serve(&authority);
            let (output, status) = s_client(port, option, &signed.ca_pem, &signed.certificate_pem, &key);
            assert_eq!(served.join().unwrap().unwrap(), "hello\n", "{kind:?} {option}: {output}");
            assert!(status && output.contains("welcome"), "{kind:?} {option}: {output}");
        }
    }
}

#[test]
fn strangers_with_openssl_do_not_connect_to_our_desktop() {
    let authority = Authority::in_memory(flipper_pki::AuthorityConfig::default()).unwrap();
    let (key, request) = {
        let key = PrivateKey::generate().unwrap();
        (key.to_pem(), key.certificate_request(APP_ID).unwrap())
    };
    let stranger = Ca::other().sign(&request);
    for (option, _) in VERSIONS {
        let (port, served) = serve(&authority);
        let (output, _) = s_client(port, option, &authority.ca_pem(), &stranger, &key);
        let error = served.join().unwrap().unwrap_err();
        assert_eq!(flipper_pki::classify_io(&error), Some(flipper_proto::TlsFailure::UnknownCa));
        assert!(output.contains("alert unknown ca"), "{output}");
    }
}

/// Connects as an official app does: trusting the delivered CA, as a host of this name.
fn s_client(port: u16, version: &str, ca: &str, certificate: &str, key: &str) -> (String, bool) {
    let dir = temp::dir();
    for (name, content) in [("ca", ca), ("cert", certificate), ("key", key)] {
        std::fs::write(dir.path().join(name), content).unwrap();
    }
    let mut child = Command::new("openssl")
        .args(["s_client", "-connect", &format!("127.0.0.1:{port}"), version, "-cert", "cert", "-key", "key"])
        .args(["-CAfile", "ca", "-verify_return_error", "-verify_hostname", "localhost", "-quiet"])
        .current_dir(dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A peer that has hung up already is for the assertions of the caller.
    let _ = child.stdin.take().unwrap().write_all(b"hello\n");
    let output = child.wait_with_output().unwrap();
    (String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(), output.status.success())
}
