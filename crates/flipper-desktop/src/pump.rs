//! From what the driver tells to what the world is told.

use std::collections::{BTreeMap, BTreeSet};

use flipper_async::Runtime;
use flipper_async::desk::{Desk, News};
use flipper_proto::desktop::Event as CoreEvent;
use flipper_proto::{ClientId, PluginId};
use tokio::sync::mpsc;

use crate::audience::Speaker;
use crate::event::Event;
use crate::exchange::Exchanges;

/// Takes all news until the desk has ended.
pub(crate) struct Pump<R: Runtime> {
    pub(crate) desk: Desk<R>,
    pub(crate) exchanges: Exchanges<R>,
    pub(crate) speaker: Speaker,
    /// Events that are not the driver's.
    pub(crate) events: mpsc::UnboundedReceiver<Event>,
    pub(crate) background: Option<Background>,
}

impl<R: Runtime> Pump<R> {
    pub(crate) async fn run(mut self) {
        loop {
            // An exchange is told of before its client is answered: that has to come before what the client does next.
            let event = tokio::select! {
                biased;
                Some(event) = self.events.recv() => Some(event),
                news = self.desk.next_news() => match news {
                    Some(news) => self.take(news),
                    None => return,
                },
            };
            if let Some(event) = event {
                self.speaker.tell(event).await;
            }
        }
    }

    /// Does what is to be done about it, and says what the world is told.
    fn take(&mut self, news: News) -> Option<Event> {
        match news {
            News::Event(CoreEvent::ExchangeRequested(request)) => {
                self.exchanges.take_up(request);
                None
            }
            News::Event(event) => {
                if let Some(background) = &mut self.background {
                    background.follow(&event, &self.desk);
                }
                translate(event)
            }
            News::HandshakeFailed { port, peer, cause } => Some(Event::HandshakeFailed { port, peer, cause }),
            News::AcceptFailed { port, error } => Some(Event::AcceptFailed { port, error }),
            other => {
                tracing::debug!("not told: {other:?}");
                None
            }
        }
    }
}

/// Initialises the plugins that clients want initialised as soon as they connect, each once: whoever leaves one of them
/// later on may do so.
#[derive(Debug, Default)]
pub(crate) struct Background(BTreeMap<ClientId, BTreeSet<PluginId>>);

impl Background {
    fn follow<R: Runtime>(&mut self, event: &CoreEvent, desk: &Desk<R>) {
        match event {
            CoreEvent::PluginsChanged { client, background, .. } => {
                let wanted: BTreeSet<PluginId> = background.iter().cloned().collect();
                let known = self.0.entry(client.clone()).or_default();
                desk.with_core(|core, _| {
                    for plugin in wanted.difference(known) {
                        // A client that has left meanwhile, or does not read, shows that in other ways.
                        let _left = core.init_plugin(client, plugin);
                    }
                });
                *known = wanted;
            }
            CoreEvent::ClientDisconnected { client, .. } => {
                self.0.remove(client);
            }
            _ => {}
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
