//! From what the driver tells to what the world is told.

use std::sync::Arc;

use flipper_async::Runtime;
use flipper_async::desk::{Desk, News};
use flipper_pki::WallClock;
use flipper_proto::desktop::Event as CoreEvent;
use tokio::sync::mpsc;

use crate::audience::Speaker;
use crate::devices::Registry;
use crate::event::Event;
use crate::exchange::Exchanges;
use crate::init_policy::Initialiser;

/// Takes all news until the desk has ended.
pub(crate) struct Pump<R: Runtime> {
    pub(crate) desk: Desk<R>,
    pub(crate) exchanges: Exchanges<R>,
    pub(crate) speaker: Speaker,
    pub(crate) devices: Arc<Registry>,
    /// Events that are not the driver's.
    pub(crate) events: mpsc::UnboundedReceiver<Event>,
    pub(crate) initialiser: Initialiser,
    pub(crate) wall_clock: WallClock,
}

impl<R: Runtime> Pump<R> {
    pub(crate) async fn run(mut self) {
        loop {
            // An exchange is told of before its client is answered: that has to come before what the client does next.
            let events = tokio::select! {
                biased;
                Some(event) = self.events.recv() => vec![event],
                news = self.desk.next_news() => match news {
                    Some(news) => {
                        let mut events = Vec::with_capacity(news.len());
                        news.into_iter().for_each(|news| self.take(news, &mut events));
                        events
                    }
                    None => return,
                },
            };
            self.speaker.tell(events, self.wall_clock.now()).await;
        }
    }

    /// Does what is to be done about it, and adds what the world is told.
    fn take(&mut self, news: News, events: &mut Vec<Event>) {
        match news {
            News::Event(CoreEvent::ExchangeRequested(request)) => self.exchanges.take_up(request),
            News::Event(event) => {
                self.initialiser.follow(&event, &self.desk);
                let (before, after) = self.devices.follow(&event);
                events.extend(before.into_iter().chain(translate(event)).chain(after));
            }
            News::HandshakeFailed { port, peer, cause } => events.push(Event::HandshakeFailed { port, peer, cause }),
            News::AcceptFailed { port, error } => events.push(Event::AcceptFailed { port, error }),
            other => tracing::debug!("not told: {other:?}"),
        }
    }
}

/// The event as the world is told it. Replies go to those who asked.
fn translate(event: CoreEvent) -> Option<Event> {
    Some(match event {
        CoreEvent::ClientConnected { client, info } => Event::ClientConnected { client, info },
        CoreEvent::ClientDisconnected { client, cause } => Event::ClientDisconnected { client, cause },
        CoreEvent::ClientUnresponsive { client } => Event::ClientUnresponsive { client },
        CoreEvent::ClientResponsive { client } => Event::ClientResponsive { client },
        CoreEvent::PluginsChanged { client, plugins, background } => {
            Event::PluginsChanged { client, plugins: plugins.into(), background: background.into() }
        }
        CoreEvent::Message { client, plugin, method, params } => Event::Message { client, plugin, method, params },
        CoreEvent::ClientError { client, report, raw } => Event::ClientError { client, report, raw },
        CoreEvent::PeerMisbehaved { conn, client, error } => Event::PeerMisbehaved { conn, client, error },
        CoreEvent::ConnectionRefused { channel, peer, reason } => Event::ConnectionRefused { channel, peer, reason },
        CoreEvent::PairingLocked { peer, id, wait } => Event::PairingLocked { peer, id, wait },
        CoreEvent::ExchangeAcknowledged { query, is_error, has_required_files, logs, .. } => {
            Event::ExchangeAcknowledged { query, is_error, has_required_files, logs: logs.into() }
        }
        other => {
            tracing::debug!("not told: {other:?}");
            return None;
        }
    })
}
