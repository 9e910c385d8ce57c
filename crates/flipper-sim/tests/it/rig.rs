//! An app and a desktop in a simulation.

use std::cell::RefCell;
use std::time::Duration;

use flipper_async::Flipper;
use flipper_client::Builder;
use flipper_desktop::{Client, Desktop, Event, Events};
use flipper_pki::Authority;
use flipper_proto::{ClientId, Payload};
use flipper_sim::{AppHome, Calendar, Sim, SimRuntime};

pub(crate) type App = Flipper<SimRuntime>;

/// A machine with an app's directory and a desktop's authority on it.
pub(crate) struct Rig {
    pub(crate) sim: Sim,
    pub(crate) calendar: Calendar,
    pub(crate) authority: Authority,
    pub(crate) home: AppHome,
    pub(crate) app: SimRuntime,
    /// The process of the desktop that runs, or ran last.
    pub(crate) desk: RefCell<SimRuntime>,
}

impl Rig {
    pub(crate) fn new() -> Self {
        let sim = Sim::new(1);
        let calendar = sim.calendar();
        Self {
            authority: flipper_sim::authority(&calendar).unwrap(),
            home: AppHome::new(&calendar).unwrap(),
            app: sim.process("app"),
            desk: RefCell::new(sim.process("desktop")),
            calendar,
            sim,
        }
    }

    pub(crate) fn builder(&self) -> Builder<App> {
        flipper_sim::app("sample", 7)
    }

    pub(crate) fn launch(&self, builder: Builder<App>) -> App {
        self.home.launch(&self.app, builder).unwrap()
    }

    pub(crate) async fn desktop(&self) -> Desktop<SimRuntime> {
        self.desktop_of(&self.authority).await
    }

    pub(crate) async fn desktop_of(&self, authority: &Authority) -> Desktop<SimRuntime> {
        let runtime = self.sim.process("desktop");
        self.desk.replace(runtime.clone());
        flipper_sim::desktop(&self.calendar, authority).start_on(runtime).await.unwrap()
    }

    pub(crate) async fn pass(&self, span: Duration) {
        self.app.sleep(span).await;
    }

    /// Runs a scene.
    pub(crate) fn run<T>(&self, scene: impl Future<Output = T>) -> T {
        self.sim.run(scene).unwrap()
    }
}

/// Waits until the only client has told its plugins.
pub(crate) async fn client(desktop: &Desktop<SimRuntime>, events: &mut Events) -> ClientId {
    loop {
        if let [Client { id, plugins: Some(_), .. }] = desktop.clients().as_slice() {
            return id.clone();
        }
        events.next().await.unwrap();
    }
}

/// The next event of a plugin.
pub(crate) async fn message(events: &mut Events) -> (String, Payload) {
    loop {
        if let Event::Message { method, params, .. } = events.next().await.unwrap() {
            return (method.to_string(), params.unwrap());
        }
    }
}

pub(crate) fn json<T: serde::Serialize + ?Sized>(value: &T) -> Option<Payload> {
    Some(Payload::serialize(value).unwrap())
}

pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}
