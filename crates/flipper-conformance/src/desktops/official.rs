//! The official desktop, used through its UI socket.

use serde_json::{Value, json};

use super::{Answer, Desktop, PendingAnswer};
use crate::Result;
use crate::official::{OfficialDesktop, ServerEvent, UiSocket};

/// The official desktop, `flipper-server`.
pub struct Official {
    desktop: OfficialDesktop,
    /// There as long as the desktop runs.
    ui: Option<UiSocket>,
}

impl Official {
    fn ui(&self) -> Result<&UiSocket> {
        self.ui.as_ref().ok_or_else(|| "the desktop is stopped".into())
    }

    fn request(&self, client: &str, method: &str, params: Option<Value>) -> Result<PendingAnswer<'_>> {
        let mut message = json!({"method": method});
        if let Some(params) = params {
            message["params"] = params;
        }
        let method = method.to_owned();
        let reply = self.ui()?.start_request(client, message)?;
        Ok(Box::new(move || {
            let mut answer = reply.wait()?;
            match (answer.get_mut("success").map(Value::take), answer.get_mut("error").map(Value::take)) {
                (Some(success), None) => Ok(Answer::Ok(success)),
                (None, Some(error)) => Ok(Answer::Err(error)),
                _ => Err(format!("no answer to {method}: {answer}").into()),
            }
        }))
    }

    fn plugin_list(&self, client: &str, method: &str) -> Result<Vec<String>> {
        let answer = self.request(client, method, None)?()?.map_err(|error| error.to_string())?;
        let names = answer["plugins"].as_array().ok_or("no list of plugins")?;
        names.iter().map(|name| Ok(name.as_str().ok_or("a plugin without a name")?.to_owned())).collect()
    }

    /// Waits for a message of a client that is no answer.
    fn wait_for_message(&self, client: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let is_wanted = |event: &ServerEvent| event.message_of(client).is_some_and(|message| wanted(&message));
        let event = self.ui()?.wait_for(what, is_wanted)?;
        Ok(event.message_of(client).unwrap_or_default())
    }
}

impl Desktop for Official {
    fn start() -> Result<Option<Self>> {
        let Some(desktop) = OfficialDesktop::start_unless_skipped()? else { return Ok(None) };
        let ui = Some(desktop.ui()?);
        Ok(Some(Self { desktop, ui }))
    }

    fn ports(&self) -> (u16, u16) {
        (self.desktop.ports().insecure, self.desktop.ports().secure)
    }

    fn stop(&mut self) -> Result {
        self.ui = None;
        Ok(self.desktop.stop()?)
    }

    fn start_again(&mut self) -> Result {
        self.desktop.restart()?;
        self.ui = Some(self.desktop.ui()?);
        Ok(())
    }

    fn start_with_another_ca(&mut self) -> Result {
        self.desktop.replace_ca()?;
        self.ui = Some(self.desktop.ui()?);
        Ok(())
    }

    fn wait_for_client(&self, app: &str) -> Result<String> {
        Ok(self.ui()?.wait_for_client(app)?.id)
    }

    fn wait_for_client_gone(&self, client: &str) -> Result {
        Ok(self.ui()?.wait_for_client_gone(client)?)
    }

    fn count_clients(&self, app: &str) -> Result<usize> {
        Ok(self.ui()?.client_list()?.iter().filter(|client| client.query.app == app).count())
    }

    fn plugins(&self, client: &str) -> Result<(Vec<String>, Vec<String>)> {
        Ok((self.plugin_list(client, "getPlugins")?, self.plugin_list(client, "getBackgroundPlugins")?))
    }

    fn wait_for_refresh(&self, client: &str) -> Result {
        self.wait_for_message(client, "refreshPlugins", |message| message["method"] == "refreshPlugins").map(drop)
    }

    fn init(&self, client: &str, plugin: &str) -> Result {
        Ok(self.ui()?.send(client, json!({"method": "init", "params": {"plugin": plugin}}))?)
    }

    fn deinit(&self, client: &str, plugin: &str) -> Result {
        Ok(self.ui()?.send(client, json!({"method": "deinit", "params": {"plugin": plugin}}))?)
    }

    fn is_method_supported(&self, client: &str, plugin: &str, method: &str) -> Result<bool> {
        let params = json!({"api": plugin, "method": method});
        let answer = self.request(client, "isMethodSupported", Some(params))?()?.map_err(|error| error.to_string())?;
        answer["isSupported"].as_bool().ok_or_else(|| "no answer to isMethodSupported".into())
    }

    fn start_call(&self, client: &str, plugin: &str, method: &str, params: &Value) -> Result<PendingAnswer<'_>> {
        self.request(client, "execute", Some(json!({"api": plugin, "method": method, "params": params})))
    }

    fn wait_for_event(&self, client: &str, plugin: &str, method: &str) -> Result<Value> {
        let mut message = self.wait_for_message(client, &format!("event {plugin}.{method}"), |message| {
            let params = &message["params"];
            message["method"] == "execute" && params["api"] == plugin && params["method"] == method
        })?;
        Ok(message["params"]["params"].take())
    }

    fn wait_for_error(&self, client: &str) -> Result<Value> {
        let mut message = self.wait_for_message(client, "an error", |message| message.get("error").is_some())?;
        Ok(message["error"].take())
    }
}
