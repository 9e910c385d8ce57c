//! What a program holds while its desktop runs.

use std::fmt;
use std::future::Future;
#[cfg(feature = "records")]
use std::path::PathBuf;
use std::sync::Arc;

use flipper_async::Runtime;
use flipper_async::desk::Desk;
use flipper_pki::{Authority, Pairings, WallClock};
use flipper_proto::desktop::Call;
use flipper_proto::{ClientId, CloseCode, Payload, PluginId, ProtocolError};
use flipper_tokio::Tokio;
use tokio::sync::{mpsc, watch};

use crate::adb;
use crate::audience::{Audience, Events, Observer, Occurrence, Speaker};
use crate::builder::Builder;
use crate::client::Client;
use crate::devices::{AdbStatus, Device, Registry, watch_adb};
use crate::error::{CallError, StartError};
use crate::exchange::{Deliverer, Exchanges};
use crate::exposure::Exposure;
use crate::filter::Filter;
use crate::init_policy::{InitPolicy, Initialiser};
use crate::ports::Ports;
use crate::pump::Pump;
#[cfg(feature = "records")]
use crate::records::{RecordError, RecordOptions, RecordStatus, Recordings};
use crate::renewal::renew;
use crate::state::Instance;

/// A desktop that runs, on tokio where nothing else is said. Clones are handles of the same one; when the last is
/// dropped, it stops.
pub struct Desktop<R: Runtime = Tokio> {
    held: Arc<Held<R>>,
}

struct Held<R: Runtime> {
    desk: Desk<R>,
    ports: Ports,
    pairings: Pairings,
    exposure: Option<Exposure>,
    authority: Authority,
    audience: Arc<Audience>,
    devices: Arc<Registry>,
    /// Closed when everything has ended.
    running: watch::Receiver<()>,
    #[cfg(feature = "records")]
    recordings: Recordings,
}

impl<R: Runtime> Clone for Desktop<R> {
    fn clone(&self) -> Self {
        Self { held: Arc::clone(&self.held) }
    }
}

impl<R: Runtime> Drop for Held<R> {
    fn drop(&mut self) {
        // Others hold the desk as well, to the end: it has to be told.
        drop(self.desk.stop());
    }
}

/// What a desktop is made of.
pub(crate) struct Parts<R: Runtime> {
    pub(crate) runtime: R,
    pub(crate) desk: Desk<R>,
    pub(crate) ports: Ports,
    pub(crate) exposure: Option<Exposure>,
    pub(crate) instance: Option<Instance>,
    pub(crate) authority: Authority,
    pub(crate) wall_clock: WallClock,
    pub(crate) pairings: Pairings,
    pub(crate) deliverers: Vec<Box<dyn Deliverer>>,
    pub(crate) adb: Option<adb::Server>,
    pub(crate) init_policy: InitPolicy,
    pub(crate) observers: Vec<Observer>,
    pub(crate) speaker: Speaker,
}

/// Sums of what was refused, lost or ignored since the desktop started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// By the state machine.
    pub protocol: flipper_proto::desktop::Counters,
    /// Before the state machine could know of it.
    pub desk: flipper_async::desk::Counters,
    /// Connections that were refused because their certificate was revoked; they are among the failed handshakes as well.
    pub revoked_certificates: u64,
    /// Events that subscribers missed, because they did not take them in time.
    pub missed_events: u64,
    /// Panics of observers.
    pub observer_panics: u64,
}

impl Desktop {
    /// Begins the settings of a desktop. Everything has a default.
    pub fn builder() -> Builder {
        Builder::new()
    }
}

impl<R: Runtime> Desktop<R> {
    pub(crate) fn new(parts: Parts<R>) -> Result<Self, StartError> {
        let Parts {
            runtime,
            desk,
            ports,
            exposure,
            instance,
            authority,
            wall_clock,
            pairings,
            deliverers,
            adb,
            init_policy,
            observers,
            mut speaker,
        } = parts;
        let (until_the_end, running) = watch::channel(());
        speaker
            .call(observers, until_the_end.clone())
            .map_err(|error| StartError::NoThread { kind: error.kind(), text: error.to_string() })?;
        let audience = Arc::clone(speaker.audience());
        let (tell, told) = mpsc::unbounded_channel();
        let devices = Arc::new(Registry::new(tell.clone()));
        let forwarded = vec![ports.insecure, ports.secure];
        let adb = adb.map(|server| watch_adb(server, forwarded, Arc::clone(&devices))).transpose();
        let adb = adb.map_err(|error| StartError::NoThread { kind: error.kind(), text: error.to_string() })?;
        let renewal = renew(runtime.clone(), authority.clone(), tell.clone());
        #[cfg(feature = "records")]
        let recordings = Recordings::new(wall_clock.clone(), tell.clone());
        let pump = Pump {
            desk: desk.clone(),
            exchanges: Exchanges::new(
                runtime.clone(),
                desk.clone(),
                authority.clone(),
                wall_clock.clone(),
                pairings.clone(),
                deliverers,
                tell,
            ),
            speaker,
            devices: Arc::clone(&devices),
            events: told,
            initialiser: Initialiser::new(init_policy),
            wall_clock,
        };
        runtime.spawn(async move {
            tokio::select! {
                biased;
                () = pump.run() => {}
                () = renewal => {}
            }
            drop(adb);
            drop(instance);
            drop(until_the_end);
        });
        let held = Held {
            desk,
            ports,
            pairings,
            exposure,
            authority,
            audience,
            devices,
            running,
            #[cfg(feature = "records")]
            recordings,
        };
        Ok(Self { held: Arc::new(held) })
    }

    /// What its listeners and connections share.
    #[cfg(feature = "api")]
    pub(crate) fn desk(&self) -> &Desk<R> {
        &self.held.desk
    }

    /// The ports that it listens on.
    #[must_use]
    pub fn ports(&self) -> Ports {
        self.held.ports
    }

    /// The apps that it is paired with: to make a pairing, or to end one. That may wait for the disk.
    #[must_use]
    pub fn pairings(&self) -> &Pairings {
        &self.held.pairings
    }

    /// What it means that it listens on addresses that other machines reach; `None` if it does not. To be shown to
    /// whoever starts it.
    #[must_use]
    pub fn exposure(&self) -> Option<&Exposure> {
        self.held.exposure.as_ref()
    }

    /// Its certificate authority, for instance to [revoke](Authority::revoke) certificates. It may wait for the disk.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.held.authority
    }

    /// The clients that are connected, in the order of their ids.
    #[must_use]
    pub fn clients(&self) -> Vec<Client> {
        let now = self.held.desk.clock().now();
        self.held.desk.peek(|core| core.clients().map(|client| Client::new(client, now)).collect())
    }

    /// A client, if it is connected.
    #[must_use]
    pub fn client(&self, client: &ClientId) -> Option<Client> {
        let now = self.held.desk.clock().now();
        self.held.desk.peek(|core| core.client(client).map(|client| Client::new(client, now)))
    }

    /// The plugins of a client; `None` if it is not connected, or has not told yet.
    #[must_use]
    pub fn plugins(&self, client: &ClientId) -> Option<Vec<PluginId>> {
        self.held.desk.peek(|core| core.client(client)?.plugins.map(<[_]>::to_vec))
    }

    /// The devices that are known: the desktop's own machine, those that adb has, and those that apps name which are
    /// connected.
    #[must_use]
    pub fn devices(&self) -> Vec<Device> {
        self.held.devices.devices()
    }

    /// How the desktop stands with adb's server; `None` where [`Builder::android`] was not called.
    #[must_use]
    pub fn adb(&self) -> Option<AdbStatus> {
        self.held.devices.adb()
    }

    /// The last certificate exchanges, granted and refused, in their order; 32 are remembered. They say why an app does
    /// not get through, and how far its clock is off.
    #[must_use]
    pub fn recent_exchanges(&self) -> Vec<Occurrence> {
        self.held.audience.exchanges()
    }

    /// The last attempts to connect that came to nothing, in their order; 32 are remembered.
    #[must_use]
    pub fn recent_failures(&self) -> Vec<Occurrence> {
        self.held.audience.failures()
    }

    /// All events from now on.
    #[must_use]
    pub fn events(&self) -> Events {
        self.events_of(Filter::new())
    }

    /// The events from now on that a filter lets pass.
    #[must_use]
    pub fn events_of(&self, filter: Filter) -> Events {
        self.held.audience.subscribe(filter)
    }

    /// Initialises a plugin: its events are wanted, and its methods may be called. One that is initialised already
    /// starts over.
    ///
    /// Clients do not answer that. One that has no such plugin says so with an
    /// [`Event::ClientError`](crate::Event::ClientError).
    ///
    /// # Errors
    /// [`CallError::NotConnected`], [`CallError::Busy`], [`CallError::TooLarge`].
    pub fn init_plugin(&self, client: &ClientId, plugin: &str) -> Result<(), CallError> {
        let plugin = PluginId::new(plugin);
        Ok(self.held.desk.with_core(|core, _| core.init_plugin(client, &plugin))?)
    }

    /// Leaves a plugin: its events are not wanted any more.
    ///
    /// # Errors
    /// As [`init_plugin`](Self::init_plugin).
    pub fn deinit_plugin(&self, client: &ClientId, plugin: &str) -> Result<(), CallError> {
        let plugin = PluginId::new(plugin);
        Ok(self.held.desk.with_core(|core, _| core.deinit_plugin(client, &plugin))?)
    }

    /// Calls a method of a plugin, and waits for the answer as long as
    /// [`Timing::call`](flipper_proto::desktop::Timing::call) says. No params mean the same as `{}`.
    ///
    /// The request is sent when the future is first polled. Dropped after that, it goes on without anybody who waits.
    ///
    /// # Errors
    /// [`CallError`]: the client's own error, no answer in time, a client that is gone.
    pub async fn call(
        &self,
        client: &ClientId,
        plugin: &str,
        method: &str,
        params: Option<Payload>,
    ) -> Result<Payload, CallError> {
        let mut call = Call::new(plugin, method);
        call.params = params;
        self.call_with(client, &call).await
    }

    /// As [`call`](Self::call), with a deadline of its own if the call has one.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn call_with(&self, client: &ClientId, call: &Call) -> Result<Payload, CallError> {
        CallError::of_outcome(self.held.desk.ask(|core, now| core.call(client, call, now))?.await)
    }

    /// Whether a plugin has a method.
    ///
    /// # Errors
    /// As [`call`](Self::call); a client that has not initialised the plugin answers with an error.
    pub async fn is_method_supported(&self, client: &ClientId, plugin: &str, method: &str) -> Result<bool, CallError> {
        let plugin = PluginId::new(plugin);
        let pending = self.held.desk.ask(|core, now| core.is_method_supported(client, &plugin, method, now))?;
        let answer = CallError::of_outcome(pending.await)?;
        supported(&answer).ok_or(CallError::BadAnswer(ProtocolError::WrongType("isSupported")))
    }

    /// Closes the connection of a client with code 1000. Most clients connect again.
    ///
    /// # Errors
    /// [`CallError::NotConnected`].
    pub fn disconnect(&self, client: &ClientId) -> Result<(), CallError> {
        Ok(self.held.desk.with_core(|core, now| core.disconnect(client, CloseCode::NORMAL, now))?)
    }

    /// Begins to record everything that passes into a file, which is made if it is not there; a recording that is there
    /// goes on with a new session. What the clients that are connected said before is not in it.
    ///
    /// It ends with the desktop, or with [`stop_recording`](Self::stop_recording). What happens to it meanwhile is told
    /// by [`Event::RecordingIncomplete`](crate::Event::RecordingIncomplete).
    ///
    /// # Errors
    /// [`RecordError`]: this desktop records already, somebody else records into the file, or it cannot be used.
    #[cfg(feature = "records")]
    pub async fn start_recording(
        &self,
        path: impl Into<PathBuf>,
        options: RecordOptions,
    ) -> Result<RecordStatus, RecordError> {
        self.held.recordings.start(&self.held.desk, path.into(), options).await
    }

    /// Ends the recording, and waits until it is written. The status says if part of it could not be.
    ///
    /// # Errors
    /// [`RecordError::NotRecording`].
    #[cfg(feature = "records")]
    pub async fn stop_recording(&self) -> Result<RecordStatus, RecordError> {
        self.held.recordings.stop(&self.held.desk).await
    }

    /// How the recording stands, if there is one; once the desktop has [stopped](Self::stop), how it ended.
    #[cfg(feature = "records")]
    #[must_use]
    pub fn recording(&self) -> Option<RecordStatus> {
        self.held.recordings.status()
    }

    /// What was refused, lost or ignored so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters {
            protocol: self.held.desk.peek(flipper_proto::desktop::Desktop::counters),
            desk: self.held.desk.counters(),
            revoked_certificates: self.held.authority.refused_revoked(),
            missed_events: self.held.audience.missed(),
            observer_panics: self.held.audience.panics(),
        }
    }

    /// Stops: nobody is let in any more, and every session is closed with 1001.
    ///
    /// It begins at once, whether the future is awaited or not. The future is ready when every socket is closed, the
    /// ports are free and the last event was told; a client that does not close its side holds that up by two seconds
    /// at most.
    pub fn stop(&self) -> impl Future<Output = ()> + Send + use<R> {
        let mut running = self.held.running.clone();
        let stopped = self.held.desk.stop();
        #[cfg(feature = "records")]
        let recorded = self.held.recordings.end();
        async move {
            stopped.await;
            #[cfg(feature = "records")]
            recorded.await;
            // Nothing is ever sent: this waits for the end.
            while running.changed().await.is_ok() {}
        }
    }
}

/// The answer to `isMethodSupported`, if it is one.
fn supported(answer: &Payload) -> Option<bool> {
    #[derive(serde::Deserialize)]
    struct Supported {
        #[serde(rename = "isSupported")]
        is_supported: bool,
    }
    answer.parse::<Supported>().ok().map(|answer| answer.is_supported)
}

impl<R: Runtime> fmt::Debug for Desktop<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desktop")
            .field("ports", &self.held.ports)
            .field("desk", &self.held.desk)
            .finish_non_exhaustive()
    }
}
