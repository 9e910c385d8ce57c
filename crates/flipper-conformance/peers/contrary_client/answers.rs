//! What it answers in a session: the right thing, but for one.

use serde_json::{Value, json};

pub(crate) struct Answers {
    scenario: String,
    connected: bool,
    /// The ids of calls of `hold`.
    held: Vec<Value>,
    asked: usize,
}

impl Answers {
    pub(crate) fn new(scenario: &str) -> Self {
        Self { scenario: scenario.to_owned(), connected: false, held: Vec::new(), asked: 0 }
    }

    pub(crate) fn begin_session(&mut self) {
        // What is about a lost connection goes wrong by not noticing it.
        self.connected &= self.is("documentation/Disconnect");
        self.asked = 0;
    }

    fn is(&self, scenario: &str) -> bool {
        self.scenario == scenario
    }

    /// The messages to send in return; `None` ends the session.
    pub(crate) fn to(&mut self, text: &str) -> Option<Vec<String>> {
        self.asked += 1;
        let is_about_messages = self.scenario.starts_with("messages/");
        let message: Value = match serde_json::from_str(text) {
            Ok(message @ Value::Object(_)) => message,
            // Whatever it is, this is not how to meet it.
            _ => return None,
        };
        if is_about_messages && self.odd(text, &message) {
            return None;
        }
        let id = message["id"].clone();
        let answer = self.answer(&message);
        Some(answer.into_iter().map(|answer| self.write(&id, answer)).collect())
    }

    /// Whether a message is the kind of oddity that a scenario is about.
    fn odd(&self, text: &str, message: &Value) -> bool {
        match self.scenario.as_str() {
            "messages/answer-to-nothing" => message.get("method").is_none(),
            "messages/params-of-wrong-type" => {
                message["method"] == "execute" && message["params"]["method"] != "reverse"
            }
            "messages/execute-without-params" => message["method"] == "execute" && message.get("params").is_none(),
            "messages/unknown-fields" => message.get("jsonrpc").is_some(),
            "messages/white-space" => text.starts_with(char::is_whitespace),
            "messages/fragmented" => text.contains("grün"),
            _ => false,
        }
    }

    fn write(&self, id: &Value, answer: Value) -> String {
        if let (Some(fields), false) = (answer.as_object(), answer.get("method").is_some()) {
            let mut whole = json!({ "id": id });
            for (key, value) in fields {
                whole[key] = value.clone();
            }
            if id.is_null() && !self.is("methods/execute-without-id") {
                whole.as_object_mut().map(|fields| fields.remove("id"));
            }
            if self.is("ids/zero-and-large") && *id == json!((1_u64 << 53) - 1) {
                whole["id"] = json!((1_u64 << 53) - 2);
            }
            return whole.to_string();
        }
        answer.to_string()
    }

    fn answer(&mut self, message: &Value) -> Vec<Value> {
        let params = &message["params"];
        match message["method"].as_str().unwrap_or_default() {
            "getPlugins" if self.is("documentation/GetPlugins") => vec![success(json!({"plugins": ["other"]}))],
            "getPlugins" => vec![success(json!({"plugins": ["test"]}))],
            "getBackgroundPlugins" => vec![success(json!({"plugins": ["test"]}))],
            "init" => self.init(message),
            "deinit" => self.deinit(message),
            "execute" => self.execute(message),
            "isMethodSupported" if !self.connected => {
                vec![error("Connection test not found", "ConnectionNotFound")]
            }
            "isMethodSupported" => {
                let supported = params["method"] != "nowhere" || self.is("methods/is-method-supported");
                vec![success(json!({"isSupported": supported}))]
            }
            method if self.is("methods/unknown") => vec![error(&format!("What is {method}?"), "Unknown")],
            _ if self.is("methods/unknown-without-id") => vec![json!({"method": "what?"})],
            method => vec![error(&format!("Received unknown method: {method}"), "Unknown")],
        }
    }

    fn init(&mut self, message: &Value) -> Vec<Value> {
        if message["params"]["plugin"] != "test" {
            return vec![error("No such plugin", "PluginNotFound")];
        }
        self.connected = !(self.connected && self.is("methods/init-twice"));
        self.unwanted(message)
    }

    fn deinit(&mut self, message: &Value) -> Vec<Value> {
        if message["params"]["plugin"] != "test" {
            return vec![error("No such plugin", "PluginNotFound")];
        }
        self.connected = self.is("documentation/InitDeinit");
        self.unwanted(message)
    }

    /// An answer where none is due.
    fn unwanted(&self, message: &Value) -> Vec<Value> {
        let without = self.is("methods/init-is-not-answered") && message["id"].is_null();
        let with = self.is("methods/init-with-id-is-not-answered") && !message["id"].is_null();
        if without || with { vec![success(json!({}))] } else { Vec::new() }
    }

    fn execute(&mut self, message: &Value) -> Vec<Value> {
        let params = &message["params"];
        if !self.connected || params["api"] != "test" {
            return vec![error("Connection not found", "ConnectionNotFound")];
        }
        match params["method"].as_str().unwrap_or_default() {
            "reverse" => self.reverse(message),
            "echo" => vec![success(self.echo(&params["params"]))],
            "fail" => vec![success(json!({}))],
            "emit" => self.emit(&params["params"]),
            "hold" => {
                self.held.push(message["id"].clone());
                if self.is("ids/answers-out-of-order") { vec![success(json!({"held": true}))] } else { Vec::new() }
            }
            "release" => {
                let mut answers = vec![success(json!({"released": 1}))];
                answers.extend(self.held.drain(..).map(|id| json!({"id": id, "success": {"held": true}})));
                answers
            }
            method => vec![error(&format!("{method}?"), "NoSuchMethod")],
        }
    }

    fn reverse(&self, message: &Value) -> Vec<Value> {
        let Some(word) = message["params"]["params"]["word"].as_str() else {
            return if self.is("methods/execute-without-params") { Vec::new() } else { vec![error("word?", "Params")] };
        };
        let reversed: String = word.chars().rev().collect();
        match self.scenario.as_str() {
            "documentation/Execute" => vec![success(json!({"word": word}))],
            "ids/used-again" if self.asked > 3 => Vec::new(),
            "ids/many-in-flight" if word == "-500" => Vec::new(),
            "methods/execute-without-id" if message["id"].is_null() => vec![success(json!({}))],
            _ => vec![success(json!({"word": reversed}))],
        }
    }

    /// Through a program that knows little of JSON.
    fn echo(&self, params: &Value) -> Value {
        let mut echo = params.clone();
        match self.scenario.as_str() {
            "payload/values" => echo["null"] = json!({}),
            "payload/unicode" => {
                echo["text"] = json!(params["text"].as_str().unwrap_or_default().replace('\u{1F980}', "?"))
            }
            "payload/deeply-nested" => echo = json!({"in": {"in": {}}}),
            "payload/1-mib" | "payload/8-mib" => {
                let text = params["text"].as_str().unwrap_or_default();
                echo["text"] = json!(text[..text.len() / 2]);
            }
            _ => {}
        }
        echo
    }

    fn emit(&self, params: &Value) -> Vec<Value> {
        let count = params["count"].as_u64().unwrap_or_default();
        let size = usize::try_from(params["size"].as_u64().unwrap_or_default()).unwrap_or_default();
        let data = "x".repeat(if self.is("events/large") { size / 2 } else { size });
        let mut messages: Vec<_> = (0..count)
            .map(|index| json!({"method": "execute", "params": {"api": "test", "method": "row", "params": {"index": index, "data": data}}}))
            .collect();
        if count > 1 {
            messages.swap(7, 8);
        }
        messages.insert(0, success(json!({"queued": count})));
        messages
    }
}

fn success(value: Value) -> Value {
    json!({ "success": value })
}

fn error(message: &str, name: &str) -> Value {
    json!({"error": {"message": message, "name": name}})
}
