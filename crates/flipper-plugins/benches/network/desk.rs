//! Plugins in apps that a desktop looks at, or none.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use flipper_blocking::Flipper;
use flipper_conformance::adapters::BlockingAdapter;
use flipper_conformance::scripted::Desktop;
use flipper_conformance::suite;
use flipper_plugins::Waiting;
use flipper_plugins::network::{Network, Request, Response};
use serde_json::json;
use tempfile::TempDir;

use crate::Result;

/// An app with the plugin Network.
pub(crate) struct App {
    pub(crate) network: Network,
    /// How many messages the desktop has got.
    received: Arc<AtomicU64>,
    _kept: (Flipper, Desktop, TempDir),
}

impl App {
    fn start(network: Network, is_connected: bool) -> Result<Self> {
        let (desktop, dir) = (Desktop::new()?, TempDir::new()?);
        desktop.provision(dir.path())?;
        let builder = suite::builder::<BlockingAdapter>(&desktop, dir.path()).plugin(network.clone());
        // As `init` has it.
        let mut builder = builder.configure(|config| config.event_pause = Duration::from_millis(250));
        if !is_connected {
            // Nobody listens there.
            builder = builder.ports(1, 1);
        }
        let flipper = builder.start()?;
        let received = Arc::new(AtomicU64::new(0));
        if is_connected {
            let mut session = desktop.session()?;
            session.init("Network")?;
            session
                .send(&json!({"id": 1, "method": "isMethodSupported", "params": {"api": "Network", "method": "a"}}))?;
            session.receive()?;
            let received = Arc::clone(&received);
            thread::spawn(move || {
                // It ends when nothing has come for long.
                while session.receive_text().is_ok() {
                    received.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        Ok(Self { network, received, _kept: (flipper, desktop, dir) })
    }

    /// A desktop has initialised the plugin.
    pub(crate) fn connected() -> Result<Self> {
        Self::start(Network::new(), true)
    }

    /// There is no desktop, and room for some events.
    pub(crate) fn waiting() -> Result<Self> {
        Self::start(Network::new(), false)
    }

    /// There is no desktop, and no room.
    pub(crate) fn full() -> Result<Self> {
        let app = Self::start(Network::builder().waiting(Waiting::new(2, 1 << 20)).build(), false)?;
        while app.network.is_recording() {
            app.network.request(|| Request::new("GET", "http://a.test/")).response(|| Response::new(200)).end();
        }
        Ok(app)
    }

    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Waits until the desktop has got so many messages.
    pub(crate) fn wait_for(&self, messages: u64) -> Result {
        let begun = Instant::now();
        while self.received() < messages {
            if begun.elapsed() > Duration::from_secs(20) {
                return Err(format!("the desktop has got {} of {messages} messages", self.received()).into());
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}
