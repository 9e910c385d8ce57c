//! The tests that the documentation asks of every new client.

use serde_json::json;

use crate::check::client::Entry;
use crate::check::client::session::{PLUGIN, Session, call, plugins};
use crate::check::client::under_test::ClientUnderTest;
use crate::check::outcome::{Verdict, excerpt, expect};

pub(super) const ENTRIES: &[Entry] = &[
    Entry::session(
        "documentation/GetPlugins",
        "getPlugins is answered with the names of all plugins, `test` among them",
        "client docs, test GetPlugins",
        get_plugins,
    ),
    Entry::session(
        "documentation/InitDeinit",
        "init connects the plugin `test`, deinit disconnects it",
        "client docs, test InitDeinit",
        init_deinit,
    ),
    Entry::session(
        "documentation/Execute",
        "execute calls `reverse` of the plugin `test`, which answers the word reversed",
        "client docs, test Execute",
        execute,
    ),
    Entry::life(
        "documentation/Disconnect",
        "a lost connection disconnects the plugin `test`: in the next session it is not connected",
        "client docs, test Disconnect",
        disconnect,
    ),
];

fn get_plugins(session: &mut Session) -> Verdict {
    let answer = session.ask("getPlugins", None)?;
    let names = plugins(&answer)?;
    expect(names.iter().any(|name| name == PLUGIN), format!("a plugin {PLUGIN}"), excerpt(&answer.text))
}

fn init_deinit(session: &mut Session) -> Verdict {
    is_connected(session, false)?;
    session.init()?;
    is_connected(session, true)?;
    session.deinit()?;
    is_connected(session, false)
}

fn execute(session: &mut Session) -> Verdict {
    session.init()?;
    let answer = session.execute("reverse", json!({"word": "hello"}))?;
    answer.expect_success(&json!({"word": "olleh"}))
}

fn disconnect(cx: &mut ClientUnderTest) -> Verdict {
    let mut session = cx.session()?;
    session.init()?;
    is_connected(&mut session, true)?;
    session.talk.drop_connection();
    let mut session = cx.next_session()?;
    is_connected(&mut session, false)?;
    cx.keep(session);
    Ok(())
}

/// Whether the plugin is connected shows in whether it can be called.
fn is_connected(session: &mut Session, expected: bool) -> Verdict {
    let answer = session.ask("execute", Some(call("reverse", json!({"word": "hello"}))))?;
    let expected_text = if expected { "the plugin is connected" } else { "the plugin is not connected" };
    expect(answer.result.is_ok() == expected, expected_text, excerpt(&answer.text))
}
