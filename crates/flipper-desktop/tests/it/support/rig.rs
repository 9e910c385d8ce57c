//! A desktop under test.

use std::future::Future;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use flipper_async::Runtime;
use flipper_desktop::proto::ClientId;
use flipper_desktop::{Builder, Desktop, Event, Events};

/// A desktop that touches nothing of the machine's: any ports, and a certificate authority of its own.
pub(crate) fn desktop() -> Builder {
    Desktop::builder().any_ports().in_memory_authority()
}

/// Only a failure takes this long.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(30), future).await {
        Ok(done) => done,
        Err(_) => panic!("waited too long for {what}"),
    }
}

/// Has a future begin.
pub(crate) async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

/// A desktop and what it tells.
pub(crate) struct Rig<R: Runtime> {
    pub(crate) desktop: Desktop<R>,
    pub(crate) events: Events,
}

impl<R: Runtime> Rig<R> {
    pub(crate) async fn start(mut builder: Builder) -> Self {
        let events = builder.events();
        Self { desktop: builder.start_on(R::current().unwrap()).await.unwrap(), events }
    }

    /// Waits for an event that `pick` takes. Others are skipped.
    pub(crate) async fn event<T>(&mut self, what: &str, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        let picked = async {
            loop {
                let event = self.events.next().await;
                let event = event.unwrap_or_else(|| panic!("the desktop ended before {what}"));
                if let Some(picked) = pick(event) {
                    return picked;
                }
            }
        };
        within(what, picked).await
    }

    /// Waits until a client has told its plugins.
    pub(crate) async fn client(&mut self) -> ClientId {
        self.event("a client", |event| match event {
            Event::PluginsChanged { client, .. } => Some(client),
            _ => None,
        })
        .await
    }

    /// Waits until a client has connected.
    pub(crate) async fn connected(&mut self) -> ClientId {
        self.event("a connection", |event| match event {
            Event::ClientConnected { client, .. } => Some(client),
            _ => None,
        })
        .await
    }

    /// Every event up to the last one.
    pub(crate) async fn rest(&mut self) -> Vec<Event> {
        let mut rest = Vec::new();
        while let Some(event) = within("the end", self.events.next()).await {
            rest.push(event);
        }
        rest
    }
}
