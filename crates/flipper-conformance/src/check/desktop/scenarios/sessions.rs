//! What a desktop does with an app that is connected.

use serde_json::{Value, json};

use crate::check::desktop::app::{App, PLUGIN};
use crate::check::desktop::under_test::DesktopUnderTest;
use crate::check::desktop::{Entry, no_driver};
use crate::check::outcome::{Stop, Verdict, expect, expect_eq};

pub(super) const ENTRIES: &[Entry] = &[
    Entry::new(
        "session/asks-for-plugins",
        "an app that connects is asked getPlugins, then getBackgroundPlugins, by a desktop that works without a UI",
        "official UI, Client.tsx; this project's desktop",
        |cx| {
            expect(cx.asks_by_itself()?, "a request getPlugins", "none")?;
            let mut app = cx.new_session()?;
            app.request("getPlugins")?;
            app.request("getBackgroundPlugins").map(drop)
        },
    ),
    Entry::new(
        "session/old-sdk",
        "an app with sdk_version 3 is never asked getBackgroundPlugins",
        "official UI, Client.tsx",
        old_sdk,
    ),
    Entry::new(
        "session/refresh-plugins",
        "refreshPlugins has the plugins asked for again",
        "official UI, Client.tsx; C++ client",
        refresh_plugins,
    ),
    Entry::new("session/ping", "a ping is answered", "RFC 6455, section 5.5.2", |cx| cx.new_session()?.goes_on()),
    Entry::new("session/close", "a close frame is answered with one", "RFC 6455, section 5.5.1", |cx| {
        let mut app = cx.new_session()?;
        app.talk.close(1000, "").map_err(|end| Stop::failed("the session goes on", end.to_string()))?;
        app.end("the desktop closes as well").map(drop)
    }),
    Entry::new(
        "session/garbage",
        "what is no JSON, no object, or no message at all does not end the session",
        "desktop, SecureServerWebSocket",
        |cx| survives(cx, &["no JSON", "", "null", "5", "[]", "{}", r#"{"method":5}"#, r#"{"method":"fly"}"#]),
    ),
    Entry::new(
        "session/binary-garbage",
        "a binary message that makes no sense does not end the session",
        "desktop, SecureServerWebSocket",
        |cx| {
            let mut app = cx.new_session()?;
            let sent = app.talk.send_binary(&[0, 0xFF, 0xFE]);
            sent.map_err(|end| Stop::failed("the session goes on", end.to_string()))?;
            app.goes_on()
        },
    ),
    Entry::new(
        "session/answer-to-nothing",
        "answers to nothing do not end the session, whatever their id is",
        "desktop, isWsResponseMessage",
        |cx| {
            survives(
                cx,
                &[
                    r#"{"id":4000000,"success":{}}"#,
                    r#"{"id":4000000,"success":{}}"#,
                    r#"{"id":-1,"error":{"message":"no"}}"#,
                    r#"{"id":1.5,"success":{}}"#,
                    r#"{"id":"text","success":{}}"#,
                ],
            )
        },
    ),
    Entry::new(
        "session/error",
        "an error outside any call does not end the session",
        "C++ client; official UI",
        |cx| survives(cx, &[r#"{"error":{"message":"broken","name":"Test","stacktrace":"here"}}"#, r#"{"error":5}"#]),
    ),
    Entry::new(
        "session/event-of-unknown-plugin",
        "an event of a plugin that nobody initialised does not end the session",
        "C++ client; official UI",
        |cx| {
            survives(
                cx,
                &[
                    r#"{"method":"execute","params":{"api":"nowhere","method":"row","params":[]}}"#,
                    r#"{"method":"execute"}"#,
                ],
            )
        },
    ),
    Entry::new("session/large-event", "an event of 8 MiB does not end the session", "flipper#3908", large_event),
    Entry::new(
        "session/comes-back",
        "an app that closes its session and opens another is served again",
        "C++ client",
        comes_back,
    ),
    Entry::new(
        "session/lost-and-back",
        "an app that loses its connection and opens another session is served again",
        "C++ client",
        |cx| {
            let app = cx.new_session()?;
            let name = app.name.clone();
            app.talk.drop_connection();
            let mut app = cx.session(&name)?;
            cx.is_served(&mut app)
        },
    ),
    Entry::new(
        "session/same-app-twice",
        "a second session of the same app replaces the first, which is closed, and is served",
        "C++ client; flipper#2901",
        same_app_twice,
    ),
    Entry::new(
        "call/answer",
        "a call of the desktop reaches the app with its params, and the answer reaches the caller",
        "C++ client; official UI",
        |cx| {
            let mut app = cx.new_session()?;
            cx.call(&mut app)
        },
    ),
    Entry::new("call/error", "an error that an app answers reaches the caller", "C++ client; official UI", |cx| {
        let error = json!({"message": "broken", "name": "Test", "stacktrace": "here"});
        let came = call(cx, &json!({}), |message| json!({"id": message["id"], "error": error}))?;
        expect(came == Err(error.clone()), format!("the error {error}"), format!("{came:?}"))
    }),
    Entry::new("call/unknown-fields", "fields of an answer that mean nothing do not harm it", "C++ client", |cx| {
        let came = call(cx, &json!({}), |message| json!({"jsonrpc": "2.0", "success": {"a": 1}, "id": message["id"]}))?;
        expect(came == Ok(json!({"a": 1})), r#"success {"a":1}"#, format!("{came:?}"))
    }),
    Entry::new("call/8-mib", "a call and an answer of 8 MiB", "flipper#3908", large_call),
    Entry::new("call/unicode", "text of every script travels both ways as it is", "RFC 8259, section 7", |cx| {
        let text = json!({"text": "\"\\/\u{8}\n\u{0} ä Ж 漢字 \u{1F980}\u{2028}"});
        let came = call(cx, &text, |message| json!({"id": message["id"], "success": message["params"]["params"]}))?;
        expect(came == Ok(text.clone()), text.to_string(), format!("{came:?}"))
    }),
    Entry::new("call/two-apps", "two apps at once are told apart", "official UI", |cx| {
        let (mut one, mut other) = (cx.new_session()?, cx.new_session()?);
        cx.call(&mut one)?;
        cx.call(&mut other)?;
        cx.call(&mut one)
    }),
    Entry::new(
        "event/arrives",
        "events of an initialised plugin reach the desktop's user, in order",
        "C++ client; official UI",
        events_arrive,
    ),
];

fn survives(cx: &mut DesktopUnderTest, texts: &[&str]) -> Verdict {
    let mut app = cx.new_session()?;
    for text in texts {
        app.send(text)?;
        app.goes_on().map_err(|stop| match stop {
            Stop::Failed(mut finding) => {
                finding.came = format!("after {text:?}: {}", finding.came);
                Stop::Failed(finding)
            }
            Stop::Skipped(reason) => Stop::Skipped(reason),
        })?;
    }
    Ok(())
}

fn needs_questions(cx: &mut DesktopUnderTest) -> Verdict {
    if cx.asks_by_itself()? { Ok(()) } else { Err(Stop::skipped("the desktop asks for plugins only when a UI does")) }
}

fn old_sdk(cx: &mut DesktopUnderTest) -> Verdict {
    needs_questions(cx)?;
    let member = cx.member()?;
    let name = cx.new_name();
    let mut query = DesktopUnderTest::session_query(&member, &name);
    query.sdk_version = Some(3);
    let mut app = cx.session_of(&member, &query)?;
    app.request("getPlugins")?;
    // By the time that it has asked once more, it would have asked for the others.
    app.send_json(&json!({"method": "refreshPlugins"}))?;
    app.request("getPlugins")?;
    app.goes_on()?;
    expect(!app.was_asked("getBackgroundPlugins"), "getPlugins only", "getBackgroundPlugins")
}

fn refresh_plugins(cx: &mut DesktopUnderTest) -> Verdict {
    needs_questions(cx)?;
    let mut app = cx.new_session()?;
    for method in ["getPlugins", "getBackgroundPlugins"] {
        app.request(method)?;
    }
    app.send_json(&json!({"method": "refreshPlugins"}))?;
    app.request("getPlugins").map(drop)
}

fn large_event(cx: &mut DesktopUnderTest) -> Verdict {
    let mut app = cx.new_session()?;
    let params = json!({"api": PLUGIN, "method": "row", "params": {"data": "x".repeat(8 << 20)}});
    app.send_json(&json!({"method": "execute", "params": params}))?;
    app.goes_on()
}

fn comes_back(cx: &mut DesktopUnderTest) -> Verdict {
    let mut app = cx.new_session()?;
    app.talk.close(1000, "").map_err(|end| Stop::failed("the session goes on", end.to_string()))?;
    app.end("the desktop closes as well")?;
    let name = app.name.clone();
    drop(app);
    let mut app = cx.session(&name)?;
    cx.is_served(&mut app)
}

fn same_app_twice(cx: &mut DesktopUnderTest) -> Verdict {
    let mut first = cx.new_session()?;
    first.goes_on()?;
    let name = first.name.clone();
    let mut second = cx.session(&name)?;
    first.end("the first session is closed")?;
    drop(first);
    cx.is_served(&mut second)
}

fn call(
    cx: &mut DesktopUnderTest,
    params: &Value,
    answer: impl FnOnce(&Value) -> Value,
) -> Verdict<Result<Value, Value>> {
    cx.driver()?;
    let mut app: App = cx.new_session()?;
    cx.call_with(&mut app, params, answer)
}

fn large_call(cx: &mut DesktopUnderTest) -> Verdict {
    let text = json!({"text": "x".repeat(8 << 20)});
    let came = call(cx, &text, |message| json!({"id": message["id"], "success": message["params"]["params"]}))?;
    expect(came.as_ref() == Ok(&text), "8 MiB", "something else")
}

fn events_arrive(cx: &mut DesktopUnderTest) -> Verdict {
    cx.driver()?;
    let mut app = cx.new_session()?;
    cx.call(&mut app)?;
    for index in 0..100 {
        let params = json!({"api": PLUGIN, "method": "row", "params": {"index": index}});
        app.send_json(&json!({"method": "execute", "params": params}))?;
    }
    let patience = cx.patience();
    for index in 0..100 {
        let row = cx.driver().map_err(|_| no_driver())?.event(&app.name, PLUGIN, "row", patience);
        let row = row.map_err(|error| Stop::failed(format!("event {index}"), error))?;
        expect_eq("the event", &row, &json!({"index": index}))?;
    }
    Ok(())
}
