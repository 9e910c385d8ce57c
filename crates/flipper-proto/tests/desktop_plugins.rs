//! Plugins that are initialised, removed and added while answers about them are on their way.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that fails panics")]

mod desk;

use flipper_proto::desktop::{Event, Timer};
use flipper_proto::{ConnId, PluginId, ProtocolError};

use self::desk::{Desk, id, plugins};

const INIT_P: &str = r#"{"method":"init","params":{"plugin":"P"}}"#;

fn initialised(desk: &Desk) -> Vec<&str> {
    desk.desktop.client(&id("A")).unwrap().initialised.iter().map(PluginId::as_str).collect()
}

/// The client says that its plugins are others, and is asked which.
fn refresh(desk: &mut Desk, conn: ConnId, question: u64) {
    desk.message(conn, r#"{"method":"refreshPlugins"}"#);
    assert_eq!(desk.sent(conn), [format!(r#"{{"id":{question},"method":"getPlugins"}}"#)]);
}

/// The client answers both questions, the first of which has this id.
fn answer(desk: &mut Desk, conn: ConnId, question: u64, names: &[&str]) {
    desk.message(conn, &format!(r#"{{"id":{question},"success":{{"plugins":{names:?}}}}}"#));
    assert_eq!(desk.sent(conn), [format!(r#"{{"id":{},"method":"getBackgroundPlugins"}}"#, question + 1)]);
    desk.message(conn, &format!(r#"{{"id":{},"success":{{"plugins":[]}}}}"#, question + 1));
    let event = Event::PluginsChanged { client: id("A"), plugins: plugins(names), background: vec![] };
    assert_eq!(desk.event(), event);
}

/// The client cannot have looked at an `init` when it answers a question that was asked before.
#[test]
fn an_answer_says_nothing_about_what_was_initialised_after_the_question() {
    let mut desk = Desk::new();
    let conn = desk.client("A", &["Q"]);
    refresh(&mut desk, conn, 2);
    desk.init("A", "P");
    assert_eq!(desk.sent(conn), [INIT_P]);

    answer(&mut desk, conn, 2, &["Q"]);
    assert_eq!(initialised(&desk), ["P"]);

    // The next answer does say something. Whether the client had the plugin in time is not known.
    refresh(&mut desk, conn, 4);
    answer(&mut desk, conn, 4, &["P", "Q"]);
    assert_eq!(desk.sent(conn), [INIT_P]);
    assert_eq!(initialised(&desk), ["P"]);

    refresh(&mut desk, conn, 6);
    answer(&mut desk, conn, 6, &["P", "Q"]);
    assert_eq!(initialised(&desk), ["P"]);
    refresh(&mut desk, conn, 8);
    answer(&mut desk, conn, 8, &["Q"]);
    assert!(initialised(&desk).is_empty());
}

/// A client answers a question as often as it was asked, and may tell only the last time that a plugin went.
#[test]
fn a_late_answer_tells_of_a_plugin_that_went() {
    let mut desk = Desk::new();
    let conn = desk.client("A", &["P", "Q"]);
    desk.init("A", "P");
    assert_eq!(desk.sent(conn), [INIT_P]);
    refresh(&mut desk, conn, 2);
    assert_eq!(desk.advance_to_timer(), Timer::Registration);
    assert_eq!(desk.sent(conn), [r#"{"id":3,"method":"getPlugins"}"#]);

    desk.message(conn, r#"{"id":2,"success":{"plugins":["P","Q"]}}"#);
    assert_eq!(desk.sent(conn), [r#"{"id":4,"method":"getBackgroundPlugins"}"#]);
    desk.message(conn, r#"{"id":3,"success":{"plugins":["Q"]}}"#);
    let gone = Event::PluginsChanged { client: id("A"), plugins: plugins(&["Q"]), background: vec![] };
    assert_eq!(desk.event(), gone);
    assert!(initialised(&desk).is_empty());
    desk.message(conn, r#"{"id":4,"success":{"plugins":["Q"]}}"#);
    let gone = Event::PluginsChanged { client: id("A"), plugins: plugins(&["Q"]), background: plugins(&["Q"]) };
    assert_eq!(desk.event(), gone);

    // It is back, and is not what it was.
    refresh(&mut desk, conn, 5);
    answer(&mut desk, conn, 5, &["P", "Q"]);
    assert!(initialised(&desk).is_empty());
    assert_eq!(desk.desktop.counters().late_replies, 1);
}

/// A client that takes half a minute for an answer is asked again when it has given one.
#[test]
fn a_question_that_was_given_up_is_asked_again_once_it_is_answered() {
    let mut desk = Desk::new();
    let conn = desk.connect("A");
    desk.message(conn, r#"{"id":0,"success":{"plugins":["P"]}}"#);
    let mut asked = desk.sent(conn);
    loop {
        assert_eq!(desk.advance_to_timer(), Timer::Registration);
        // It is there; only its answer is not.
        desk.alive(conn);
        let again = desk.sent(conn);
        if again.is_empty() {
            break;
        }
        asked.extend(again);
    }
    assert_eq!(asked.len(), 6, "{asked:?}");
    let error = ProtocolError::Unanswered("getBackgroundPlugins");
    let nobody_in_the_background =
        Event::PluginsChanged { client: id("A"), plugins: plugins(&["P"]), background: vec![] };
    let expected = [Event::PeerMisbehaved { conn, client: Some(id("A")), error }, nobody_in_the_background];
    assert_eq!(desk.events(), expected);

    desk.message(conn, r#"{"id":3,"success":{"plugins":["P"]}}"#);
    assert_eq!(desk.sent(conn), [r#"{"id":7,"method":"getPlugins"}"#]);
    // Once is enough.
    desk.message(conn, r#"{"id":4,"success":{"plugins":["P"]}}"#);
    assert!(desk.sent(conn).is_empty());
    desk.message(conn, r#"{"id":7,"success":{"plugins":["P"]}}"#);
    desk.actions();
    desk.message(conn, r#"{"id":8,"success":{"plugins":["P"]}}"#);
    let all = Event::PluginsChanged { client: id("A"), plugins: plugins(&["P"]), background: plugins(&["P"]) };
    assert_eq!(desk.event(), all);
}

#[test]
fn a_late_answer_that_tells_nothing_new_changes_nothing() {
    let mut desk = Desk::new();
    let conn = desk.client("A", &["P"]);
    desk.init("A", "P");
    desk.actions();
    refresh(&mut desk, conn, 2);
    assert_eq!(desk.advance_to_timer(), Timer::Registration);
    desk.actions();
    desk.message(conn, r#"{"id":3,"success":{"plugins":["P"]}}"#);
    desk.message(conn, r#"{"id":2,"success":{"plugins":["P","R"]}}"#);
    desk.message(conn, r#"{"id":4,"success":{"plugins":[]}}"#);
    let event = Event::PluginsChanged { client: id("A"), plugins: plugins(&["P"]), background: vec![] };
    assert_eq!(desk.event(), event);
    assert_eq!(initialised(&desk), ["P"]);
    desk.actions();
    // A third answer is one too many.
    desk.message(conn, r#"{"id":2,"success":{"plugins":[]}}"#);
    assert_eq!(initialised(&desk), ["P"]);
    assert_eq!(desk.desktop.counters().late_replies, 2);
}
