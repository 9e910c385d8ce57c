//! The methods of a session, and what is answered when they fail.

use serde_json::{Value, json};

use crate::check::client::Entry;
use crate::check::client::session::{PLUGIN, Session, call, plugins};
use crate::check::outcome::{Stop, Verdict, excerpt, expect, expect_eq};

pub(super) const ENTRIES: &[Entry] = &[
    Entry::session(
        "methods/background-plugins",
        "getBackgroundPlugins names plugins of getPlugins, and not `test`, which is none",
        "C++ client; official UI, Client.tsx",
        background_plugins,
    ),
    Entry::session(
        "methods/init-is-not-answered",
        "init and deinit without an id, as the official UI sends them, have no answer",
        "C++ client; desktop, isWsResponseMessage",
        init_is_not_answered,
    ),
    Entry::session(
        "methods/init-with-id-is-not-answered",
        "init and deinit that succeed have no answer even where they carry an id",
        "C++ client; client docs, test InitDeinit",
        init_with_id_is_not_answered,
    ),
    Entry::session(
        "methods/init-twice",
        "init of a plugin that is connected leaves it connected, as after a reload of the UI",
        "C++ client; official UI",
        init_twice,
    ),
    Entry::session(
        "methods/init-unknown-plugin",
        "init of a plugin that the client does not have is answered with PluginNotFound",
        "C++ client, FlipperClient.cpp",
        |session| unknown_plugin(session, "init"),
    ),
    Entry::session(
        "methods/deinit-unknown-plugin",
        "deinit of a plugin that the client does not have is answered with PluginNotFound",
        "C++ client, FlipperClient.cpp",
        |session| unknown_plugin(session, "deinit"),
    ),
    Entry::session(
        "methods/execute-before-init",
        "execute for a plugin that is not connected is answered with ConnectionNotFound",
        "C++ client, FlipperClient.cpp",
        |session| not_connected(session, "execute", PLUGIN),
    ),
    Entry::session(
        "methods/execute-unknown-plugin",
        "execute for a plugin that the client does not have is answered with ConnectionNotFound",
        "C++ client, FlipperClient.cpp",
        |session| not_connected(session, "execute", "nowhere"),
    ),
    Entry::session(
        "methods/execute-unknown-method",
        "execute of a method that the plugin does not have is answered: Receiver … not found.",
        "C++ client, FlipperConnectionImpl.h; js-flipper",
        unknown_receiver,
    ),
    Entry::session(
        "methods/execute-error",
        "a method that fails is answered with an error that has a message",
        "C++ client; official UI",
        failing_method,
    ),
    Entry::session(
        "methods/execute-without-params",
        "execute may come without params for the method; whatever it answers, it answers",
        "official UI, Client.tsx",
        execute_without_params,
    ),
    Entry::session(
        "methods/execute-without-id",
        "execute without an id has no answer",
        "C++ client; desktop, client-request",
        execute_without_id,
    ),
    Entry::session(
        "methods/is-method-supported",
        "isMethodSupported tells which methods a connected plugin has",
        "C++ client; official UI",
        is_method_supported,
    ),
    Entry::session(
        "methods/is-method-supported-before-init",
        "isMethodSupported for a plugin that is not connected is answered with ConnectionNotFound",
        "C++ client, FlipperClient.cpp",
        |session| not_connected(session, "isMethodSupported", PLUGIN),
    ),
    Entry::session(
        "methods/unknown",
        "an unknown method is answered with: Received unknown method: …",
        "C++ client, FlipperClient.cpp; js-flipper",
        unknown_method,
    ),
    Entry::session(
        "methods/unknown-without-id",
        "an unknown method without an id has no answer with one, and the session goes on",
        "C++ client",
        unknown_method_without_id,
    ),
    Entry::session(
        "ids/zero-and-large",
        "ids come back as they are, 0 and 2^53-1 among them",
        "official UI counts from 0; RFC 8259, section 6",
        zero_and_large_ids,
    ),
    Entry::session(
        "ids/used-again",
        "an id may be used again once it is answered: every tab of the UI counts from 0",
        "official UI, Client.tsx",
        ids_used_again,
    ),
    Entry::session(
        "ids/many-in-flight",
        "a thousand calls that wait at once are answered once each, with their own answers",
        "official UI; flipper#4241",
        many_in_flight,
    ),
    Entry::session(
        "ids/answers-out-of-order",
        "a method that takes its time holds up no other: `hold` is answered after `release`",
        "js-flipper; C++ client, FlipperResponder",
        answers_out_of_order,
    ),
];

fn background_plugins(session: &mut Session) -> Verdict {
    let all = plugins(&session.ask("getPlugins", None)?)?;
    let answer = session.ask("getBackgroundPlugins", None)?;
    let background = plugins(&answer)?;
    expect(
        background.iter().all(|name| all.contains(name)),
        "only plugins that getPlugins names",
        excerpt(&answer.text),
    )?;
    expect(
        !background.iter().any(|name| name == PLUGIN),
        format!("no {PLUGIN}, which is no background plugin"),
        excerpt(&answer.text),
    )
}

fn init_is_not_answered(session: &mut Session) -> Verdict {
    session.init()?;
    session.goes_on()?;
    session.deinit()?;
    session.goes_on()?;
    nothing_reported(session)
}

fn init_with_id_is_not_answered(session: &mut Session) -> Verdict {
    for method in ["init", "deinit"] {
        // An answer to an id that nobody waits for fails the scenario.
        session.send(&json!({"id": 1_000_000, "method": method, "params": {"plugin": PLUGIN}}).to_string())?;
        session.goes_on()?;
    }
    nothing_reported(session)
}

fn nothing_reported(session: &mut Session) -> Verdict {
    match session.take_errors().first() {
        None => Ok(()),
        Some(error) => Err(Stop::failed("no error", excerpt(&error.to_string()))),
    }
}

fn init_twice(session: &mut Session) -> Verdict {
    session.init()?;
    session.init()?;
    let answer = session.execute("reverse", json!({"word": "again"}))?;
    answer.expect_success(&json!({"word": "niaga"}))
}

fn unknown_plugin(session: &mut Session, method: &str) -> Verdict {
    let answer = session.ask(method, Some(json!({"plugin": "nowhere"})))?;
    answer.expect_error(&format!("Plugin nowhere not found for method {method}"), Some("PluginNotFound"))
}

fn not_connected(session: &mut Session, method: &str, plugin: &str) -> Verdict {
    let answer = session.ask(method, Some(json!({"api": plugin, "method": "reverse", "params": {"word": "hello"}})))?;
    answer.expect_error(&format!("Connection {plugin} not found for method {method}"), Some("ConnectionNotFound"))
}

fn unknown_receiver(session: &mut Session) -> Verdict {
    session.init()?;
    let answer = session.execute("nowhere", json!({}))?;
    answer.expect_error("Receiver nowhere not found.", None)
}

fn failing_method(session: &mut Session) -> Verdict {
    session.needs(&["fail"])?;
    let answer = session.execute("fail", json!({}))?;
    expect(answer.result.is_err(), "an error", excerpt(&answer.text))
}

fn execute_without_params(session: &mut Session) -> Verdict {
    session.init()?;
    session.ask("execute", Some(json!({"api": PLUGIN, "method": "reverse"}))).map(drop)
}

fn execute_without_id(session: &mut Session) -> Verdict {
    session.init()?;
    session.tell("execute", call("reverse", json!({"word": "hello"})))?;
    let answer = session.execute("reverse", json!({"word": "hello"}))?;
    answer.expect_success(&json!({"word": "olleh"}))
}

fn is_method_supported(session: &mut Session) -> Verdict {
    session.init()?;
    for (method, supported) in [("reverse", true), ("nowhere", false)] {
        let answer = session.ask("isMethodSupported", Some(json!({"api": PLUGIN, "method": method})))?;
        answer.expect_success(&json!({"isSupported": supported}))?;
    }
    Ok(())
}

fn unknown_method(session: &mut Session) -> Verdict {
    let answer = session.ask("fly", Some(json!({})))?;
    answer.expect_error("Received unknown method: fly", None)
}

fn unknown_method_without_id(session: &mut Session) -> Verdict {
    session.tell("fly", json!({}))?;
    session.goes_on()
}

fn zero_and_large_ids(session: &mut Session) -> Verdict {
    session.init()?;
    for id in [0, 2_147_483_648, (1 << 53) - 1] {
        session.start_with_id(id, "execute", Some(call("reverse", json!({"word": "id"}))))?;
        session.answer(id)?.expect_success(&json!({"word": "di"}))?;
    }
    Ok(())
}

fn ids_used_again(session: &mut Session) -> Verdict {
    session.init()?;
    for word in ["one", "two", "three"] {
        session.start_with_id(7, "execute", Some(call("reverse", json!({"word": word}))))?;
        let reversed: String = word.chars().rev().collect();
        session.answer(7)?.expect_success(&json!({"word": reversed}))?;
    }
    Ok(())
}

fn many_in_flight(session: &mut Session) -> Verdict {
    session.init()?;
    let ids = (0..1000)
        .map(|number| session.start("execute", Some(call("reverse", json!({"word": format!("-{number}")})))))
        .collect::<Verdict<Vec<_>>>()?;
    for (number, id) in ids.into_iter().enumerate() {
        let reversed: String = format!("-{number}").chars().rev().collect();
        session.answer(id)?.expect_success(&json!({"word": reversed}))?;
    }
    session.goes_on()
}

fn answers_out_of_order(session: &mut Session) -> Verdict {
    session.needs(&["hold", "release"])?;
    let held = session.start("execute", Some(call("hold", json!({}))))?;
    let meanwhile = session.execute("reverse", json!({"word": "now"}))?;
    meanwhile.expect_success(&json!({"word": "won"}))?;
    expect_eq("release", &session.success("release", json!({}))?, &json!({"released": 1}))?;
    let answer = session.answer(held)?;
    expect(matches!(&answer.result, Ok(Value::Object(_))), "the answer of hold", excerpt(&answer.text))
}
