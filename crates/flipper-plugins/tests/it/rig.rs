//! An app with one plugin, in a session with a scripted desktop.

use flipper_blocking::{Builder, Flipper, Plugin, plugin};
use flipper_conformance::Result;
use flipper_conformance::adapters::BlockingAdapter;
use flipper_conformance::scripted::{Desktop, Session};
use flipper_conformance::suite;
use serde_json::Value;
use tempfile::TempDir;

/// An app that has its credentials, and the desktop that it looks for.
pub(crate) struct Rig {
    pub(crate) flipper: Flipper,
    pub(crate) desktop: Desktop,
    pub(crate) dir: TempDir,
}

impl Rig {
    /// Starts an app with this plugin.
    pub(crate) fn new(plugin: impl Plugin) -> Result<Self> {
        Self::with(|builder| builder.plugin(plugin))
    }

    /// Starts an app with what `change` adds.
    pub(crate) fn with(change: impl FnOnce(Builder) -> Builder) -> Result<Self> {
        let desktop = Desktop::new()?;
        let dir = TempDir::new()?;
        desktop.provision(dir.path())?;
        let still = plugin("Still").method("here", |(): ()| Ok::<_, String>([true])).build();
        let flipper = change(suite::builder::<BlockingAdapter>(&desktop, dir.path())).plugin(still).start()?;
        Ok(Self { flipper, desktop, dir })
    }

    /// The next session, with `plugin` initialised.
    pub(crate) fn session(&self, plugin: &str) -> Result<Session> {
        let mut session = self.desktop.session()?;
        session.init("Still")?;
        session.init(plugin)?;
        Ok(session)
    }
}

/// Waits until the plugins have been told whatever the desktop did before, and have sent nothing meanwhile.
pub(crate) fn settle(session: &mut Session) -> Result {
    let answer = call(session, "Still", "here", "null")?;
    if answer["success"][0] == true { Ok(()) } else { Err(format!("it is not here: {answer}").into()) }
}

/// The next message, which is an event of this method; gives its params.
pub(crate) fn event(session: &mut Session, method: &str) -> Result<Value> {
    let mut message = session.receive()?;
    if message["method"] == "execute" && message["params"]["method"] == method && message.get("id").is_none() {
        Ok(message["params"]["params"].take())
    } else {
        Err(format!("an event {method} was expected, not {message}").into())
    }
}

/// Calls a method, and gives the whole answer, which is the next message.
pub(crate) fn call(session: &mut Session, plugin: &str, method: &str, params: &str) -> Result<Value> {
    session.call(7, plugin, method, params)?;
    let answer = session.receive()?;
    if answer["id"] == 7 { Ok(answer) } else { Err(format!("an answer was expected, not {answer}").into()) }
}
