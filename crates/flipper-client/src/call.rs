//! A call of the desktop, and its answer.

use std::fmt;
use std::sync::{Arc, Weak};

use flipper_proto::client::Reply;
use flipper_proto::{ApiMisuse, CallId, ErrorReport, Payload, PluginId, Text};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::app::{App, Task};
use crate::error::UnknownCall;

/// The desktop calls a method of a plugin.
#[derive(Debug)]
pub struct Call {
    /// The method.
    pub method: Text,
    /// Its params as they came. The desktop leaves them out where it has none.
    pub params: Option<Payload>,
    /// Where the answer goes.
    pub responder: Responder,
}

impl Call {
    /// Reads the params as `T`. Missing params and `null` count as an empty object.
    ///
    /// # Errors
    /// An `InvalidParams` error, fit to be answered, when they have another shape.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ErrorReport> {
        let json = self.params.as_ref().map_or("null", Payload::as_json);
        let parsed = if json == "null" {
            serde_json::from_str("{}").or_else(|error| serde_json::from_str("null").map_err(|_| error))
        } else {
            serde_json::from_str(json)
        };
        parsed.map_err(|error| {
            ErrorReport::new(format!("the params of {} are not understood: {error}", self.method))
                .named("InvalidParams")
        })
    }

    /// Runs `task` on the app's runtime: the way to answer from async code. Without an async runtime the call comes back.
    ///
    /// # Errors
    /// The call itself, where the adapter has no async runtime.
    pub fn spawn(self, task: impl FnOnce(Self) -> Task) -> Result<(), Box<Self>> {
        match self.responder.app.upgrade().and_then(|app| app.spawner()) {
            Some(spawner) => {
                spawner.spawn(task(self));
                Ok(())
            }
            None => Err(Box::new(self)),
        }
    }
}

/// Answers one call, at any time and from any thread or task. Dropped without an answer, it answers with an error.
pub struct Responder {
    app: Weak<App>,
    call: CallId,
    plugin: PluginId,
    method: Text,
    expects_reply: bool,
    answered: bool,
}

impl Responder {
    pub(crate) fn new(app: &Arc<App>, call: CallId, plugin: PluginId, method: Text, expects_reply: bool) -> Self {
        Self { app: Arc::downgrade(app), call, plugin, method, expects_reply, answered: false }
    }

    /// Whether the desktop waits for an answer. An error is sent in any case.
    #[must_use]
    pub fn expects_reply(&self) -> bool {
        self.expects_reply
    }

    /// Answers with a result.
    ///
    /// The official UI never completes a call whose result is falsy in JavaScript. A result that is written as `null`
    /// is therefore sent as `{}`; rather than `false`, `0` or an empty string send an object that holds it.
    ///
    /// # Errors
    /// [`UnknownCall`] when the session has ended meanwhile.
    pub fn success<T: Serialize + ?Sized>(self, result: &T) -> Result<(), UnknownCall> {
        match Payload::serialize(result) {
            Ok(payload) if payload.as_json() == "null" => self.reply(&Reply::Success(Payload::empty_object())),
            Ok(payload) => {
                if !payload.is_truthy() {
                    tracing::warn!(
                        plugin = %self.plugin, method = %self.method,
                        "the official UI never completes a call that is answered with {payload}"
                    );
                }
                self.reply(&Reply::Success(payload))
            }
            Err(error) => {
                let report = ErrorReport::new(format!("the result of {} is no JSON: {error}", self.method));
                self.error(&report.named("InvalidResult"))
            }
        }
    }

    /// Answers with JSON as it is, verbatim.
    ///
    /// # Errors
    /// [`UnknownCall`] when the session has ended meanwhile.
    pub fn success_json(self, result: Payload) -> Result<(), UnknownCall> {
        self.reply(&Reply::Success(result))
    }

    /// Answers with an error.
    ///
    /// # Errors
    /// [`UnknownCall`] when the session has ended meanwhile.
    pub fn error(mut self, report: &ErrorReport) -> Result<(), UnknownCall> {
        self.answer(|app, call| app.with_core(|core| core.respond_error(call, report)))
    }

    /// Answers with an error object that is JSON already, verbatim. See [`ErrorReport`] for the usual shape.
    ///
    /// # Errors
    /// [`UnknownCall`] when the session has ended meanwhile.
    pub fn error_json(self, error: Payload) -> Result<(), UnknownCall> {
        self.reply(&Reply::Error(error))
    }

    /// Answers with a result or an error, whatever it is.
    ///
    /// # Errors
    /// [`UnknownCall`] when the session has ended meanwhile.
    pub fn finish<T: Serialize, E: Into<ErrorReport>>(self, result: Result<T, E>) -> Result<(), UnknownCall> {
        match result {
            Ok(value) => self.success(&value),
            Err(error) => self.error(&error.into()),
        }
    }

    fn reply(mut self, reply: &Reply) -> Result<(), UnknownCall> {
        self.answer(|app, call| app.with_core(|core| core.respond(call, reply)))
    }

    fn answer(&mut self, respond: impl FnOnce(&App, CallId) -> Result<(), ApiMisuse>) -> Result<(), UnknownCall> {
        self.answered = true;
        let app = self.app.upgrade().ok_or(UnknownCall)?;
        respond(&app, self.call).map_err(|_| UnknownCall)
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        if self.answered {
            return;
        }
        let (plugin, method) = (&self.plugin, &self.method);
        let report = if std::thread::panicking() {
            ErrorReport::new(format!("Plugin {plugin} panicked in method {method}")).named("PluginPanicked")
        } else {
            ErrorReport::new(format!("Plugin {plugin} dropped the call of {method} without an answer"))
                .named("NoAnswer")
        };
        // Where the session is over there is nobody to tell.
        let _ended = self.answer(|app, call| app.with_core(|core| core.respond_error(call, &report)));
    }
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Responder").field("call", &self.call).field("method", &self.method).finish_non_exhaustive()
    }
}
