//! Writes the messages of a session.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use crate::error::ErrorReport;
use crate::ids::MessageId;
use crate::text::Payload;

/// `{"id":N,"success":…}`
pub(crate) fn success(id: MessageId, value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 40);
    text.push_str("{\"id\":");
    push_number(&mut text, id.as_u64());
    text.push_str(",\"success\":");
    text.push_str(value);
    text.push('}');
    text
}

/// `{"id":N,"error":…}`, or `{"error":…}` where the request had no id.
pub(crate) fn error(id: Option<MessageId>, value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 40);
    text.push('{');
    if let Some(id) = id {
        text.push_str("\"id\":");
        push_number(&mut text, id.as_u64());
        text.push(',');
    }
    text.push_str("\"error\":");
    text.push_str(value);
    text.push('}');
    text
}

/// `{"id":N,"success":{"plugins":[…]}}`
pub(crate) fn plugins<'a>(id: MessageId, plugins: impl Iterator<Item = &'a str>) -> String {
    #[derive(Serialize)]
    struct Plugins<'a> {
        plugins: Vec<&'a str>,
    }
    success(id, &to_json(&Plugins { plugins: plugins.collect() }))
}

/// `{"method":"execute","params":{"api":…,"method":…,"params":…}}`: from a client an event of a plugin, which must not
/// have an id; from a desktop a call whose answer nobody wants.
pub(crate) fn event(api: &str, method: &str, params: Option<&Payload>) -> String {
    let mut text = String::with_capacity(api.len() + method.len() + params.map_or(0, |p| p.as_json().len()) + 64);
    text.push_str("{\"method\":\"execute\",\"params\":");
    push_call(&mut text, api, method, params);
    text.push('}');
    text
}

/// `{"id":N,"method":"execute","params":{"api":…,"method":…,"params":…}}`, and the same shape with
/// `isMethodSupported`.
pub(crate) fn call(id: MessageId, what: &str, api: &str, method: &str, params: Option<&Payload>) -> String {
    let mut text = String::with_capacity(api.len() + method.len() + params.map_or(0, |p| p.as_json().len()) + 96);
    push_head(&mut text, Some(id), what);
    text.push_str(",\"params\":");
    push_call(&mut text, api, method, params);
    text.push('}');
    text
}

/// `{"id":N,"method":…,"params":…}`, without `params` where there are none.
pub(crate) fn request(id: MessageId, method: &str, params: Option<&Payload>) -> String {
    let mut text = String::with_capacity(method.len() + params.map_or(0, |p| p.as_json().len()) + 64);
    push_head(&mut text, Some(id), method);
    if let Some(params) = params {
        text.push_str(",\"params\":");
        text.push_str(params.as_json());
    }
    text.push('}');
    text
}

/// `{"method":"init","params":{"plugin":…}}`, and the same shape with `deinit`.
pub(crate) fn for_plugin(method: &str, plugin: &str) -> String {
    let mut text = String::with_capacity(plugin.len() + 64);
    push_head(&mut text, None, method);
    text.push_str(",\"params\":{\"plugin\":");
    push_string(&mut text, plugin);
    text.push_str("}}");
    text
}

/// `{"method":"refreshPlugins"}`
pub(crate) fn refresh_plugins() -> String {
    String::from("{\"method\":\"refreshPlugins\"}")
}

/// The JSON of an error object.
pub(crate) fn report(report: &ErrorReport) -> String {
    to_json(report)
}

/// The JSON of one of this crate's own types, none of which can fail to be written.
pub(crate) fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn push_head(text: &mut String, id: Option<MessageId>, method: &str) {
    text.push('{');
    if let Some(id) = id {
        text.push_str("\"id\":");
        push_number(text, id.as_u64());
        text.push(',');
    }
    text.push_str("\"method\":");
    push_string(text, method);
}

fn push_call(text: &mut String, api: &str, method: &str, params: Option<&Payload>) {
    text.push_str("{\"api\":");
    push_string(text, api);
    text.push_str(",\"method\":");
    push_string(text, method);
    if let Some(params) = params {
        text.push_str(",\"params\":");
        text.push_str(params.as_json());
    }
    text.push('}');
}

pub(super) fn push_string(text: &mut String, value: &str) {
    if value.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        text.push_str(&to_json(&value));
    } else {
        text.push('"');
        text.push_str(value);
        text.push('"');
    }
}

fn push_number(text: &mut String, number: u64) {
    let mut digits = [b'0'; 20];
    let mut rest = number;
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    text.extend(digits[at..].iter().map(|digit| char::from(*digit)));
}
