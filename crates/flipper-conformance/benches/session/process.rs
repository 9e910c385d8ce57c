//! Clients and desktops, each in a process of its own.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::Result;
use crate::client::Client;

/// A client or a desktop that runs.
pub(crate) struct Peer {
    child: Child,
}

impl Peer {
    pub(crate) fn start(client: Client, directory: &Path, port: u16) -> Result<Self> {
        Self::of(&mut client.command(directory, port)?)
    }

    pub(crate) fn of(command: &mut Command) -> Result<Self> {
        Ok(Self { child: command.stdin(Stdio::null()).spawn()? })
    }

    /// See [`cpu_of`].
    pub(crate) fn cpu(&self) -> Result<f64> {
        cpu_of(self.child.id())
    }

    /// Resident memory, MB.
    pub(crate) fn memory(&self) -> Result<f64> {
        memory_of(self.child.id(), "VmRSS:")
    }

    /// See [`peak_memory_of`].
    pub(crate) fn peak_memory(&self) -> Result<f64> {
        peak_memory_of(self.child.id())
    }
}

/// CPU time of a process so far, in the system's ticks of 10 ms, as seconds.
pub(crate) fn cpu_of(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit_once(')').ok_or("no process name")?.1;
    let ticks: Vec<f64> = after_name.split_whitespace().skip(11).take(2).filter_map(|it| it.parse().ok()).collect();
    Ok(ticks.iter().sum::<f64>() / 100.0)
}

/// The most resident memory that a process has had, MB.
pub(crate) fn peak_memory_of(pid: u32) -> Result<f64> {
    memory_of(pid, "VmHWM:")
}

fn memory_of(pid: u32, which: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(which)).ok_or("no such figure")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024.0 / 1e6)
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
