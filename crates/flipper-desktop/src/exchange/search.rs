//! Asking many devices at once.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::verdict::{Finding, Verdict};

/// Asks all devices at once, each on a thread of its own, and returns the first that has what is looked for. One that
/// does not answer in time is not waited for; its thread ends by its own deadline.
///
/// # Errors
/// What each device said. `others` were not worth asking.
pub(super) fn first<T: Send + 'static>(
    devices: Vec<String>,
    others: Vec<Verdict>,
    timeout: Duration,
    look: impl Fn(&str, Instant) -> Result<T, Finding> + Send + Sync + 'static,
) -> Result<(String, T), Vec<Verdict>> {
    let until = Instant::now() + timeout;
    let look = Arc::new(look);
    let (tell, told) = mpsc::channel();
    let mut findings: Vec<(String, Finding)> = Vec::new();
    for (at, device) in devices.into_iter().enumerate() {
        let (look, tell, asked) = (Arc::clone(&look), tell.clone(), device.clone());
        let search = move || {
            // Nobody listens any more if another device was faster.
            let _late = tell.send((at, look(&asked, until)));
        };
        let started = thread::Builder::new().name("flipper-device".to_owned()).spawn(search);
        let unless_told = match started {
            Ok(_) => Finding::TimedOut { after: timeout },
            Err(error) => Finding::NotAsked { kind: error.kind(), text: error.to_string() },
        };
        findings.push((device, unless_told));
    }
    drop(tell);
    loop {
        match told.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok((at, Ok(found))) => {
                let device = findings.into_iter().nth(at).map(|(device, _)| device);
                return Ok((device.unwrap_or_default(), found));
            }
            Ok((at, Err(said))) => {
                if let Some((_, finding)) = findings.get_mut(at) {
                    *finding = said;
                }
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    let asked = findings.into_iter().map(|(device, finding)| Verdict { device, finding });
    Err(asked.chain(others).collect())
}
