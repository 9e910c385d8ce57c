//! Real apps and real desktops: what holds between any two of them.

mod connecting;
mod talking;

use std::path::Path;
use std::time::Duration;

use flipper_client::Builder;
use flipper_demo::{Ticker, example};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::desktops::{Answer, Desktop};
use crate::suite::App;
use crate::{Adapter, Handle as _, Result};

macro_rules! publish {
    ({} $($topic:ident: { $($scenario:ident)* })*) => {
        $(pub use self::$topic::{$($scenario),*};)*
    };
}
crate::matrix_scenarios! { publish {} }

/// The name of most apps here.
const APP: &str = "Matrix App";

/// An app with the plugins `Example` and `Ticker`, both in the background, connected to a desktop that has initialised
/// neither.
struct Connected<A: Adapter, D: Desktop> {
    desktop: D,
    app: App<A>,
    client: String,
    dir: TempDir,
}

impl<A: Adapter, D: Desktop> Connected<A, D> {
    fn new() -> Result<Option<Self>> {
        let Some(desktop) = D::start()? else { return Ok(None) };
        let dir = TempDir::new()?;
        let mut app = launch::<A, D>(&desktop, APP, dir.path())?;
        app.wait_connected()?;
        let client = desktop.wait_for_client(APP)?;
        Ok(Some(Self { desktop, app, client, dir }))
    }

    fn call(&self, method: &str, params: Value) -> Result<Answer> {
        self.desktop.call(&self.client, "Example", method, &params)
    }

    /// Stops the app, and sees that the desktop notices.
    fn end(self) -> Result {
        self.app.handle.stop();
        self.desktop.wait_for_client_gone(&self.client)
    }
}

/// Starts an app with nothing set but what a test needs.
fn launch<A: Adapter, D: Desktop>(desktop: &D, name: &str, directory: &Path) -> Result<App<A>> {
    launch_with(desktop, name, directory, |builder| builder.plugin(example()).plugin(Ticker::default()))
}

fn launch_with<A: Adapter, D: Desktop>(
    desktop: &D,
    name: &str,
    directory: &Path,
    change: impl FnOnce(Builder<A::Launch>) -> Builder<A::Launch>,
) -> Result<App<A>> {
    let (insecure, secure) = desktop.ports();
    let builder = Builder::new(name, "com.example.matrix").ports(insecure, secure).directory(directory);
    // Waits are as they are everywhere, only shorter: no test is about how long they are.
    App::launch(change(builder.configure(|config| config.backoff.ceiling = Duration::from_millis(500))))
}

fn not_connected(method: &str) -> Value {
    json!({"message": format!("Connection Example not found for method {method}"), "name": "ConnectionNotFound"})
}
