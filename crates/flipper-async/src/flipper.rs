//! What an app holds while Flipper runs.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use flipper_client::{
    App, Builder, Clock, Connection, Jobs, Launch, Plugin, Setup, Spawn, StartError, Status, Task, Watch,
};
use flipper_proto::ApiMisuse;
use flipper_proto::client::Counters;

use crate::driver::Driver;
use crate::runtime::Runtime;

/// An app's Flipper, while it runs. When the last clone is dropped, it stops.
#[derive(Clone)]
pub struct Flipper<R> {
    held: Arc<Held>,
    runtime: PhantomData<fn() -> R>,
}

struct Held {
    app: Arc<App>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.app.stop();
    }
}

impl<R: Runtime> Flipper<R> {
    /// Begins the settings of an app: `app` is the name that people see, `app_id` its bundle id in reverse-DNS form.
    pub fn builder(app: impl Into<String>, app_id: impl Into<String>) -> Builder<Self> {
        Builder::new(app, app_id)
    }

    /// Starts on a runtime that need not be the one that the caller runs on. [`Builder::into_setup`] ends the settings.
    ///
    /// # Errors
    /// As [`Builder::start`].
    pub fn launch_on(runtime: R, setup: Setup) -> Result<Self, StartError> {
        let jobs = Jobs::new(&setup);
        let clock = {
            let runtime = runtime.clone();
            Clock::new(move || runtime.now())
        };
        let spawner = Arc::new(Spawner(runtime.clone()));
        let app = App::new(setup, clock, Some(spawner));
        app.start();
        runtime.spawn(Driver::new(runtime.clone(), Arc::clone(&app), jobs));
        Ok(Self { held: Arc::new(Held { app }), runtime: PhantomData })
    }

    /// Where the app stands with its desktop, and what failed last.
    #[must_use]
    pub fn status(&self) -> Status {
        self.held.app.status()
    }

    /// Waits for another status.
    #[must_use]
    pub fn watch(&self) -> Watch {
        self.held.app.watch()
    }

    /// Waits until there is a session with a desktop. Says whether there is one: there never will be once Flipper has
    /// stopped.
    pub async fn connected(&self) -> bool {
        self.watch().until(Status::is_connected).await.is_some()
    }

    /// Adds a plugin. A desktop that is connected asks for the plugins anew.
    ///
    /// # Errors
    /// [`ApiMisuse::DuplicatePlugin`], [`ApiMisuse::TooManyPlugins`].
    pub fn add_plugin(&self, plugin: impl Plugin) -> Result<(), ApiMisuse> {
        self.held.app.add_plugin(Arc::new(plugin))
    }

    /// Removes a plugin. Its calls that are not answered yet are answered with an error.
    ///
    /// # Errors
    /// [`ApiMisuse::UnknownPlugin`].
    pub fn remove_plugin(&self, id: &str) -> Result<(), ApiMisuse> {
        self.held.app.remove_plugin(id)
    }

    /// A connection to send events of a plugin with, before a desktop is there as well as after.
    #[must_use]
    pub fn connection(&self, plugin: &str) -> Connection {
        self.held.app.connection(plugin)
    }

    /// What was lost, refused or ignored so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.held.app.peek(flipper_proto::client::Client::counters)
    }

    /// Stops: sends what is queued, closes the connection, and never comes back.
    ///
    /// It begins at once, whether the future is awaited or not, so that a callback may call it; the future is ready when
    /// everything has ended.
    pub fn stop(&self) -> impl Future<Output = ()> + Send + use<R> {
        self.held.app.stop();
        let app = Arc::clone(&self.held.app);
        async move { app.finished().await }
    }
}

impl<R: Runtime> Launch for Flipper<R> {
    type Handle = Self;

    fn launch(setup: Setup) -> Result<Self, StartError> {
        Self::launch_on(R::current().map_err(StartError::NoRuntime)?, setup)
    }

    fn stopped() -> Self {
        Self { held: Arc::new(Held { app: App::stopped() }), runtime: PhantomData }
    }
}

impl<R> fmt::Debug for Flipper<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Flipper").field(&self.held.app.status()).finish()
    }
}

struct Spawner<R>(R);

impl<R: Runtime> Spawn for Spawner<R> {
    fn spawn(&self, task: Task) {
        self.0.spawn(task);
    }
}
