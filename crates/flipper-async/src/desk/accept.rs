//! The loop of one listener.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use flipper_proto::CloseCause;
use futures_util::future::{Either, select};

use super::connection::Connection;
use super::http::part;
use super::news::Port;
use super::open::{Door, Opened, open};
use super::shared::Shared;
use super::slots::{Slot, Slots};
use crate::runtime::{Runtime, sleep};

/// How long to wait when the system gives no connection although there is one: it will not have more to give at once.
const PAUSE: Duration = Duration::from_millis(100);

/// Takes connections until the desk stops. The listener is closed when this ends.
pub(super) async fn listen<R: Runtime>(runtime: R, desk: Arc<Shared>, listener: R::Listener, port: Port, door: Door) {
    let stopping = pin!(desk.stopping());
    let taking = pin!(take(runtime, &desk, listener, port, door));
    select(stopping, taking).await;
}

async fn take<R: Runtime>(runtime: R, desk: &Arc<Shared>, listener: R::Listener, port: Port, door: Door) {
    let slots = Slots::new(desk.options().handshakes);
    let mut failing = false;
    loop {
        let slot = slots.take().await;
        desk.roomy().await;
        match runtime.accept(&listener).await {
            Ok((stream, peer)) => {
                failing = false;
                let presence = desk.task();
                let task = serve(runtime.clone(), Arc::clone(desk), stream, peer, port, door.clone(), slot);
                runtime.spawn(async move {
                    task.await;
                    drop(presence);
                });
            }
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                desk.accept_failed(port, &error, !failing);
                failing = true;
                sleep(&runtime, PAUSE).await;
            }
        }
    }
}

/// Whether the peer left before its connection could be taken: the next one may be there already.
fn is_the_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

/// A connection, from TCP to its end.
async fn serve<R: Runtime>(
    runtime: R,
    desk: Arc<Shared>,
    stream: R::Stream,
    peer: SocketAddr,
    port: Port,
    door: Door,
    slot: Slot,
) {
    let opened = {
        let deadline = pin!(sleep(&runtime, desk.options().handshake));
        let stopping = pin!(desk.stopping());
        let opening = pin!(open(&desk, Box::new(stream), peer, door));
        match select(opening, select(deadline, stopping)).await {
            Either::Left((opened, _)) => opened,
            Either::Right((Either::Left(_), _)) => Err(CloseCause::Timeout),
            Either::Right((Either::Right(_), _)) => return,
        }
    };
    match opened {
        Ok(Opened::WebSocket(wire, seat)) => {
            drop(slot);
            Connection::new(&runtime, wire, seat).await;
        }
        Ok(Opened::Answered) => {}
        Ok(Opened::Refused(cause, mut stream)) => {
            desk.handshake_failed(port, peer, cause);
            let patience = desk.peek(|core| core.config().timing.close);
            let deadline = pin!(sleep(&runtime, patience));
            let stopping = pin!(desk.stopping());
            // The place is kept for so long: those who are refused are as many as there are places, at most.
            select(pin!(part(&mut stream)), select(deadline, stopping)).await;
            drop(slot);
        }
        Err(cause) => desk.handshake_failed(port, peer, cause),
    }
}
