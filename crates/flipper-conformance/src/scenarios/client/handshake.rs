//! Connections that end, or dawdle, before there is a session.

use std::path::Path;
use std::time::Duration;

use flipper_client::Notice;
use flipper_client::proto::client::{ExchangeReason, Purpose, State, Step};
use flipper_client::proto::{CloseCause, TlsFailure};
use serde_json::json;
use tempfile::TempDir;

use crate::scripted::{Desktop, Manner, Port};
use crate::suite::App;
use crate::{Adapter, Result};

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
                Manner::Answer("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
                Manner::Answer("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"),
                Manner::Answer("HTTP/1.1 403 Forbidden\r\n\r\n"),
                Manner::Answer("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
                Manner::Answer("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n"),
                Manner::Answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
            ],
        );

        let mut app = start_at::<A>(port, &desktop, dir.path())?;

        for status in [400, 401, 403, 404, 503, 200] {
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

/// Whatever the desktop had said by then: no word, a part of its answer to the upgrade, all of it, a part of its grant.
///
/// Covers: P24, P29, M3, §4 grant.
pub fn an_exchange_may_end_after_any_byte<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    // The grant ends at 154.
    let cuts: Vec<usize> = (0..154).step_by(7).collect();
    desktop.next(Port::Insecure, cuts.iter().map(|cut| Manner::CutAfter(*cut)));

    let mut app = App::<A>::start(&desktop, dir.path())?;

    for cut in cuts {
        assert_eq!(app.wait_cause(Purpose::Exchange)?, CloseCause::Eof, "after {cut} bytes");
    }
    let session = desktop.session()?;
    app.stop(session)
}

/// Covers: P24, P29, M3, M4.
pub fn a_tls_handshake_may_end_after_any_byte<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    // What the desktop says in a handshake has more bytes.
    let cuts: Vec<usize> = [0, 1, 4, 5].into_iter().chain((6..1000).step_by(71)).collect();
    desktop.next(Port::Secure, cuts.iter().map(|cut| Manner::CutAfter(*cut)));

    let mut app = start_at::<A>(Port::Secure, &desktop, dir.path())?;

    for cut in cuts {
        assert_eq!(app.wait_cause(Purpose::Session)?, CloseCause::Eof, "after {cut} bytes");
    }
    let session = desktop.session()?;
    // It says nothing against certificates.
    assert_eq!(app.exchanges(), 0);
    app.stop(session)
}

/// Covers: M3.
pub fn a_session_may_end_as_soon_as_it_is_open<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;

    let mut app = start_at::<A>(Port::Secure, &desktop, dir.path())?;

    for _ in 0..3 {
        desktop.session()?.drop_tcp()?;
        assert_eq!(app.wait_cause(Purpose::Session)?, CloseCause::Eof);
    }
    let session = desktop.session()?;
    assert_eq!(app.exchanges(), 0);
    app.stop(session)
}

/// Each wait is at least half of its span, and every span is twice the one before, up to the ceiling.
///
/// Covers: P20.
pub fn an_app_waits_longer_and_longer_up_to_a_ceiling<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;
    desktop.next(Port::Insecure, vec![Manner::HangUp; 1000]);
    let mut app = App::<A>::start_with(&desktop, dir.path(), |builder| {
        builder.configure(|config| {
            config.backoff.first = Duration::from_millis(10);
            config.backoff.ceiling = Duration::from_millis(80);
        })
    })?;
    let mut last = None;
    for span in [10, 20, 40, 80, 80, 80] {
        let until = app.wait_for("a wait", |notice| match notice {
            Notice::State(State::Waiting { until }) => Some(*until),
            _ => None,
        })?;
        if let Some(last) = last.replace(until) {
            let between = until.saturating_duration_since(last);
            assert!(between >= Duration::from_millis(span) / 2, "{between:?} before the end of a wait of {span} ms");
        }
    }
    app.stop_alone();
    Ok(())
}
