//! Listening.

use std::collections::btree_map::Entry;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::stream::SimStream;
use super::{EPHEMERAL, End};
use crate::core::Core;

/// A listening socket.
pub struct SimListener {
    core: Arc<Core>,
    address: SocketAddr,
}

impl SimListener {
    pub(crate) fn bind(core: &Arc<Core>, at: SocketAddr) -> io::Result<Self> {
        let mut state = core.state();
        let net = &mut state.net;
        let mut address = at;
        while address.port() == 0 || (at.port() == 0 && net.listeners.contains_key(&address)) {
            address.set_port(1024 + net.bound % (EPHEMERAL - 1024));
            net.bound = net.bound.wrapping_add(1);
        }
        match net.listeners.entry(address) {
            Entry::Occupied(_) => Err(io::ErrorKind::AddrInUse.into()),
            Entry::Vacant(free) => {
                free.insert(super::Listening::default());
                Ok(Self { core: Arc::clone(core), address })
            }
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) async fn accept(&self) -> io::Result<(SimStream, SocketAddr)> {
        poll_fn(|cx| {
            let mut state = self.core.state();
            let Some(listening) = state.net.listeners.get_mut(&self.address) else {
                return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
            };
            let Some((link, peer)) = listening.backlog.pop_front() else {
                listening.acceptor = Some(cx.waker().clone());
                return Poll::Pending;
            };
            drop(state);
            Poll::Ready(Ok((SimStream::new(&self.core, End { link, side: 1 }), peer)))
        })
        .await
    }
}

impl Drop for SimListener {
    /// Connections that nobody took are reset.
    fn drop(&mut self) {
        let mut woken = Vec::new();
        {
            let mut state = self.core.state();
            let now = self.core.now();
            let net = &mut state.net;
            let listening = net.listeners.remove(&self.address);
            for (link, _) in listening.into_iter().flat_map(|listening| listening.backlog) {
                let Some(abandoned) = net.links.get_mut(&link) else { continue };
                abandoned.end(true, true, now, &mut woken);
                abandoned.held[1] = false;
                if !abandoned.held[0] {
                    net.links.remove(&link);
                }
            }
        }
        woken.into_iter().for_each(Waker::wake);
    }
}

impl fmt::Debug for SimListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SimListener").field(&self.address).finish()
    }
}
