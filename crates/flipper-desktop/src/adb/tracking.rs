//! Being told when devices come and go.

use std::fmt;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use super::error::Error;
use super::link::{Deadline, Link};
use super::server::{Attached, Server};

/// Is told the devices whenever something about them changes.
pub struct Tracking {
    link: Link,
    server: Server,
    /// Whether the server leaves out the details, so that it has to be asked for them.
    brief: bool,
    last: Vec<Attached>,
}

/// Ends a [`Tracking`] from elsewhere.
#[derive(Debug)]
pub struct Cutter(TcpStream);

/// After so long without news the server is asked. Its machine may have vanished without a word.
const QUIET: Duration = Duration::from_secs(60);

/// The same where a device cannot be used, at first: servers do not tell when it turns out that a device does not trust
/// them.
const UNSETTLED: Duration = Duration::from_millis(250);

/// How long the rest of a list may take once it has begun to arrive.
const REST: Duration = Duration::from_secs(5);

impl Tracking {
    pub(super) fn new(link: Link, server: Server, brief: bool) -> Self {
        Self { link, server, brief, last: Vec::new() }
    }

    /// All devices, at once the first time, later when something has changed. This waits for as long as it takes.
    ///
    /// # Errors
    /// [`Error`]: the server is gone. [`Error::Closed`] if it was [cut](Cutter::cut).
    pub fn wait(&mut self) -> Result<Vec<Attached>, Error> {
        let mut digits = [0; 4];
        let [first, rest @ ..] = &mut digits;
        let mut quiet = if self.last.iter().all(Attached::is_ready) { QUIET } else { UNSETTLED };
        loop {
            self.link.until(Deadline::within(quiet));
            match self.link.read(std::slice::from_mut(first)) {
                Ok(0) => return Err(Error::Closed),
                Ok(_) => break,
                Err(Error::TimedOut { .. }) => {
                    let list = self.server.devices()?;
                    if list != self.last {
                        self.last.clone_from(&list);
                        return Ok(list);
                    }
                    quiet = (quiet * 2).min(QUIET);
                }
                Err(error) => return Err(error),
            }
        }
        self.link.until(Deadline::within(REST));
        self.link.read_exact(rest)?;
        let told = Attached::read_list(&self.link.block_of(digits)?);
        self.last = if self.brief { self.server.devices()? } else { told };
        Ok(self.last.clone())
    }

    /// What ends it from elsewhere.
    ///
    /// # Errors
    /// [`Error::Connection`]: the system has no more handles.
    pub fn cutter(&self) -> Result<Cutter, Error> {
        self.link.handle().map(Cutter)
    }
}

impl Cutter {
    /// Ends the tracking: whoever waits in [`Tracking::wait`] is told.
    ///
    /// # Errors
    /// As the system says, for example because it has ended already.
    pub fn cut(&self) -> io::Result<()> {
        self.0.shutdown(Shutdown::Both)
    }
}

impl fmt::Debug for Tracking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracking").field("server", &self.server).finish_non_exhaustive()
    }
}
