//! The clients, each in a process of its own.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};

use crate::Result;
use crate::client::Client;

/// A client that runs.
pub(crate) struct Peer {
    child: Child,
}

impl Peer {
    pub(crate) fn start(client: Client, directory: &Path, port: u16) -> Result<Self> {
        Ok(Self { child: client.command(directory, port)?.stdin(Stdio::null()).spawn()? })
    }

    /// CPU time so far, in the system's ticks of 10 ms, as seconds.
    pub(crate) fn cpu(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let after_name = stat.rsplit_once(')').ok_or("no process name")?.1;
        let ticks: Vec<f64> = after_name.split_whitespace().skip(11).take(2).filter_map(|it| it.parse().ok()).collect();
        Ok(ticks.iter().sum::<f64>() / 100.0)
    }

    /// Resident memory, MB.
    pub(crate) fn memory(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kib * 1024.0 / 1e6)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
