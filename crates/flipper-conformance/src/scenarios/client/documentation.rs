//! The tests that the official documentation asks of every client, under the names that it gives them.

#![expect(non_snake_case, reason = "the documentation names them so")]

use flipper_client::plugin;
use serde_json::{Value, json};

use crate::suite::Connected;
use crate::{Adapter, Handle as _, Result};

/// An app with the plugin `test`, which has the method `reverse`, and its session.
fn started<A: Adapter>() -> Result<Connected<A>> {
    let test = plugin("test").method("reverse", |params: Value| -> Result<_, String> {
        let word = params["word"].as_str().ok_or("there is no word")?;
        Ok(json!({"word": word.chars().rev().collect::<String>()}))
    });
    let mut connected = Connected::without_plugins(|builder| builder.plugin(test.build()))?;
    connected.app.wait_connected()?;
    Ok(connected)
}

/// `init` or `deinit`, with an id as the documentation has it.
fn set(method: &str) -> Value {
    json!({"id": 1, "method": method, "params": {"plugin": "test"}})
}

/// Covers: GetPlugins, §5 getPlugins.
pub fn GetPlugins<A: Adapter>() -> Result {
    let Connected { mut session, app, .. } = started::<A>()?;

    session.send_text(r#"{"id":1,"method":"getPlugins"}"#)?;

    assert_eq!(session.receive_text()?, r#"{"id":1,"success":{"plugins":["test"]}}"#);
    app.stop(session)
}

/// Covers: InitDeinit, §5 init, §5 deinit.
pub fn InitDeinit<A: Adapter>() -> Result {
    let Connected { mut session, app, .. } = started::<A>()?;
    let test = app.handle.connection("test");
    assert!(!test.is_connected());

    session.send(&set("init"))?;
    session.assert_answers()?;
    assert!(test.is_connected());

    session.send(&set("deinit"))?;
    session.assert_answers()?;
    assert!(!test.is_connected());
    app.stop(session)
}

/// Covers: Disconnect.
pub fn Disconnect<A: Adapter>() -> Result {
    let Connected { mut session, mut app, desktop, .. } = started::<A>()?;
    let test = app.handle.connection("test");
    assert!(!test.is_connected());

    session.send(&set("init"))?;
    session.assert_answers()?;
    assert!(test.is_connected());

    session.drop_tcp()?;
    app.wait_failure()?;
    assert!(!test.is_connected());
    let session = desktop.session()?;
    app.stop(session)
}

/// Covers: Execute, §5 execute.
pub fn Execute<A: Adapter>() -> Result {
    let Connected { mut session, app, .. } = started::<A>()?;
    session.send(&set("init"))?;

    let params = r#"{"api":"test","method":"reverse","params":{"word":"hello"}}"#;
    session.send_text(&format!(r#"{{"id":1,"method":"execute","params":{params}}}"#))?;

    assert_eq!(session.receive_text()?, r#"{"id":1,"success":{"word":"olleh"}}"#);
    app.stop(session)
}
