//! Clients and desktops, each in a process of its own.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use flipper_conformance::usage::{cpu_seconds, peak_megabytes, resident_megabytes};

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

    /// CPU time so far, in seconds.
    pub(crate) fn cpu(&self) -> Result<f64> {
        cpu_seconds(self.child.id())
    }

    /// Resident memory, MB.
    pub(crate) fn memory(&self) -> Result<f64> {
        resident_megabytes(self.child.id())
    }

    /// The most resident memory so far, MB.
    pub(crate) fn peak_memory(&self) -> Result<f64> {
        peak_megabytes(self.child.id())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
