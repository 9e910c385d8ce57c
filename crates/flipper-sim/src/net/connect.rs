//! Dialling.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use super::faults::{Connect, Plan};
use super::stream::SimStream;
use super::{NobodyListens, resolve};
use crate::core::{Core, ProcessId};
use crate::runtime::SimRuntime;

/// How long after the first try the next ones are made, as Linux does it, and when it gives up.
const RETRIES: [u64; 7] = [1, 3, 7, 15, 31, 63, 127];

/// Opens a connection to a host and a port.
pub(crate) async fn connect(core: Arc<Core>, process: ProcessId, host: String, port: u16) -> io::Result<SimStream> {
    let addresses = resolve(&host)
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("no address is known for {host:?}")))?;
    let runtime = SimRuntime::new(Arc::clone(&core), process);
    let mut refused = io::ErrorKind::ConnectionRefused.into();
    for address in addresses {
        let to = SocketAddr::new(address, port);
        match connect_to(&core, &runtime, process, to).await {
            Ok(stream) => return Ok(stream),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

async fn connect_to(
    core: &Arc<Core>,
    runtime: &SimRuntime,
    process: ProcessId,
    to: SocketAddr,
) -> io::Result<SimStream> {
    let plan = core.dial(process, to);
    let begin = core.now();
    let mut retries = RETRIES.into_iter();
    loop {
        runtime.sleep(plan.latency).await;
        if let Some(result) = try_once(core, to, &plan) {
            return result;
        }
        let Some(retry) = retries.next() else { return Err(io::ErrorKind::TimedOut.into()) };
        let at = begin + Duration::from_secs(retry);
        runtime.sleep(at.saturating_sub(core.now())).await;
    }
}

/// `None` if nobody answered.
fn try_once(core: &Arc<Core>, to: SocketAddr, plan: &Plan) -> Option<io::Result<SimStream>> {
    match plan.connect {
        Connect::Refused => return Some(Err(io::ErrorKind::ConnectionRefused.into())),
        Connect::Lost { until } if core.now() < until => return None,
        Connect::Lost { .. } | Connect::Normal => {}
    }
    let mut woken = Vec::new();
    let linked = core.state().net.link(to, plan, &mut woken);
    woken.into_iter().for_each(Waker::wake);
    match linked {
        Ok(end) => end.map(|end| Ok(SimStream::new(core, end))),
        Err(NobodyListens) => Some(Err(io::ErrorKind::ConnectionRefused.into())),
    }
}
