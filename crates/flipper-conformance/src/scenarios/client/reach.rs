//! How a desktop is reached: by name, by either kind of address, and without delay.

use std::net::{Ipv6Addr, TcpStream};

use flipper_client::proto::CloseCause;
use flipper_client::proto::client::Purpose;
use tempfile::TempDir;

use crate::scripted::{Desktop, Port};
use crate::suite::{App, Connected};
use crate::{Adapter, Result};

/// Covers: §1 hosts.
pub fn a_host_may_be_a_name<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    let dir = TempDir::new()?;

    let app = App::<A>::start_with(&desktop, dir.path(), |builder| builder.host("localhost"))?;

    let session = desktop.session()?;
    assert_eq!(session.host, format!("localhost:{}", desktop.address(Port::Secure).port()));
    app.stop(session)
}

/// There are machines without such addresses: it passes there.
///
/// Covers: §1 hosts.
pub fn a_host_may_be_an_address_of_version_six<A: Adapter>() -> Result {
    // There are machines without it.
    let Ok(desktop) = Desktop::at(Ipv6Addr::LOCALHOST.into()) else { return Ok(()) };
    let dir = TempDir::new()?;

    let app = App::<A>::start_with(&desktop, dir.path(), |builder| builder.host("::1"))?;

    let session = desktop.session()?;
    assert_eq!(session.host, format!("[::1]:{}", desktop.address(Port::Secure).port()));
    app.stop(session)
}

/// Covers: §1 hosts.
pub fn a_host_that_is_none_is_told<A: Adapter>() -> Result {
    let desktop = Desktop::new()?;
    for host in ["", "not a host", "http://localhost", "local/host"] {
        let dir = TempDir::new()?;

        let mut app = App::<A>::start_with(&desktop, dir.path(), |builder| builder.host(host))?;

        for _ in 0..2 {
            let cause = app.wait_cause(Purpose::Exchange)?;
            assert!(matches!(cause, CloseCause::Unreachable(_)), "{host}: {cause:?}");
        }
        app.stop_alone();
    }
    assert_eq!(desktop.seen(Port::Insecure), 0);
    Ok(())
}

/// That a socket has the option for it shows only on Linux, where a program can look at its own files.
///
/// Covers: P26.
pub fn small_messages_are_not_held_back<A: Adapter>() -> Result {
    let Connected { mut session, app, .. } = Connected::<A>::new()?;
    session.assert_echoes()?;
    assert_ne!(is_nodelay(session.tcp().get_ref())?, Some(false));
    app.stop(session)
}

/// Whether the other end of a connection, which belongs to this process, sends everything at once. `None` where nobody
/// can tell.
#[cfg(target_os = "linux")]
fn is_nodelay(connection: &TcpStream) -> Result<Option<bool>> {
    use std::os::fd::AsRawFd as _;

    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

    let wanted = connection.peer_addr()?;
    let this = pidfd_open(getpid(), PidfdFlags::empty())?;
    if pidfd_getfd(&this, connection.as_raw_fd(), PidfdGetfdFlags::empty()).is_err() {
        eprintln!("skipped: this system does not let a program look at its own files");
        return Ok(None);
    }
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let number = entry?.file_name().display().to_string().parse()?;
        let Ok(file) = pidfd_getfd(&this, number, PidfdGetfdFlags::empty()) else { continue };
        let socket = TcpStream::from(file);
        if socket.local_addr().is_ok_and(|address| address == wanted) {
            return Ok(Some(socket.nodelay()?));
        }
    }
    Err("this process does not have the app's end of the connection".into())
}

#[cfg(not(target_os = "linux"))]
fn is_nodelay(_: &TcpStream) -> Result<Option<bool>> {
    Ok(None)
}
