//! Messages that are odd or broken: the session survives all of them.

use serde_json::json;

use crate::check::client::Entry;
use crate::check::client::session::{PLUGIN, Session, call};
use crate::check::outcome::{Stop, Verdict, excerpt, expect};

pub(super) const ENTRIES: &[Entry] = &[
    Entry::session(
        "messages/garbage",
        "text that is no JSON does not end the session",
        "flipper#3118; this project",
        |session| survives(session, &["no JSON at all", "{\"id\":", "{]", "\u{0}"]),
    ),
    Entry::session("messages/empty", "an empty text does not end the session", "this project", |session| {
        survives(session, &[""])
    }),
    Entry::session(
        "messages/no-object",
        "JSON that is no object does not end the session",
        "this project",
        |session| survives(session, &["null", "true", "5", "\"text\"", "[]", "[{\"id\":1}]"]),
    ),
    Entry::session(
        "messages/answer-to-nothing",
        "an answer to nothing does not end the session, whether or not it is answered with an error",
        "this project",
        answer_to_nothing,
    ),
    Entry::session(
        "messages/params-of-wrong-type",
        "requests with params of the wrong type do not end the session; what has an id is answered with an error",
        "this project",
        params_of_wrong_type,
    ),
    Entry::session(
        "messages/execute-without-params",
        "execute without any params does not end the session, and is answered with an error",
        "desktop, ServerWebSocket (T129428800)",
        execute_without_params,
    ),
    Entry::session(
        "messages/unknown-fields",
        "fields that mean nothing are ignored",
        "C++ client; desktop",
        unknown_fields,
    ),
    Entry::session("messages/white-space", "white space between the tokens changes nothing", "RFC 8259", white_space),
    Entry::session(
        "messages/fragmented",
        "a message may come in several WebSocket frames",
        "RFC 6455, section 5.4",
        fragmented,
    ),
    Entry::session(
        "messages/binary",
        "a binary message does not end the session, be it JSON or not",
        "desktop takes both; this project",
        binary,
    ),
    Entry::session(
        "messages/ping",
        "a ping is answered with a pong of the same content",
        "RFC 6455, section 5.5.2",
        ping,
    ),
    Entry::session(
        "messages/ping-while-a-call-waits",
        "a ping is answered while a method takes its time",
        "RFC 6455, section 5.5.2; this project",
        ping_while_a_call_waits,
    ),
];

fn survives(session: &mut Session, texts: &[&str]) -> Verdict {
    for text in texts {
        session.send(text)?;
        session.goes_on().map_err(|stop| match stop {
            Stop::Failed(mut finding) => {
                finding.came = format!("after {text:?}: {}", finding.came);
                Stop::Failed(finding)
            }
            Stop::Skipped(reason) => Stop::Skipped(reason),
        })?;
    }
    Ok(())
}

fn answer_to_nothing(session: &mut Session) -> Verdict {
    let id = 1_000_000;
    for answer in [json!({"id": id, "success": {}}), json!({"id": id, "error": {"message": "no"}}), json!({})] {
        session.expect_answer(id);
        survives(session, &[&answer.to_string()])?;
    }
    Ok(())
}

fn params_of_wrong_type(session: &mut Session) -> Verdict {
    session.init()?;
    for params in
        [json!(5), json!([]), json!("test"), json!({}), json!({"api": PLUGIN}), json!({"api": 5, "method": {}})]
    {
        let answer = session.ask("execute", Some(params))?;
        expect(answer.result.is_err(), "an error", excerpt(&answer.text))?;
    }
    session.goes_on()
}

fn execute_without_params(session: &mut Session) -> Verdict {
    session.init()?;
    let answer = session.ask("execute", None)?;
    expect(answer.result.is_err(), "an error", excerpt(&answer.text))?;
    session.goes_on()
}

fn unknown_fields(session: &mut Session) -> Verdict {
    session.init()?;
    let mut params = call("reverse", json!({"word": "hello", "also": [1]}));
    params["unknown"] = json!({"id": 3, "method": "init"});
    let id = 1_000_003;
    session.expect_answer(id);
    let message = json!({"jsonrpc": "2.0", "trace": null, "id": id, "method": "execute", "params": params});
    session.send(&message.to_string())?;
    session.answer(id)?.expect_success(&json!({"word": "olleh"}))
}

fn white_space(session: &mut Session) -> Verdict {
    session.init()?;
    let id = 1_000_004;
    session.expect_answer(id);
    session.send(&format!(
        "\r\n\t {{ \"params\" : {{ \"params\" : {{ \"word\" : \"hello\" }} ,\n \"method\" : \"reverse\" , \"api\" : \"{PLUGIN}\" }} ,\
         \"method\" : \"execute\" , \"id\" : {id} }} \n"
    ))?;
    session.answer(id)?.expect_success(&json!({"word": "olleh"}))
}

fn fragmented(session: &mut Session) -> Verdict {
    session.init()?;
    let id = 1_000_005;
    session.expect_answer(id);
    let message = json!({"id": id, "method": "execute", "params": call("reverse", json!({"word": "grün"}))});
    // Of three bytes: the two of `ü` come in different frames somewhere.
    let sent = session.talk.send_in_pieces(&message.to_string(), 3);
    sent.map_err(|end| Stop::failed("the session goes on", end.to_string()))?;
    session.answer(id)?.expect_success(&json!({"word": "nürg"}))
}

fn binary(session: &mut Session) -> Verdict {
    let id = 1_000_006;
    // Whether it is understood is left to the client.
    session.expect_answer(id);
    let json = json!({"id": id, "method": "getPlugins"}).to_string();
    for bytes in [json.as_bytes(), &[0xFF, 0xFE, 0, 1]] {
        let sent = session.talk.send_binary(bytes);
        sent.map_err(|end| Stop::failed("the session goes on", end.to_string()))?;
        session.goes_on()?;
    }
    Ok(())
}

fn ping(session: &mut Session) -> Verdict {
    for payload in [b"".as_slice(), b"conformance"] {
        answers_ping(session, payload)?;
    }
    Ok(())
}

fn answers_ping(session: &mut Session, payload: &[u8]) -> Verdict {
    session.talk.ping(payload).map_err(|end| Stop::failed("the session goes on", end.to_string()))?;
    let pong = session.pong()?;
    expect(pong == payload, format!("a pong with {payload:?}"), format!("{pong:?}"))
}

fn ping_while_a_call_waits(session: &mut Session) -> Verdict {
    session.needs(&["hold", "release"])?;
    let held = session.start("execute", Some(call("hold", json!({}))))?;
    answers_ping(session, b"meanwhile")?;
    session.success("release", json!({}))?;
    session.answer(held).map(drop)
}
