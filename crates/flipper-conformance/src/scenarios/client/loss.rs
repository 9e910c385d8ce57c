//! Desktops that refuse, stall, break off and come back.

use std::fs;
use std::path::Path;

use flipper_client::proto::client::{ExchangeReason, Failure, Purpose, State, Step};
use flipper_client::proto::{CloseCause, TlsFailure};
use tempfile::TempDir;

use crate::scripted::{Desktop, Issuer, Manner, Port, Reply, Session, call, frames};
use crate::suite::{App, Connected};
use crate::{Adapter, Handle as _, Result};

/// Covers: P5, §5 close codes.
pub fn a_desktop_that_refuses_the_certificate_in_a_session_is_asked_for_another<A: Adapter>() -> Result {
    for (code, reason) in [(4401, "not mine"), (4403, "another app's")] {
        let Connected { session, mut app, desktop, .. } = Connected::<A>::new()?;

        session.close(code, reason)?;

        app.wait_step("an exchange", |step| *step == Step::ExchangeNeeded(ExchangeReason::Rejected))?;
        let session = desktop.session()?;
        app.stop(session)?;
    }
    Ok(())
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
    let ends: [(End, CloseCause); 10] = [
        (Session::drop_tcp, CloseCause::Eof),
        (Session::end_tls, CloseCause::Eof),
        (Session::reset, CloseCause::Reset),
        (|session| session.close(1000, ""), code(1000, "")),
        (|session| session.close(1001, "going away"), code(1001, "going away")),
        // A code that nobody may send counts as a broken protocol.
        (|session| session.close(1006, ""), code(1002, "Protocol violation")),
        (|session| session.close_without_code(), code(1005, "")),
        (|session| session.close(4408, "not registered in time"), code(4408, "not registered in time")),
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

/// Covers: P24, M4.
pub fn a_desktop_may_die_in_the_middle_of_a_message<A: Adapter>() -> Result {
    type End = fn(Session) -> Result;
    let ends: [(End, CloseCause); 3] = [
        (Session::drop_tcp, CloseCause::Eof),
        (Session::end_tls, CloseCause::Eof),
        (Session::reset, CloseCause::Reset),
    ];
    let Connected { mut session, mut app, desktop, .. } = Connected::<A>::new()?;
    app.wait_connected()?;
    let message = frames::text(&call(1, "Example", "echo", r#"{"never":"arrives"}"#));
    for (end, cause) in ends {
        for cut in [1, 2, 10, message.len() - 1] {
            session.assert_echoes()?;
            session.send_raw(&message[..cut])?;
            end(session)?;
            assert_eq!(app.wait_cause(Purpose::Session)?, cause, "after {cut} bytes");
            session = desktop.session()?;
            session.init("Example")?;
            app.wait_connected()?;
        }
    }
    session.assert_echoes()?;
    assert_eq!(app.handle.counters().bad_messages, 0);
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
