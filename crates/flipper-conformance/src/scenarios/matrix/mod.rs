//! Real apps and real desktops: what holds between any two of them.

mod connecting;
mod talking;

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Result;
use crate::apps::{App, Part, Settings};
use crate::desktops::{Answer, Desktop};

macro_rules! publish {
    ({} $($topic:ident: { $($scenario:ident)* })*) => {
        $(pub use self::$topic::{$($scenario),*};)*
    };
}
crate::matrix_scenarios! { publish {} }

/// The name of most apps here.
const APP: &str = "Matrix App";

/// What most apps here have.
const PARTS: [Part<'static>; 2] = [Part::Example, Part::Ticker];

/// An app with the plugins `Example` and `Ticker`, both in the background, connected to a desktop that has initialised
/// neither.
struct Connected<A: App, D: Desktop> {
    desktop: D,
    app: A,
    client: String,
    dir: TempDir,
}

impl<A: App, D: Desktop> Connected<A, D> {
    fn new() -> Result<Option<Self>> {
        let Some(desktop) = D::start()? else { return Ok(None) };
        let dir = TempDir::new()?;
        let mut app: A = launch(&desktop, APP, dir.path(), &PARTS)?;
        app.wait_connected()?;
        let client = desktop.wait_for_client(APP)?;
        Ok(Some(Self { desktop, app, client, dir }))
    }

    fn call(&self, method: &str, params: Value) -> Result<Answer> {
        self.desktop.call(&self.client, "Example", method, &params)
    }

    /// Stops the app, and sees that the desktop notices.
    fn end(self) -> Result {
        self.app.stop()?;
        self.desktop.wait_for_client_gone(&self.client)
    }
}

fn launch<A: App>(desktop: &impl Desktop, name: &str, directory: &Path, parts: &[Part<'_>]) -> Result<A> {
    A::launch(&Settings { name, ports: desktop.ports(), directory }, parts)
}

/// How often an app has needed certificates.
fn exchanges(app: &impl App) -> usize {
    app.steps().iter().filter(|step| step.starts_with("certificate exchange needed")).count()
}

fn not_connected(method: &str) -> Value {
    json!({"message": format!("Connection Example not found for method {method}"), "name": "ConnectionNotFound"})
}
