//! The tests that the official documentation asks of every client, under the names that it gives them.

mod rig;

use flipper_proto::client::Event;
use flipper_proto::{AttemptId, CloseCause};

use self::rig::{Rig, config};

fn started() -> (Rig, AttemptId) {
    Rig::connected(config(), &["test"])
}

#[test]
#[expect(non_snake_case, reason = "the documentation names it so")]
fn GetPlugins() {
    let (mut rig, attempt) = started();

    rig.message(attempt, r#"{"id":1,"method":"getPlugins"}"#);

    assert_eq!(rig.sent(), [r#"{"id":1,"success":{"plugins":["test"]}}"#]);
    rig.assert_quiet();
}

#[test]
#[expect(non_snake_case, reason = "the documentation names it so")]
fn InitDeinit() {
    let (mut rig, attempt) = started();
    assert!(!rig.client.is_plugin_connected("test"));

    rig.message(attempt, r#"{"id":1,"method":"init","params":{"plugin":"test"}}"#);
    assert!(rig.client.is_plugin_connected("test"));
    assert_eq!(rig.events(), [Event::PluginConnected("test".into())]);

    rig.message(attempt, r#"{"id":1,"method":"deinit","params":{"plugin":"test"}}"#);
    assert!(!rig.client.is_plugin_connected("test"));
    assert_eq!(rig.events(), [Event::PluginDisconnected("test".into())]);
    rig.assert_quiet();
}

#[test]
#[expect(non_snake_case, reason = "the documentation names it so")]
fn Disconnect() {
    let (mut rig, attempt) = started();
    assert!(!rig.client.is_plugin_connected("test"));

    rig.message(attempt, r#"{"id":1,"method":"init","params":{"plugin":"test"}}"#);
    assert!(rig.client.is_plugin_connected("test"));
    assert_eq!(rig.events(), [Event::PluginConnected("test".into())]);

    rig.closed(attempt, CloseCause::Eof);
    assert!(!rig.client.is_plugin_connected("test"));
    assert_eq!(rig.events().first(), Some(&Event::PluginDisconnected("test".into())));
    rig.assert_quiet();
}

#[test]
#[expect(non_snake_case, reason = "the documentation names it so")]
fn Execute() {
    let (mut rig, attempt) = started();
    rig.message(attempt, r#"{"id":1,"method":"init","params":{"plugin":"test"}}"#);
    rig.events();

    let request = r#"{"id":1,"method":"execute","params":{"api":"test","method":"reverse","params":{"word":"hello"}}}"#;
    rig.message(attempt, request);
    let events = rig.events();
    let [Event::Call { call, plugin, method, params: Some(params), expects_reply: true }] = events.as_slice() else {
        panic!("expected one call, not {events:?}");
    };
    assert_eq!((plugin.as_str(), method.as_str()), ("test", "reverse"));
    let params: serde_json::Value = params.parse().unwrap();
    let reversed: String = params["word"].as_str().unwrap().chars().rev().collect();
    rig.respond(*call, &format!(r#"{{"word":"{reversed}"}}"#));

    assert_eq!(rig.sent(), [r#"{"id":1,"success":{"word":"olleh"}}"#]);
    rig.assert_quiet();
}
