use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::error::{Error, ErrorKind};
use super::ui_socket::{PendingReply, UiSocket};

/// One app as the desktop's own page handles it: the requests that the page makes, in the page's words.
///
/// As there, ids are counted from 0 for each app and `init` and `deinit` carry none. Two of these for the same app at
/// the same time get in each other's way, because the desktop forwards ids as they are; so do two tabs of the page.
pub struct Ui<'a> {
    socket: &'a UiSocket,
    client_id: String,
    next_id: AtomicU64,
}

impl<'a> Ui<'a> {
    /// Handles the app that is connected under this id.
    pub fn new(socket: &'a UiSocket, client_id: impl Into<String>) -> Self {
        Self { socket, client_id: client_id.into(), next_id: AtomicU64::new(0) }
    }

    /// The app's client id.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// `getPlugins`: the plugins that the app has.
    pub fn plugins(&self) -> Result<Vec<String>, Error> {
        self.plugin_list("getPlugins")
    }

    /// `getBackgroundPlugins`: those of them that the page initialises as soon as it knows them.
    pub fn background_plugins(&self) -> Result<Vec<String>, Error> {
        self.plugin_list("getBackgroundPlugins")
    }

    /// `init`: a plugin is opened. There is no answer; requests that follow are handled after it.
    pub fn init(&self, plugin: &str) -> Result<(), Error> {
        let message = json!({"method": "init", "params": {"plugin": plugin}});
        self.socket.send(&self.client_id, message)
    }

    /// `deinit`: a plugin is left.
    pub fn deinit(&self, plugin: &str) -> Result<(), Error> {
        let message = json!({"method": "deinit", "params": {"plugin": plugin}});
        self.socket.send(&self.client_id, message)
    }

    /// `isMethodSupported`: whether a plugin has a receiver of this name.
    pub fn is_method_supported(&self, plugin: &str, method: &str) -> Result<bool, Error> {
        let params = json!({"api": plugin, "method": method});
        let answer = self.request("isMethodSupported", Some(params))?.wait()?;
        answer["success"]["isSupported"].as_bool().ok_or_else(|| unexpected("isMethodSupported", &answer))
    }

    /// `execute`: calls a method of a plugin. Gives `success`, or the error that the app answered.
    pub fn execute(&self, plugin: &str, method: &str, params: Value) -> Result<Result<Value, Value>, Error> {
        let answer = self.start_execute(plugin, method, params)?.wait()?;
        match (answer.get("success"), answer.get("error")) {
            (Some(success), None) => Ok(Ok(success.clone())),
            (None, Some(error)) => Ok(Err(error.clone())),
            _ => Err(unexpected("execute", &answer)),
        }
    }

    /// As [`execute`](Self::execute), without waiting: the answer is the app's whole message.
    pub fn start_execute(&self, plugin: &str, method: &str, params: Value) -> Result<PendingReply<'a>, Error> {
        let params = json!({"api": plugin, "method": method, "params": params});
        self.request("execute", Some(params))
    }

    /// Waits for an event that a plugin of the app sends, and gives its parameters (`null` if it has none).
    pub fn wait_for_plugin_event(&self, plugin: &str, method: &str) -> Result<Value, Error> {
        let of_plugin = |message: &Value| {
            message["method"] == "execute"
                && message["params"]["api"] == plugin
                && message["params"]["method"] == method
        };
        let what = format!("event {method:?} of plugin {plugin:?}");
        let event = self
            .socket
            .wait_for(&what, |event| event.message_of(&self.client_id).is_some_and(|message| of_plugin(&message)))?;
        Ok(event.message_of(&self.client_id).map_or(Value::Null, |mut message| message["params"]["params"].take()))
    }

    fn plugin_list(&self, method: &str) -> Result<Vec<String>, Error> {
        let answer = self.request(method, None)?.wait()?;
        let names = answer["success"]["plugins"]
            .as_array()
            .and_then(|names| names.iter().map(|name| name.as_str().map(str::to_owned)).collect());
        names.ok_or_else(|| unexpected(method, &answer))
    }

    fn request(&self, method: &str, params: Option<Value>) -> Result<PendingReply<'a>, Error> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let mut message = json!({"id": id, "method": method});
        if let Some(params) = params {
            message["params"] = params;
        }
        self.socket.start_request(&self.client_id, message)
    }
}

fn unexpected(method: &str, answer: &Value) -> Error {
    Error::new(ErrorKind::Unexpected { asked: format!("`{method}`"), answer: answer.to_string() })
}
