//! How a desktop is reached: by name, by either kind of address, and without delay.

mod app;
mod desktop;

use std::net::Ipv6Addr;

use flipper_tokio::proto::CloseCause;
use flipper_tokio::proto::client::Purpose;
use tempfile::TempDir;

use self::app::App;
use self::desktop::{Desktop, Port, Result};

#[test]
fn a_host_may_be_a_name() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;

    let app = App::start_with(&desktop, dir.path(), |builder| builder.host("localhost"))?;

    let session = desktop.session()?;
    assert_eq!(session.host, format!("localhost:{}", desktop.address(Port::Secure).port()));
    app.stop(session)
}

#[test]
fn a_host_may_be_an_address_of_version_six() -> Result {
    // There are machines without it.
    let Ok(desktop) = Desktop::at(Ipv6Addr::LOCALHOST.into()) else { return Ok(()) };
    let dir = TempDir::new()?;

    let app = App::start_with(&desktop, dir.path(), |builder| builder.host("::1"))?;

    let session = desktop.session()?;
    assert_eq!(session.host, format!("[::1]:{}", desktop.address(Port::Secure).port()));
    app.stop(session)
}

#[test]
fn a_host_that_is_none_is_told() -> Result {
    let desktop = Desktop::new()?;
    for host in ["", "not a host", "http://localhost", "local/host"] {
        let dir = TempDir::new()?;

        let mut app = App::start_with(&desktop, dir.path(), |builder| builder.host(host))?;

        for _ in 0..2 {
            let cause = app.wait_cause(Purpose::Exchange)?;
            assert!(matches!(cause, CloseCause::Unreachable(_)), "{host}: {cause:?}");
        }
        app.stop_alone();
    }
    assert_eq!(desktop.seen(Port::Insecure), 0);
    Ok(())
}

/// That a socket has this option shows only on Linux, where a program can look at its own files.
#[cfg(target_os = "linux")]
#[test]
fn small_messages_are_not_held_back() -> Result {
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
    use std::net::TcpStream;
    use std::os::fd::AsRawFd as _;

    let app::Connected { mut session, app, .. } = app::Connected::new()?;
    session.assert_echoes()?;
    let desktops_end = session.tcp().get_ref();
    let wanted = desktops_end.peer_addr()?;

    // The app's end of the connection is one of this process's own files.
    let this = pidfd_open(getpid(), PidfdFlags::empty())?;
    if pidfd_getfd(&this, desktops_end.as_raw_fd(), PidfdGetfdFlags::empty()).is_err() {
        eprintln!("skipped: this system does not let a program look at its own files");
        return Ok(());
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let number = entry?.file_name().display().to_string().parse()?;
        let Ok(file) = pidfd_getfd(&this, number, PidfdGetfdFlags::empty()) else { continue };
        let socket = TcpStream::from(file);
        if socket.local_addr().is_ok_and(|address| address == wanted) {
            found.push(socket.nodelay()?);
        }
    }
    assert_eq!(found, [true]);
    app.stop(session)
}
