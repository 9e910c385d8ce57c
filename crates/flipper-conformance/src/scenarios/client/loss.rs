//! Desktops that refuse, stall, break off and come back.

use std::fs;
use std::path::Path;
use std::time::Duration;

use flipper_client::proto::client::{ExchangeReason, Failure, Purpose, State, Step};
use flipper_client::proto::{CloseCause, TlsFailure};
use serde_json::json;
use tempfile::TempDir;

use crate::scripted::{Desktop, Issuer, Manner, Port, Reply, Session};
use crate::suite::{App, Connected};
use crate::{Adapter, Handle as _, Result};

/// The two ports, what they are for, and what to do for an app that is to go there first.
const PORTS: [(Port, Purpose); 2] = [(Port::Insecure, Purpose::Exchange), (Port::Secure, Purpose::Session)];

/// An app that goes to this port first.
fn start_at<A: Adapter>(port: Port, desktop: &Desktop, directory: &Path) -> Result<App<A>> {
    if port == Port::Secure {
        desktop.provision(directory)?;
    }
    App::<A>::start(desktop, directory)
}

/// Covers: P29, I8.
pub fn every_status_instead_of_an_upgrade_is_told_and_the_app_tries_again<A: Adapter>() -> Result {
    for (port, purpose) in PORTS {
        let desktop = Desktop::new()?;
        let dir = TempDir::new()?;
        desktop.next(
            port,
            [
                Manner::Answer("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"),
                Manner::Answer("HTTP/1.1 403 Forbidden\r\n\r\n"),
                Manner::Answer("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
                Manner::Answer("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n"),
                Manner::Answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
            ],
        );

        let mut app = start_at::<A>(port, &desktop, dir.path())?;

        for status in [401, 403, 404, 503, 200] {
            assert_eq!(app.wait_cause(purpose)?, CloseCause::Http(status));
        }
        let session = desktop.session()?;
        // A status says nothing against certificates.
        assert_eq!(app.exchanges() == 0, port == Port::Secure);
        app.stop(session)?;
    }
    Ok(())
}

/// Covers: P29.
pub fn what_is_no_websocket_is_told<A: Adapter>() -> Result {
    for (port, purpose) in PORTS {
        let desktop = Desktop::new()?;
        let dir = TempDir::new()?;
        desktop.next(
            port,
            [
                Manner::Answer("SSH-2.0-OpenSSH_9.6\r\n"),
                Manner::Answer("\0\u{1}\u{2}\u{3}\r\n\r\n"),
                Manner::Answer("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
            ],
        );

        let mut app = start_at::<A>(port, &desktop, dir.path())?;

        for _ in 0..3 {
            let cause = app.wait_cause(purpose)?;
            assert!(matches!(cause, CloseCause::BadUpgrade(_)), "{cause:?}");
        }
        let session = desktop.session()?;
        app.stop(session)?;
    }
    Ok(())
}

/// Covers: P29, §3 decision.
pub fn what_is_no_tls_is_told<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    desktop.next(Port::Secure, [Manner::Babble("HTTP/1.1 400 Bad Request\r\n\r\n")]);

    let mut app = start_at::<A>(Port::Secure, &desktop, dir.path())?;

    let cause = app.wait_cause(Purpose::Session)?;
    assert!(matches!(cause, CloseCause::Tls(TlsFailure::Handshake(_))), "{cause:?}");
    let session = desktop.session()?;
    assert_eq!(app.exchanges(), 0);
    app.stop(session)
}

/// Covers: P7, M3, §3 decision.
pub fn connections_that_end_at_once_say_nothing_against_certificates<A: Adapter>() -> Result {
    for (port, purpose) in PORTS {
        let desktop = Desktop::new()?;
        let dir = TempDir::new()?;
        desktop.next(port, [Manner::HangUp, Manner::Reset, Manner::HangUp, Manner::Reset]);

        let mut app = start_at::<A>(port, &desktop, dir.path())?;

        for _ in 0..4 {
            // What the app had sent by then decides which of the two the system tells.
            let cause = app.wait_cause(purpose)?;
            assert!(matches!(cause, CloseCause::Eof | CloseCause::Reset), "{cause:?}");
        }
        let session = desktop.session()?;
        assert_eq!(app.exchanges() == 0, port == Port::Secure);
        app.stop(session)?;
    }
    Ok(())
}

/// Covers: P21, P29.
pub fn ports_that_accept_and_say_nothing_are_not_waited_for_for_ever<A: Adapter>() -> Result {
    for (port, purpose) in PORTS {
        let desktop = Desktop::new()?;
        let dir = TempDir::new()?;
        desktop.next(port, vec![Manner::Silence; 1000]);
        if port == Port::Secure {
            desktop.provision(dir.path())?;
        }

        let mut app = App::<A>::start_with(&desktop, dir.path(), |builder| {
            builder.configure(|config| config.timing.connect = Duration::from_millis(30))
        })?;

        for _ in 0..3 {
            assert_eq!(app.wait_cause(purpose)?, CloseCause::Timeout);
        }
        assert_eq!(app.exchanges() == 0, port == Port::Secure);
        app.stop_alone();
    }
    Ok(())
}

/// Covers: P7, P24, §3 decision.
pub fn a_port_where_nobody_listens_is_told<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    desktop.provision(dir.path())?;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();

    let mut app = App::<A>::start_with(&desktop, dir.path(), |builder| {
        builder.ports(desktop.address(Port::Insecure).port(), nobody)
    })?;

    for _ in 0..3 {
        assert_eq!(app.wait_cause(Purpose::Session)?, CloseCause::Refused);
    }
    assert_eq!(app.exchanges(), 0);
    app.stop_alone();
    Ok(())
}

/// Covers: M2.
pub fn handshakes_may_arrive_byte_by_byte<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    for (port, _) in PORTS {
        desktop.next(port, [Manner::Dribble]);
    }

    let app = App::<A>::start(&desktop, dir.path())?;

    let mut session = desktop.session()?;
    session.init("Example")?;
    session.assert_echoes()?;
    assert_eq!((desktop.seen(Port::Insecure), desktop.seen(Port::Secure)), (1, 1));
    app.stop(session)
}

/// Covers: M2.
pub fn a_message_may_come_right_behind_the_upgrade<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    desktop.next(Port::Secure, [Manner::Eager(r#"{"id":1,"method":"getPlugins"}"#)]);

    let app = start_at::<A>(Port::Secure, &desktop, dir.path())?;

    let mut session = desktop.session()?;
    assert_eq!(session.receive()?, json!({"id": 1, "success": {"plugins": ["Example"]}}));
    app.stop(session)
}

/// Covers: P5, M3, §3 decision.
pub fn two_drops_after_the_tls_handshake_lead_to_an_exchange<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    let busy = Manner::Answer("HTTP/1.1 503 Service Unavailable\r\n\r\n");
    // One alone does not, and neither do two with a sign of life between them.
    let dropped = Manner::DropBeforeUpgrade;
    desktop.next(Port::Secure, [dropped.clone(), busy, dropped.clone(), dropped]);

    let mut app = start_at::<A>(Port::Secure, &desktop, dir.path())?;

    for cause in [CloseCause::DroppedBeforeUpgrade, CloseCause::Http(503), CloseCause::DroppedBeforeUpgrade] {
        assert_eq!(app.wait_cause(Purpose::Session)?, cause);
        assert_eq!(app.exchanges(), 0);
    }
    assert_eq!(app.wait_cause(Purpose::Session)?, CloseCause::DroppedBeforeUpgrade);
    app.wait_step("an exchange", |step| *step == Step::ExchangeNeeded(ExchangeReason::Rejected))?;
    let session = desktop.session()?;
    app.stop(session)
}

/// Covers: P5, §5 close codes.
pub fn a_desktop_that_refuses_the_certificate_in_a_session_is_asked_for_another<A: Adapter>() -> Result {
    let Connected { session, mut app, desktop, .. } = Connected::<A>::new()?;

    session.close(4401, "not mine")?;

    app.wait_step("an exchange", |step| *step == Step::ExchangeNeeded(ExchangeReason::Rejected))?;
    let session = desktop.session()?;
    app.stop(session)
}

/// Covers: P5, P7, §3 decision.
pub fn another_ca_leads_to_an_exchange_and_the_old_certificates_stay_until_the_new_are_proven<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    desktop.provision(dir.path())?;
    let old = files(&dir.path().join("1"))?;
    let current = || fs::read_to_string(dir.path().join("current"));
    desktop.replace_issuer(Issuer::new()?);
    let (go, gate) = std::sync::mpsc::channel();
    desktop.reply([Reply::GrantAfter(gate)]);
    // The first finds the other CA; the next, under the new certificates, proves nothing.
    desktop.next(Port::Secure, [Manner::Serve, Manner::HangUp, Manner::Reset]);

    let mut app = App::<A>::start(&desktop, dir.path())?;

    assert_eq!(app.wait_cause(Purpose::Session)?, CloseCause::Tls(TlsFailure::UnknownCa));
    app.wait_step("an exchange", |step| *step == Step::ExchangeNeeded(ExchangeReason::Rejected))?;
    let asked = desktop.asked()?;
    assert_eq!((current()?.trim(), files(&dir.path().join("1"))?), ("1", old.clone()));
    go.send(())?;
    for _ in 0..2 {
        app.wait_failure()?;
        assert_eq!((current()?.trim(), files(&dir.path().join("1"))?), ("1", old.clone()));
    }
    let session = desktop.session()?;
    assert_eq!(session.query.csr_path.as_deref(), asked.message["destination"].as_str());
    app.wait_step("proof", |step| matches!(step, Step::CredentialsProven(_)))?;
    assert_eq!(app.exchanges(), 1);
    app.stop(session)?;
    assert_eq!(current()?.trim(), "2");
    Ok(())
}

/// Covers: P7.
pub fn a_desktop_that_comes_back_finds_its_app_again<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    desktop.provision(dir.path())?;
    // For a while there is another, which does not want this app.
    let first = desktop.replace_issuer(Issuer::new()?);
    desktop.reply((0..10_000).map(|_| Reply::Text("{}".to_owned())));
    let mut app = App::<A>::start(&desktop, dir.path())?;
    assert_eq!(app.wait_cause(Purpose::Session)?, CloseCause::Tls(TlsFailure::UnknownCa));
    assert_eq!(app.wait_failure()?, Failure::ExchangeRefused(None));
    assert_eq!(app.wait_cause(Purpose::Session)?, CloseCause::Tls(TlsFailure::UnknownCa));

    desktop.replace_issuer(first);

    let session = desktop.session()?;
    assert_eq!(session.query.csr_path, dir.path().join("1/").to_str().map(str::to_owned));
    app.stop(session)
}

/// Covers: P28, M4, §5 close codes.
pub fn an_app_comes_back_whatever_ends_its_session<A: Adapter>() -> Result {
    type End = fn(Session) -> Result;
    let code = |code, reason: &str| CloseCause::Code { code, reason: reason.into() };
    let ends: [(End, CloseCause); 9] = [
        (Session::drop_tcp, CloseCause::Eof),
        (Session::end_tls, CloseCause::Eof),
        (Session::reset, CloseCause::Reset),
        (|session| session.close(1000, ""), code(1000, "")),
        (|session| session.close(1001, "going away"), code(1001, "going away")),
        // A code that nobody may send counts as a broken protocol.
        (|session| session.close(1006, ""), code(1002, "Protocol violation")),
        (|session| session.close_without_code(), code(1005, "")),
        (|session| session.close(4409, "replaced"), code(4409, "replaced")),
        (|session| session.close(4413, "too much"), code(4413, "too much")),
    ];
    let Connected { mut session, mut app, desktop, .. } = Connected::<A>::new()?;
    for (end, cause) in ends {
        app.wait_connected()?;
        end(session)?;
        assert_eq!(app.wait_cause(Purpose::Session)?, cause);
        session = desktop.session()?;
        session.init("Example")?;
        session.assert_echoes()?;
    }
    assert_eq!((app.exchanges(), desktop.seen(Port::Insecure)), (0, 0));
    app.stop(session)
}

/// Covers: P21, P28, §5 close codes.
pub fn an_app_whose_query_is_refused_comes_back<A: Adapter>() -> Result {
    let Connected { session, mut app, desktop, .. } = Connected::<A>::with(|builder| builder.os("MacOS"))?;
    app.wait_connected()?;

    session.close(1011, "no such device")?;

    assert_eq!(app.wait_failure()?, Failure::QueryRefused { reason: "no such device".into() });
    let session = desktop.session()?;
    app.wait_connected()?;
    assert_eq!(app.handle.status().state, State::Connected { unresponsive: false });
    assert_eq!(app.exchanges(), 0);
    app.stop(session)
}

/// Covers: P20.
pub fn an_app_that_goes_in_circles_says_so<A: Adapter>() -> Result {
    let Connected { mut session, mut app, desktop, .. } =
        Connected::<A>::with(|builder| builder.configure(|config| config.backoff.loop_sessions = 3))?;
    for _ in 0..2 {
        app.wait_connected()?;
        session.close(4409, "replaced")?;
        app.wait_cause(Purpose::Session)?;
        session = desktop.session()?;
    }
    app.wait_connected()?;

    session.close(4409, "replaced")?;

    let failure = app.wait_failure()?;
    assert!(matches!(failure, Failure::ReconnectLoop { sessions: 3, .. }), "{failure:?}");
    let session = desktop.session()?;
    app.stop(session)
}

/// The files in a directory, with what they hold.
fn files(directory: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        files.push((entry.file_name().display().to_string(), fs::read(entry.path())?));
    }
    files.sort();
    Ok(files)
}
