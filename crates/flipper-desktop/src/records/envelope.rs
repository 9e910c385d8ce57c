//! What a message is about.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Direction, Kind};

/// What the columns of a message say. Of an answer, plugin and method are known only together with its request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Facts<'a> {
    pub(super) kind: Kind,
    pub(super) plugin: Option<Cow<'a, str>>,
    pub(super) method: Option<Cow<'a, str>>,
    pub(super) request: Option<i64>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow)]
    success: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow)]
    api: Option<Cow<'a, str>>,
    #[serde(borrow)]
    plugin: Option<Cow<'a, str>>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
}

impl<'a> Facts<'a> {
    /// Reads as much as there is to be read. Whatever an app sends with an id is an answer, as the state machine has it.
    pub(super) fn of(direction: Direction, text: &'a str) -> Self {
        let other = Self { kind: Kind::Other, plugin: None, method: None, request: None };
        let Ok(envelope) = serde_json::from_str::<Envelope<'a>>(text) else { return other };
        let request = envelope.id.and_then(|id| id.get().parse().ok());
        let kind = match direction {
            Direction::ToApp => Kind::Request,
            Direction::ToDesktop if request.is_none() && envelope.method.is_some() => Kind::Event,
            Direction::ToDesktop => {
                let kind = match (envelope.success, envelope.error) {
                    (None, Some(_)) => Kind::Error,
                    _ if request.is_some() => Kind::Response,
                    _ => Kind::Other,
                };
                return Self { kind, request, ..other };
            }
        };
        let Some(method) = envelope.method else { return other };
        let params = envelope.params.and_then(|params| serde_json::from_str::<Params<'a>>(params.get()).ok());
        match (&*method, params) {
            // The method of the plugin is worth more than the word for calling it.
            ("execute", Some(params)) => Self { kind, plugin: params.api, method: params.method, request },
            (_, Some(params)) => Self { kind, plugin: params.plugin.or(params.api), method: Some(method), request },
            (_, None) => Self { kind, plugin: None, method: Some(method), request },
        }
    }
}

/// The params of a call or an event, as they stand in its message.
pub(crate) fn params_of(text: &str) -> Option<&RawValue> {
    #[derive(Deserialize)]
    struct Outer<'a> {
        #[serde(borrow)]
        params: Option<Inner<'a>>,
    }
    #[derive(Deserialize)]
    struct Inner<'a> {
        #[serde(borrow)]
        params: Option<&'a RawValue>,
    }
    serde_json::from_str::<Outer<'_>>(text).ok()?.params?.params
}

/// The result or the error of an answer, as it stands in its message.
pub(super) fn answer_of(text: &str) -> Option<Result<&RawValue, &RawValue>> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(borrow)]
        success: Option<&'a RawValue>,
        #[serde(borrow)]
        error: Option<&'a RawValue>,
    }
    let answer = serde_json::from_str::<Answer<'_>>(text).ok()?;
    answer.success.map(Ok).or(answer.error.map(Err))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(direction: Direction, text: &str) -> (Kind, Option<String>, Option<String>, Option<i64>) {
        let facts = Facts::of(direction, text);
        (facts.kind, facts.plugin.map(Cow::into_owned), facts.method.map(Cow::into_owned), facts.request)
    }

    fn owned(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn what_an_app_sends() {
        let from = |text| facts(Direction::ToDesktop, text);
        let event = r#"{"method":"execute","params":{"api":"Network","method":"newRequest","params":{"id":1}}}"#;
        assert_eq!(from(event), (Kind::Event, owned("Network"), owned("newRequest"), None));
        assert_eq!(from(r#"{"method":"refreshPlugins"}"#), (Kind::Event, None, owned("refreshPlugins"), None));
        assert_eq!(from(r#"{"id":7,"success":{}}"#), (Kind::Response, None, None, Some(7)));
        assert_eq!(from(r#"{"id":7,"error":{"message":"no"}}"#), (Kind::Error, None, None, Some(7)));
        assert_eq!(from(r#"{"id":7,"method":"execute","success":1}"#), (Kind::Response, None, None, Some(7)));
        assert_eq!(from(r#"{"error":{"message":"no"}}"#), (Kind::Error, None, None, None));
        for strange in ["", "{", "7", "{}", r#"{"method":7}"#, r#"{"method":"a","method":"b"}"#, "\u{0}"] {
            assert_eq!(from(strange), (Kind::Other, None, None, None), "{strange}");
        }
    }

    #[test]
    fn what_a_desktop_sends() {
        let to = |text| facts(Direction::ToApp, text);
        assert_eq!(to(r#"{"id":0,"method":"getPlugins"}"#), (Kind::Request, None, owned("getPlugins"), Some(0)));
        let init = r#"{"method":"init","params":{"plugin":"Network"}}"#;
        assert_eq!(to(init), (Kind::Request, owned("Network"), owned("init"), None));
        let call = r#"{"id":3,"method":"execute","params":{"api":"A","method":"m","params":{"x":1}}}"#;
        assert_eq!(to(call), (Kind::Request, owned("A"), owned("m"), Some(3)));
        let ask = r#"{"id":4,"method":"isMethodSupported","params":{"api":"A","method":"m"}}"#;
        assert_eq!(to(ask), (Kind::Request, owned("A"), owned("isMethodSupported"), Some(4)));
    }

    #[test]
    fn what_a_call_and_its_answer_carry() {
        let call = r#"{"id":3,"method":"execute","params":{"api":"A","method":"m","params":{"x":1.10}}}"#;
        assert_eq!(params_of(call).map(RawValue::get), Some(r#"{"x":1.10}"#));
        assert_eq!(params_of(r#"{"method":"execute","params":{"api":"A","method":"m"}}"#).map(RawValue::get), None);
        let success = answer_of(r#"{"id":1,"success":[1.0]}"#).map(|answer| answer.map(RawValue::get));
        assert!(matches!(success, Some(Ok("[1.0]"))));
        let error = answer_of(r#"{"id":1,"error":{"message":"no"}}"#);
        assert!(matches!(error.map(|answer| answer.map_err(RawValue::get)), Some(Err(r#"{"message":"no"}"#))));
    }
}
