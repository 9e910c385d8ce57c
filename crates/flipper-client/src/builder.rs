//! Plugins made of closures.

use std::collections::BTreeMap;

use flipper_proto::ErrorReport;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::call::Call;
use crate::connection::Connection;
use crate::plugin::Plugin;

/// Begins a plugin that is made of closures.
pub fn plugin(id: impl Into<String>) -> PluginBuilder {
    PluginBuilder {
        id: id.into(),
        background: false,
        on_added: Box::new(drop),
        on_connect: Box::new(drop),
        on_disconnect: Box::new(|| {}),
        methods: BTreeMap::new(),
    }
}

/// A plugin that is being made of closures. [`plugin`] begins one, [`build`](Self::build) ends it.
#[must_use]
pub struct PluginBuilder {
    id: String,
    background: bool,
    on_added: Box<dyn Fn(Connection) + Send + Sync>,
    on_connect: Box<dyn Fn(Connection) + Send + Sync>,
    on_disconnect: Box<dyn Fn() + Send + Sync>,
    methods: BTreeMap<String, Box<dyn Fn(Call) + Send + Sync>>,
}

impl PluginBuilder {
    /// Has the desktop initialise the plugin as soon as the app connects.
    pub fn background(mut self) -> Self {
        self.background = true;
        self
    }

    /// Called when the plugin is added to an app, with a connection whose events wait until a desktop initialises it.
    pub fn on_added(mut self, callback: impl Fn(Connection) + Send + Sync + 'static) -> Self {
        self.on_added = Box::new(callback);
        self
    }

    /// Called when the desktop initialises the plugin.
    pub fn on_connect(mut self, callback: impl Fn(Connection) + Send + Sync + 'static) -> Self {
        self.on_connect = Box::new(callback);
        self
    }

    /// Called when the desktop has left the plugin, or is gone.
    pub fn on_disconnect(mut self, callback: impl Fn() + Send + Sync + 'static) -> Self {
        self.on_disconnect = Box::new(callback);
        self
    }

    /// Adds a method that takes params of type `P` and answers at once.
    ///
    /// Missing params count as an empty object, a result that is written as `null` is sent as `{}`, and params of
    /// another shape are answered with an `InvalidParams` error. Prefer results that are objects: see
    /// [`Responder::success`](crate::Responder::success).
    pub fn method<P, T, E>(
        self,
        name: impl Into<String>,
        handler: impl Fn(P) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self
    where
        P: DeserializeOwned,
        T: Serialize,
        E: Into<ErrorReport>,
    {
        self.call(name, move |call| {
            let result = call.parse().and_then(|params| handler(params).map_err(Into::into));
            // A session that ended meanwhile wants no answer.
            let _ended = call.responder.finish(result);
        })
    }

    /// Adds a method that gets the call as it is and may answer later, or from elsewhere.
    pub fn call(mut self, name: impl Into<String>, handler: impl Fn(Call) + Send + Sync + 'static) -> Self {
        self.methods.insert(name.into(), Box::new(handler));
        self
    }

    /// The plugin.
    #[must_use]
    pub fn build(self) -> impl Plugin {
        Closures(self)
    }
}

struct Closures(PluginBuilder);

impl Plugin for Closures {
    fn id(&self) -> &str {
        &self.0.id
    }

    fn run_in_background(&self) -> bool {
        self.0.background
    }

    fn on_added(&self, connection: Connection) {
        (self.0.on_added)(connection);
    }

    fn on_connect(&self, connection: Connection) {
        (self.0.on_connect)(connection);
    }

    fn on_disconnect(&self) {
        (self.0.on_disconnect)();
    }

    fn has_method(&self, method: &str) -> bool {
        self.0.methods.contains_key(method)
    }

    fn on_call(&self, call: Call) {
        if let Some(handler) = self.0.methods.get(call.method.as_str()) {
            handler(call);
        }
    }
}
