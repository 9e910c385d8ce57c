//! The oldest format of the browser port, in which every message is wrapped.
//!
//! An app begins with `{"app":…,"type":"connect","plugins":[…]}` and then sends `{"app":…,"payload":…}`. The official
//! desktop takes any message that has a string as `app` for one of these (`BrowserServerWebSocket`, 0.162), and wraps
//! what it sends from then on.

use alloc::borrow::Cow;
use alloc::string::String;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A message in its wrapper.
#[derive(Debug)]
pub(crate) struct Wrapped<'a> {
    /// The name of the app.
    pub(crate) app: Cow<'a, str>,
    pub(crate) content: Content<'a>,
}

#[derive(Debug)]
pub(crate) enum Content<'a> {
    /// The app says that it wraps its messages and, mostly, which plugins it has.
    Connect { plugins: Option<&'a RawValue> },
    /// A message of a session.
    Message(&'a RawValue),
    /// There is none.
    Nothing,
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    app: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    plugins: Option<&'a RawValue>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

impl<'a> Wrapped<'a> {
    /// Reads a wrapper. `None` if this is none, for whatever reason: it is then read as a message without one.
    pub(crate) fn decode(text: &'a str) -> Option<Self> {
        if !text.trim_start().starts_with('{') {
            return None;
        }
        let fields: Fields<'a> = serde_json::from_str(text).ok()?;
        let app = string(fields.app?)?;
        let content = if fields.kind.and_then(string).as_deref() == Some("connect") {
            Content::Connect { plugins: fields.plugins }
        } else {
            fields.payload.map_or(Content::Nothing, Content::Message)
        };
        Some(Self { app, content })
    }
}

/// `{"app":…,"payload":…}`. The official desktop leaves out the app, which its own first versions named.
pub(crate) fn wrap(app: &str, message: &str) -> String {
    let mut text = String::with_capacity(app.len() + message.len() + 32);
    text.push_str("{\"app\":");
    super::encode::push_string(&mut text, app);
    text.push_str(",\"payload\":");
    text.push_str(message);
    text.push('}');
    text
}

fn string(value: &RawValue) -> Option<Cow<'_, str>> {
    let mut json = serde_json::Deserializer::from_str(value.get());
    let text: Text<'_> = Text::deserialize(&mut json).ok()?;
    Some(text.0)
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
