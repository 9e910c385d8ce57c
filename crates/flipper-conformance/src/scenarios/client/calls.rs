//! Calls: how they are answered, when, and by whom.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread;

use flipper_async::AsyncMethods as _;
use flipper_client::proto::{ErrorReport, Payload};
use flipper_client::{UnknownCall, plugin};
use serde_json::{Value, json};

use crate::scripted::{call, event, frames, lock};
use crate::suite::{Connected, keeper};
use crate::{Adapter, Handle as _, PATIENCE, Result};

/// Covers: P22, M12.
pub fn the_same_id_twice_gets_two_answers<A: Adapter>() -> Result {
    let Connected { mut session, app, .. } = Connected::<A>::new()?;

    session.call(7, "Example", "echo", "1")?;
    session.call(7, "Example", "echo", "2")?;

    assert_eq!(session.receive()?, json!({"id": 7, "success": 1}));
    assert_eq!(session.receive()?, json!({"id": 7, "success": 2}));
    app.stop(session)
}

/// Covers: M11.
pub fn answers_may_come_in_any_order_and_from_any_thread<A: Adapter>() -> Result {
    let (keep, kept) = keeper();
    let Connected { mut session, app, .. } =
        Connected::<A>::with(|builder| builder.plugin(plugin("Slow").call("wait", keep).build()))?;
    session.init("Slow")?;
    for id in 0..10 {
        session.call(id, "Slow", "wait", &id.to_string())?;
    }
    session.assert_echoes()?;

    let calls = std::mem::take(&mut *lock(&kept));
    thread::spawn(move || {
        for call in calls.into_iter().rev() {
            let params = call.params.unwrap_or_else(Payload::empty_object);
            call.responder.success_json(params).unwrap();
        }
    });

    for id in (0..10).rev() {
        assert_eq!(session.receive()?, json!({"id": id, "success": id}));
    }
    app.stop(session)
}

/// Covers: P26.
pub fn async_methods_delay_nobody<A: Adapter>() -> Result {
    let (go, gate) = smol::channel::bounded(1);
    let slow = plugin("Async")
        .async_method("wait", move |params: Value| {
            let gate = gate.clone();
            async move {
                gate.recv().await.unwrap();
                Ok::<_, ErrorReport>(params)
            }
        })
        .async_method("fail", |_: Value| async { Err::<Value, _>(ErrorReport::new("it failed").named("Failed")) });
    let Connected { mut session, app, .. } = Connected::<A>::with(|builder| builder.plugin(slow.build()))?;
    session.init("Async")?;

    session.call(1, "Async", "wait", r#"{"a":1}"#)?;
    session.call(2, "Async", "fail", "{}")?;
    assert_eq!(session.receive()?, json!({"id": 2, "error": {"message": "it failed", "name": "Failed"}}));
    session.assert_echoes()?;
    go.send_blocking(())?;
    assert_eq!(session.receive()?, json!({"id": 1, "success": {"a": 1}}));
    app.stop(session)
}

/// Covers: P22, P24, §5 errors.
pub fn a_call_that_is_not_answered_is_answered_with_an_error<A: Adapter>() -> Result {
    let forgetful = plugin("Forgetful").call("drop", drop).call("panic", |_| panic!("as the test wants it"));
    let Connected { mut session, app, .. } = Connected::<A>::with(|builder| builder.plugin(forgetful.build()))?;
    session.init("Forgetful")?;

    session.call(1, "Forgetful", "drop", "{}")?;
    let message = "Plugin Forgetful dropped the call of drop without an answer";
    assert_eq!(session.receive()?, json!({"id": 1, "error": {"message": message, "name": "NoAnswer"}}));

    session.call(2, "Forgetful", "nope", "{}")?;
    assert_eq!(session.receive()?, json!({"id": 2, "error": {"message": "Receiver nope not found."}}));
    session.assert_echoes()?;
    app.stop(session)
}

/// Covers: I6, §5 errors.
pub fn calls_without_an_id_are_answered_only_if_they_fail<A: Adapter>() -> Result {
    let Connected { mut session, app, .. } = Connected::<A>::new()?;
    for method in ["echo", "fail"] {
        let params = json!({"api": "Example", "method": method, "params": {}});
        session.send(&json!({"method": "execute", "params": params}))?;
    }
    assert_eq!(session.receive()?, json!({"error": {"message": "This method always fails", "name": "SampleError"}}));
    session.assert_echoes()?;
    app.stop(session)
}

/// Covers: M10.
pub fn ten_thousand_calls_may_wait_for_their_answers<A: Adapter>() -> Result {
    const CALLS: u64 = 10_000;
    let (keep, kept) = keeper();
    let Connected { mut session, app, .. } =
        Connected::<A>::with(|builder| builder.plugin(plugin("Slow").call("wait", keep).build()))?;
    session.init("Slow")?;
    let mut calls = Vec::new();
    for id in 0..CALLS {
        calls.extend(frames::text(&call(id, "Slow", "wait", "{}")));
    }
    session.send_raw(&calls)?;
    session.assert_echoes()?;
    assert_eq!(lock(&kept).len() as u64, CALLS);

    for call in lock(&kept).drain(..) {
        call.responder.success(&json!({}))?;
    }

    for id in 0..CALLS {
        assert_eq!(session.receive()?, json!({"id": id, "success": {}}));
    }
    app.stop(session)
}

/// The official UI waits for ever for a falsy one, which a plugin that answers nothing must not cause.
///
/// Covers: §5 execute, §5 errors.
pub fn results_and_errors_have_the_form_that_official_desktops_know<A: Adapter>() -> Result {
    let report = ErrorReport::new("It broke").named("Broken").with_stacktrace("at here").with_hint("Mend it");
    let forms = plugin("Forms")
        .method("nothing", |_: Value| -> Result<(), String> { Ok(()) })
        .method("null", |_: Value| -> Result<Value, String> { Ok(Value::Null) })
        .method("object", |_: Value| -> Result<_, String> { Ok(json!({"a": [1, "ü"]})) })
        .method("text", |_: Value| -> Result<Value, _> { Err("It broke".to_owned()) })
        .method("report", move |_: Value| -> Result<Value, _> { Err(report.clone()) });
    let Connected { mut session, app, .. } = Connected::<A>::with(|builder| builder.plugin(forms.build()))?;
    session.init("Forms")?;
    let report = json!({"message": "It broke", "name": "Broken", "stacktrace": "at here", "hint": "Mend it"});
    for (method, answer) in [
        ("nothing", json!({"id": 1, "success": {}})),
        ("null", json!({"id": 1, "success": {}})),
        ("object", json!({"id": 1, "success": {"a": [1, "ü"]}})),
        ("text", json!({"id": 1, "error": {"message": "It broke"}})),
        ("report", json!({"id": 1, "error": report})),
    ] {
        session.call(1, "Forms", method, "{}")?;
        assert_eq!(session.receive()?, answer, "{method}");
    }
    // Without params, which desktops leave out where they have none.
    session.send(&json!({"id": 2, "method": "execute", "params": {"api": "Forms", "method": "object"}}))?;
    assert_eq!(session.receive()?, json!({"id": 2, "success": {"a": [1, "ü"]}}));
    app.stop(session)
}

/// Covers: P26, P27, §5 errors.
pub fn an_answer_that_cannot_be_sent_is_answered_with_an_error<A: Adapter>() -> Result {
    let strange = plugin("Strange")
        .method("large", |_: Value| -> Result<_, String> { Ok(vec!["x".repeat(2000)]) })
        .method("pairs", |_: Value| -> Result<_, String> { Ok(BTreeMap::from([((1, 2), "no key of an object")])) });
    let Connected { mut session, app, .. } = Connected::<A>::with(|builder| {
        builder.plugin(strange.build()).configure(|config| config.limits.message_bytes = 1000)
    })?;
    session.init("Strange")?;
    for (method, name) in [("large", "AnswerTooLarge"), ("pairs", "InvalidResult")] {
        session.call(1, "Strange", method, "{}")?;
        let answer = session.receive()?;
        assert_eq!((&answer["id"], &answer["error"]["name"]), (&json!(1), &json!(name)), "{answer}");
    }
    assert_eq!(app.handle.counters().answers_replaced, 1);
    session.assert_echoes()?;
    app.stop(session)
}

/// Covers: P22, M5.
pub fn a_session_that_ends_ends_its_calls<A: Adapter>() -> Result {
    const CALLS: u64 = 100;
    let (keep, kept) = keeper();
    let Connected { mut session, mut app, desktop, .. } =
        Connected::<A>::with(|builder| builder.plugin(plugin("Slow").call("wait", keep).build()))?;
    session.init("Slow")?;
    for id in 0..CALLS {
        session.call(id, "Slow", "wait", "{}")?;
    }
    session.assert_echoes()?;

    session.drop_tcp()?;
    app.wait_failure()?;

    let calls: Vec<_> = lock(&kept).drain(..).collect();
    assert_eq!(calls.len() as u64, CALLS);
    for call in calls {
        assert_eq!(call.responder.success(&json!({"late": true})), Err(UnknownCall));
    }
    // None of them is answered in the next session.
    let mut session = desktop.session()?;
    session.init("Example")?;
    session.assert_echoes()?;
    app.stop(session)
}

/// A handler that blocks where others would have to wait for it: whatever comes meanwhile waits, and none of it is lost.
///
/// Covers: M9.
pub fn a_handler_that_blocks_loses_nothing<A: Adapter>() -> Result {
    const CALLS: u64 = 200;
    let (go, gate) = channel();
    let (blocked, is_blocked) = channel();
    let gate = Mutex::new(gate);
    let blocks = plugin("Blocks").call("block", move |call| {
        blocked.send(()).unwrap();
        lock(&gate).recv_timeout(PATIENCE).unwrap();
        call.responder.success(&json!({"blocked": true})).unwrap();
    });
    let Connected { mut session, app, .. } = Connected::<A>::with(|builder| builder.plugin(blocks.build()))?;
    let connection = app.handle.connection("Example");
    session.assert_echoes()?;
    session.init("Blocks")?;

    session.call(1000, "Blocks", "block", "{}")?;
    is_blocked.recv_timeout(PATIENCE)?;
    for id in 0..CALLS {
        session.call(id, "Example", "echo", &id.to_string())?;
        connection.send("row", &id)?;
    }
    go.send(())?;

    let (mut answered, mut rows) = (BTreeSet::new(), 0);
    while answered.len() as u64 <= CALLS || rows < CALLS {
        let message = session.receive()?;
        if message["method"] == "execute" {
            assert_eq!(message, event("Example", "row", &json!(rows)));
            rows += 1;
        } else {
            let id = message["id"].as_u64().ok_or_else(|| format!("another message: {message}"))?;
            let result = if id == 1000 { json!({"blocked": true}) } else { json!(id) };
            assert_eq!(message, json!({"id": id, "success": result}));
            assert!(answered.insert(id), "{id} is answered twice");
        }
    }
    session.assert_echoes()?;
    app.stop(session)
}

/// Covers: P23, M9.
pub fn a_handler_that_blocks_elsewhere_delays_nobody<A: Adapter>() -> Result {
    let (go, gate) = channel();
    let gate = Mutex::new(Some(gate));
    let blocks = plugin("Blocks").call("block", move |call| {
        let gate = lock(&gate).take().unwrap();
        thread::spawn(move || {
            gate.recv_timeout(PATIENCE).unwrap();
            call.responder.success(&json!({"blocked": true})).unwrap();
        });
    });
    let Connected { mut session, app, .. } = Connected::<A>::with(|builder| builder.plugin(blocks.build()))?;
    session.init("Blocks")?;

    session.call(1, "Blocks", "block", "{}")?;
    session.assert_echoes()?;
    session.ping(b"still there?")?;
    app.handle.connection("Example").send("row", &1)?;
    assert_eq!(session.receive()?["params"]["method"], "row");

    go.send(())?;
    assert_eq!(session.receive()?, json!({"id": 1, "success": {"blocked": true}}));
    app.stop(session)
}

/// Where handlers have threads of their own, a desktop need not wait for one to know that the app is there.
///
/// Covers: P23, P26, M9.
pub fn a_handler_that_blocks_delays_no_pong<A: Adapter>() -> Result {
    let (go, gate) = channel();
    let (blocked, is_blocked) = channel();
    let gate = Mutex::new(gate);
    let blocks = plugin("Blocks").call("block", move |call| {
        blocked.send(()).unwrap();
        lock(&gate).recv_timeout(PATIENCE).unwrap();
        call.responder.success(&json!({"blocked": true})).unwrap();
    });
    let Connected { mut session, app, .. } = Connected::<A>::with(|builder| builder.plugin(blocks.build()))?;
    session.assert_echoes()?;
    session.init("Blocks")?;
    session.call(1, "Blocks", "block", "{}")?;
    is_blocked.recv_timeout(PATIENCE)?;

    for payload in [&b"still there?"[..], b"and now?"] {
        session.ping(payload)?;
    }
    // Neither does what needs no handler wait, nor what is sent from elsewhere.
    session.assert_answers()?;
    app.handle.connection("Example").send("row", &1)?;
    assert_eq!(session.receive()?["params"]["method"], "row");

    go.send(())?;
    assert_eq!(session.receive()?, json!({"id": 1, "success": {"blocked": true}}));
    app.stop(session)
}
