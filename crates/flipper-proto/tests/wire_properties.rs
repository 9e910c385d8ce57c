//! Arbitrary text in, whatever it is; and arbitrary values out, which come back the same.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that fails panics")]

mod rig;

use std::collections::BTreeMap;

use flipper_proto::client::{Event, Job, Reply, State};
use flipper_proto::{
    AttemptId, ClientId, ErrorReport, Excerpt, Medium, MessageId, Payload, PluginId, ProtocolError, Query,
};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;
use serde_json::value::RawValue;

use self::rig::{Rig, config};

/// Answers to a certificate request, good and bad.
const ANSWERS: [&str; 6] = [
    r#"{"deviceId":""}"#,
    r#" {"x":[1e400,{}],"deviceId":"a\u0062"}"#,
    r#"{"deviceId":5}"#,
    r#"["device"]"#,
    r#"{"deviceId":null,"error":{"message":"no"}}"#,
    r#"{"error":["no"]}"#,
];

fn rig() -> (Rig, AttemptId) {
    Rig::in_use(config(), &["A"])
}

/// Text that is JSON now and then, and close to it most of the time.
fn jsonish() -> impl Strategy<Value = String> {
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        " ",
        "\n",
        "\"id\"",
        "\"method\"",
        "\"params\"",
        "\"plugin\"",
        "\"api\"",
        "\"init\"",
        "\"execute\"",
        "\"success\"",
        "\"error\"",
        "\"deviceId\"",
        "\"A\"",
        "\"\"",
        "\"\\u00e9\"",
        "\"\\ud800\"",
        "0",
        "-1",
        "1.10",
        "1e400",
        "9007199254740993",
        "null",
        "true",
        "fal",
        "\"",
        "\\",
        "é",
        "\u{feff}",
        "\0",
    ];
    prop_oneof![
        4 => proptest::collection::vec(select(pieces.to_vec()), 0..25).prop_map(|pieces| pieces.concat()),
        1 => any::<String>(),
        2 => json(),
    ]
}

/// A number as JSON writes them, most of which no program can hold exactly.
fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec!["1.10", "1e400", "-1E-400", "12345678901234567890", "-0.0", "0e0", "1.0", "-0", "1e+05"])
            .prop_map(String::from),
        "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,5})?",
    ]
}

fn space() -> impl Strategy<Value = &'static str> {
    select(vec!["", "", "", " ", "\n", "\t\r "])
}

fn text() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap())
}

/// Any JSON, written in any way.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        number(),
        text(),
        select(vec!["null", "true", "false", "\"\\ud800\"", "\"\\u0041\"", "\"\\/\""]).prop_map(String::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            (proptest::collection::vec((space(), inner.clone(), space()), 0..5)).prop_map(|items| {
                let items: Vec<_> = items.iter().map(|(a, item, b)| format!("{a}{item}{b}")).collect();
                format!("[{}]", items.join(","))
            }),
            (proptest::collection::vec((space(), text(), space(), inner), 0..5)).prop_map(|fields| {
                let fields: Vec<_> = fields.iter().map(|(a, key, b, value)| format!("{a}{key}{b}:{value}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

/// Fields of a message with good and bad values, in any order and each at most once.
fn message() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let some =
        |values: Vec<&'static str>| select(values).prop_map(|value| (!value.is_empty()).then(|| String::from(value)));
    let wrong = ["null", "1", "-1.5", "[]", "{}", "\"x\"", "true", "[[{}]]"];
    let with = move |good: &[&'static str]| some([good, &wrong, &["", ""]].concat());
    let inner = (
        with(&["\"A\"", "\"A\"", "\"B\""]),
        with(&["\"A\"", "\"A\"", "\"B\""]),
        with(&["\"m\"", "\"m\"", "\"\\u006d\""]),
        prop_oneof![Just(None), json().prop_map(Some)],
    )
        .prop_map(|(plugin, api, method, params)| {
            let fields = [("plugin", plugin), ("api", api), ("method", method), ("params", params)];
            object(fields.into_iter().filter_map(|(key, value)| Some((key, value?))))
        });
    let methods = [
        "\"getPlugins\"",
        "\"getBackgroundPlugins\"",
        "\"init\"",
        "\"deinit\"",
        "\"execute\"",
        "\"execute\"",
        "\"isMethodSupported\"",
        "\"\\u0069nit\"",
        "\"other\"",
        "\"\"",
    ];
    (
        with(&["0", "1", "9007199254740991", "9007199254740992"]),
        with(&methods),
        prop_oneof![3 => inner.prop_map(Some), 1 => with(&[])],
        with(&[]),
        with(&[]),
        with(&[]),
    )
        .prop_map(|(id, method, params, success, error, other)| {
            let fields = [
                ("id", id),
                ("method", method),
                ("params", params),
                ("success", success),
                ("error", error),
                ("x", other),
            ];
            fields.into_iter().filter_map(|(key, value)| Some((key, value?))).collect::<Vec<_>>()
        })
        .prop_shuffle()
}

fn object<'a>(fields: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let fields: Vec<_> = fields.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
    format!("{{{}}}", fields.join(","))
}

/// What a message means, worked out the slow way.
#[derive(Debug, PartialEq)]
enum Meaning {
    Answer(Value),
    Error(Option<u64>),
    Call { method: String, params: Option<String>, expects_reply: bool },
    Query,
    Plugin,
    Nothing,
    Misbehaved(ProtocolError),
}

fn meaning(fields: &[(&'static str, String)]) -> Vec<Meaning> {
    // Values that no program can represent, such as half a surrogate pair, stand in params of plugins only.
    let value = |raw: &str| serde_json::from_str::<Value>(raw).ok().filter(|value| !value.is_null());
    let get = |name: &str| value(&raw(fields, name));
    let refuse = |id, error: ProtocolError| vec![Meaning::Error(id), Meaning::Misbehaved(error)];
    let id = match get("id") {
        None => None,
        Some(id) => match id.as_u64().filter(|id| *id < 1 << 53) {
            Some(id) => Some(id),
            None => return refuse(None, ProtocolError::BadId(Excerpt::new(&raw(fields, "id")))),
        },
    };
    let method = match get("method") {
        Some(Value::String(method)) => method,
        Some(_) => return refuse(id, ProtocolError::WrongType("method")),
        None => match id {
            Some(id) => return vec![Meaning::Misbehaved(ProtocolError::UnexpectedReply(MessageId::new(id).unwrap()))],
            None => return vec![Meaning::Misbehaved(ProtocolError::Missing("method"))],
        },
    };
    let wanted: &[&'static str] = match method.as_str() {
        "getPlugins" => return id.map(|_| Meaning::Answer(serde_json::json!(["A"]))).into_iter().collect(),
        "getBackgroundPlugins" => return id.map(|_| Meaning::Answer(serde_json::json!(["A"]))).into_iter().collect(),
        "init" | "deinit" => &["plugin"],
        "execute" | "isMethodSupported" => &["api", "method"],
        other => return refuse(id, ProtocolError::UnknownMethod(other.into())),
    };
    let params = raw(fields, "params");
    if params.is_empty() || params == "null" {
        return refuse(id, ProtocolError::Missing("params"));
    }
    let Ok(params) = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(&params) else {
        return refuse(id, ProtocolError::WrongType("params"));
    };
    let mut found = Vec::new();
    for name in wanted {
        match params.get(*name).and_then(|raw| value(raw.get())) {
            Some(Value::String(value)) => found.push(value),
            None => return refuse(id, ProtocolError::Missing(name)),
            Some(_) => return refuse(id, ProtocolError::WrongType(name)),
        }
    }
    if found[0] != "A" {
        return vec![Meaning::Error(id)];
    }
    match method.as_str() {
        "execute" => {
            let params = params.get("params").map(|raw| String::from(raw.get()));
            vec![Meaning::Call { method: found[1].clone(), params, expects_reply: id.is_some() }]
        }
        "isMethodSupported" => vec![Meaning::Query],
        "init" => vec![Meaning::Plugin, Meaning::Plugin],
        _ => vec![Meaning::Plugin],
    }
}

fn raw(fields: &[(&'static str, String)], name: &str) -> String {
    fields.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

/// What the client made of it.
fn made(rig: &mut Rig) -> Vec<Meaning> {
    let mut made = Vec::new();
    for sent in rig.sent() {
        let sent: Value = serde_json::from_str(&sent).unwrap();
        made.push(match sent.get("success") {
            Some(success) => Meaning::Answer(success["plugins"].clone()),
            None => {
                assert!(sent["error"]["message"].is_string());
                Meaning::Error(sent.get("id").map(|id| id.as_u64().unwrap()))
            }
        });
    }
    for event in rig.events() {
        made.push(match event {
            Event::PeerMisbehaved(error) => Meaning::Misbehaved(error),
            Event::Call { method, params, expects_reply, .. } => Meaning::Call {
                method: method.to_string(),
                params: params.map(|params| params.to_string()),
                expects_reply,
            },
            Event::MethodQuery { .. } => Meaning::Query,
            Event::PluginConnected(_) | Event::PluginDisconnected(_) => Meaning::Plugin,
            _ => Meaning::Nothing,
        });
    }
    made
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_ends_a_session(texts in proptest::collection::vec(jsonish(), 1..5)) {
        let (mut rig, attempt) = rig();
        for text in texts {
            rig.message(attempt, &text);
            rig.binary(attempt, text.as_bytes());
        }
        prop_assert_eq!(rig.client.state(), State::Connected { unresponsive: false });
        for sent in rig.sent() {
            prop_assert!(serde_json::from_str::<Value>(&sent).is_ok(), "{}", sent);
        }
    }

    #[test]
    fn no_answer_confuses_an_exchange(text in prop_oneof![jsonish(), select(&ANSWERS[..]).prop_map(String::from)]) {
        let mut rig = Rig::new(config());
        rig.start_with(None);
        let (attempt, generation) = rig.ask();
        rig.message(attempt, &text);
        let answer: Option<BTreeMap<String, Box<RawValue>>> = serde_json::from_str(&text).ok();
        let device_id = answer.and_then(|answer| serde_json::from_str::<String>(answer.get("deviceId")?.get()).ok());
        match (rig.take_job().1, device_id) {
            (Job::StoreGrant { grant, .. }, Some(device_id)) => {
                prop_assert_eq!(rig.client.state(), State::Exchanging);
                prop_assert_eq!(grant.device_id, device_id);
            }
            (Job::Discard { generation: discarded }, _) => {
                prop_assert_eq!(rig.client.state(), State::Closing);
                prop_assert_eq!(discarded, generation);
                rig.take_close();
            }
            (job, device_id) => panic!("{text}: {job:?} for {device_id:?}"),
        }
        rig.assert_no_actions();
    }

    #[test]
    fn a_message_means_what_it_says(fields in message()) {
        let (mut rig, attempt) = rig();
        let text = object(fields.iter().map(|(key, value)| (*key, value.clone())));
        rig.message(attempt, &text);
        prop_assert_eq!(made(&mut rig), meaning(&fields), "{}", text);
    }

    #[test]
    fn the_parsers_of_this_crate_take_any_text(text in any::<String>(), near in jsonish()) {
        for text in [&text, &near] {
            let _query = Query::parse(text);
            let _query = Query::parse_browser(text);
            let id = ClientId::from_text(text);
            prop_assert_eq!(id.as_str(), text.as_str());
            prop_assert!(Excerpt::new(text).as_str().len() <= 3 * Excerpt::MAX + 3);
            let payload = Payload::from_json(text.as_str());
            prop_assert_eq!(payload.is_ok(), serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok());
            if let Ok(payload) = payload {
                prop_assert_eq!(payload.as_json(), text.trim_matches([' ', '\n', '\t', '\r']));
                let _truthy = payload.is_truthy();
                let _parsed = payload.parse::<Value>();
            }
        }
    }

    #[test]
    fn a_query_comes_back_from_its_target(
        texts in proptest::collection::vec("[ &#+%=?/é€\\x00-\\x7f]{0,12}|.{0,12}", 8),
        medium in select(vec![None, Some(Medium::FsAccess), Some(Medium::Www), Some(Medium::None)]),
        sdk_version in any::<Option<u32>>(),
        foreground in any::<Option<bool>>(),
        present in any::<[bool; 4]>(),
    ) {
        let mut query = Query::new(&*texts[0], &*texts[1], &*texts[2], &*texts[3]);
        query.medium = medium;
        query.sdk_version = sdk_version;
        query.foreground = foreground;
        query.app_id = present[0].then(|| texts[4].clone());
        query.instance_id = present[1].then(|| texts[5].clone());
        query.csr = present[2].then(|| texts[6].clone());
        query.csr_path = present[3].then(|| texts[7].clone());

        let target = query.to_target();

        prop_assert!(target.bytes().all(|byte| byte.is_ascii_graphic()));
        prop_assert_eq!(Query::parse(&target), Ok(query.clone()));
        // Parsers of forms take `+` for a space, and so may we.
        prop_assert_eq!(Query::parse(&target.replace("%20", "+").replace("/?", "/sonar?")), Ok(query));
    }

    #[test]
    fn numbers_and_all_else_pass_through_verbatim(params in json(), number in number()) {
        let (mut rig, attempt) = rig();
        for json in [&params, &number] {
            rig.message(attempt, &format!(r#"{{"id":1,"method":"execute","params":{{"params":{json},"api":"A","method":"m"}}}}"#));
            let events = rig.events();
            let [Event::Call { call, params: Some(params), .. }] = events.as_slice() else { panic!("{events:?}") };
            prop_assert_eq!(params.as_json(), json.as_str());

            rig.client.respond(*call, &Reply::Success(params.clone())).unwrap();
            rig.client.send(&"A".into(), "m", Some(params)).unwrap();
            rig.drain();
            prop_assert_eq!(rig.sent(), [
                format!(r#"{{"id":1,"success":{json}}}"#),
                format!(r#"{{"method":"execute","params":{{"api":"A","method":"m","params":{json}}}}}"#),
            ]);
        }
    }

    #[test]
    fn names_of_any_kind_are_written_as_json(plugin in any::<String>(), method in any::<String>(), text in any::<String>()) {
        let (mut rig, attempt) = Rig::connected(config(), &[&plugin]);
        let init = serde_json::json!({ "method": "init", "params": { "plugin": plugin } });
        rig.message(attempt, &init.to_string());
        rig.client.send(&PluginId::new(&plugin), &method, None).unwrap();
        let report = ErrorReport::new(&*text).named(&*plugin).with_stacktrace(&*method).with_hint(&*text);
        rig.client.report_error(&report).unwrap();
        rig.message(attempt, r#"{"id":3,"method":"getPlugins"}"#);
        rig.drain();

        let sent: Vec<Value> = rig.sent().iter().map(|sent| serde_json::from_str(sent).unwrap()).collect();

        let error = serde_json::json!({ "message": text, "name": plugin, "stacktrace": method, "hint": text });
        prop_assert_eq!(sent, [
            serde_json::json!({ "error": error }),
            serde_json::json!({ "id": 3, "success": { "plugins": [plugin] } }),
            serde_json::json!({ "method": "execute", "params": { "api": plugin, "method": method } }),
        ]);
    }
}
