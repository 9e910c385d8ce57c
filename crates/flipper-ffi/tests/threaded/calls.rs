//! Calls and their answers.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use flipper_conformance::{PATIENCE, Result};
use flipper_ffi::*;
use serde_json::json;

use crate::rig::{Call, LONG, Place, Plugin, end, read};

/// A plugin that keeps its calls for the test.
fn keeper() -> (Plugin, Receiver<Call>) {
    let (keeps, kept) = channel();
    let on_call = Box::new(move |call| keeps.send(call).unwrap());
    (Plugin { on_call, ..Plugin::default() }, kept)
}

#[test]
fn the_desktop_calls_and_is_answered() -> Result {
    let place = Place::new()?;
    let (plugin, kept) = keeper();
    let (app, mut session) =
        place.connect("Mine", Plugin { has_method: Box::new(|method| method != "no"), ..plugin })?;

    session.call(1, "Mine", "first", r#"{"n":1.50}"#)?;
    let call = kept.recv_timeout(PATIENCE)?;
    // SAFETY: it was not freed.
    let (plugin, expects_reply) = unsafe { (flipper_call_plugin(call.0), flipper_call_expects_reply(call.0)) };
    assert_eq!((read(plugin), call.method(), call.params()), (Some("Mine"), "first", Some(r#"{"n":1.50}"#)));
    assert_eq!(expects_reply, 1);
    assert_eq!(call.respond(r#"{"n":1.50}"#), FlipperResult::Ok);
    assert_eq!(session.receive_text()?, r#"{"id":1,"success":{"n":1.50}}"#);

    for id in 2..6 {
        session.send(&json!({"id": id, "method": "execute", "params": {"api": "Mine", "method": "m"}}))?;
        let call = kept.recv_timeout(PATIENCE)?;
        assert_eq!(call.params(), None);
        let result = match id {
            2 => call.respond(""),
            // SAFETY: NULL stands for an empty object.
            3 => unsafe { flipper_call_respond(call.0, std::ptr::null(), 0) },
            4 => call.respond_error(r#"{"message":"no","code":7}"#),
            _ => call.fail("no", "Never"),
        };
        assert_eq!(result, if id == 2 { FlipperResult::InvalidJson } else { FlipperResult::Ok });
        drop(call);
        let answer = session.receive()?;
        match id {
            2 => assert_eq!(answer["error"]["name"], "NoAnswer", "it was dropped"),
            3 => assert_eq!(answer["success"], json!({})),
            4 => assert_eq!(answer["error"], json!({"message": "no", "code": 7})),
            _ => assert_eq!(answer["error"], json!({"message": "no", "name": "Never"})),
        }
    }

    session.call(6, "Mine", "no", "{}")?;
    assert!(session.receive()?["error"]["message"].as_str().unwrap().contains("Receiver no not found"));
    session.send(&json!({"id": 7, "method": "isMethodSupported", "params": {"api": "Mine", "method": "no"}}))?;
    assert_eq!(session.receive()?["success"], json!({"isSupported": false}));
    session.send(&json!({"method": "execute", "params": {"api": "Mine", "method": "tell"}}))?;
    let call = kept.recv_timeout(PATIENCE)?;
    // SAFETY: it was not freed.
    assert_eq!(unsafe { flipper_call_expects_reply(call.0) }, 0);
    end(app, session)
}

#[test]
fn a_call_is_answered_once_whoever_tries() -> Result {
    let place = Place::new()?;
    let (plugin, kept) = keeper();
    let (app, mut session) = place.connect("Mine", plugin)?;
    session.call(1, "Mine", "m", "{}")?;
    let call = Arc::new(kept.recv_timeout(PATIENCE)?);
    assert_eq!(call.respond("no JSON"), FlipperResult::InvalidJson);
    assert_eq!(call.respond_error("\u{1}"), FlipperResult::InvalidJson);

    let answers = [0, 1, 2, 3].map(|number| {
        let call = Arc::clone(&call);
        thread::spawn(move || call.respond(&format!("[{number}]")))
    });
    let answers = answers.map(|answer| answer.join().unwrap());

    assert_eq!(answers.iter().filter(|result| **result == FlipperResult::Ok).count(), 1);
    assert_eq!(answers.iter().filter(|result| **result == FlipperResult::UnknownCall).count(), 3);
    assert!(session.receive()?["success"][0].is_number());
    assert_eq!(call.respond("[]"), FlipperResult::UnknownCall);
    assert_eq!(call.fail("late", ""), FlipperResult::UnknownCall);
    session.assert_answers()?;
    end(app, session)
}

#[test]
fn an_answer_may_come_when_nobody_waits_any_more() -> Result {
    let place = Place::new()?;
    let (plugin, kept) = keeper();
    let (app, mut session) = place.connect("Mine", plugin)?;
    for id in 0..4 {
        session.call(id, "Mine", "m", r#""still here""#)?;
    }
    let next = || kept.recv_timeout(PATIENCE);
    let (removed, ended, freed, late) = (next()?, next()?, next()?, next()?);

    // Its plugin was removed: the desktop was told so.
    assert_eq!(app.remove("Mine"), FlipperResult::Ok);
    assert_eq!(removed.respond("1"), FlipperResult::UnknownCall);
    // Its session has ended.
    session.drop_tcp()?;
    let mut session = place.desktop.session()?;
    session.assert_answers()?;
    assert_eq!(ended.respond("1"), FlipperResult::UnknownCall);
    // Its app was freed, while somebody answers from elsewhere.
    app.stop();
    assert_eq!(session.wait_closed()?, 1000);
    assert_eq!(app.wait_stopped(LONG), FlipperResult::Ok);
    app.free();
    assert_eq!(thread::spawn(move || freed.fail("too late", "")).join().unwrap(), FlipperResult::UnknownCall);
    assert_eq!((late.method(), late.params()), ("m", Some(r#""still here""#)));
    Ok(())
}
