//! Who has a port that is in use, as far as the system tells.

use std::fmt;

/// The process that listens on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PortOwner {
    /// Its process id.
    pub pid: u32,
    /// Its name, as the system shows it in a list of processes.
    pub name: String,
}

impl fmt::Display for PortOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pid == std::process::id() {
            f.write_str("this very process")
        } else {
            write!(f, "process {} ({})", self.pid, self.name)
        }
    }
}

/// The process that listens on this TCP port, whatever the address. `None` where `/proc` does not tell: on other
/// systems than Linux, and for processes of other users.
#[must_use]
pub fn find_port_owner(port: u16) -> Option<PortOwner> {
    #[cfg(target_os = "linux")]
    return linux::find(port);
    #[cfg(not(target_os = "linux"))]
    return {
        let _ = port;
        None
    };
}

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::OsStr;
    use std::fs;
    use std::path::Path;

    use super::PortOwner;

    pub(super) fn find(port: u16) -> Option<PortOwner> {
        let sockets: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
            .iter()
            .filter_map(|table| fs::read_to_string(table).ok())
            .flat_map(|table| listening_sockets(&table, port))
            .collect();
        if sockets.is_empty() {
            return None;
        }
        let processes = fs::read_dir("/proc").ok()?;
        processes.filter_map(Result::ok).find_map(|process| {
            let pid = process.file_name().to_str()?.parse().ok()?;
            has_one_of(&process.path(), &sockets).then(|| {
                let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
                PortOwner { pid, name: name.trim_end().to_owned() }
            })
        })
    }

    /// What `/proc/PID/fd` shows for the sockets that listen on this port.
    pub(super) fn listening_sockets(table: &str, port: u16) -> Vec<String> {
        const LISTEN: &str = "0A";
        let port = format!(":{port:04X}");
        let lines = table.lines().skip(1);
        lines
            .filter_map(|line| {
                // sl, local address, remote address, state, queues, timer, retransmits, uid, timeout, inode
                let mut fields = line.split_ascii_whitespace().skip(1);
                let local = fields.next()?;
                let state = fields.nth(1)?;
                let inode = fields.nth(5)?;
                (local.ends_with(&port) && state == LISTEN).then(|| format!("socket:[{inode}]"))
            })
            .collect()
    }

    fn has_one_of(process: &Path, sockets: &[String]) -> bool {
        let Ok(files) = fs::read_dir(process.join("fd")) else { return false };
        files
            .filter_map(|file| fs::read_link(file.ok()?.path()).ok())
            .any(|target| sockets.iter().any(|socket| target.as_os_str() == OsStr::new(socket)))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_port_of_this_process_is_found() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let owner = find_port_owner(listener.local_addr().unwrap().port()).unwrap();
            assert_eq!(owner.pid, std::process::id());
            assert!(!owner.name.is_empty());
            assert_eq!(owner.to_string(), "this very process");
        }
    }

    #[test]
    fn only_sockets_that_listen_count() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
            0: 0100007F:2381 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0\n   \
            1: 0100007F:2381 0100007F:8000 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 20 4 30 10 -1\n";
        assert_eq!(linux::listening_sockets(table, 9089), ["socket:[4711]"]);
        assert!(linux::listening_sockets(table, 0x8000).is_empty());
    }
}
