//! An app with everything that this project offers to apps. `cargo xtask check` builds it with and without the feature
//! `enabled`, and looks for what is left of the project in the program; for that it must not say the project's name.

use flipper_tokio::{AsyncMethods as _, Connection, plugin, proto::ErrorReport};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let app = flipper_tokio::init("Switched off");
    if let Err(error) = app.add_plugin(own_plugin("Own").build()) {
        eprintln!("no plugin: {error}");
    }
    let connection: Connection = app.connection("Own");
    if let Err(error) = connection.send("event", &["params"]) {
        eprintln!("no event: {error}");
    }
    println!("{}", if app.status().is_connected() { "seen" } else { "unseen" });
    app.stop().await;
}

/// A plugin of the app's own.
fn own_plugin(id: &str) -> flipper_tokio::PluginBuilder {
    plugin(id)
        .background()
        .on_connect(|connection| {
            if connection.send("hello", &["world"]).is_err() {
                eprintln!("the hello did not go");
            }
        })
        .method("greet", |name: String| -> Result<_, ErrorReport> { Ok([name]) })
        .async_method("later", async |name: String| Ok::<_, String>([name]))
}
