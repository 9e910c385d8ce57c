//! The official Example plugin, and methods that tests and benchmarks call.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use flipper_client::proto::{ErrorReport, Payload};
use flipper_client::{Call, Connection, Plugin, plugin};
use serde::{Deserialize, Serialize};

/// The plugin `Example`.
///
/// The official desktop shows it: its `displayMessage` takes `{"message": s}` and answers `{"greeting": s}`. The other
/// methods are this project's own:
///
/// - `echo` answers its params verbatim;
/// - `reverse` takes `{"word": s}` and answers `{"word": s reversed by characters}`;
/// - `emit` takes `{"count": n, "size": bytes}`, sends that many events `row`, each `{"index": i, "data": s}` with `size`
///   bytes of `data`, and answers when they are queued;
/// - `fail` answers an error, and `panic` panics.
#[must_use]
pub fn example() -> impl Plugin {
    let connection = Arc::new(Mutex::new(None));
    let (connected, disconnected, emitting) = (Arc::clone(&connection), Arc::clone(&connection), connection);
    plugin("Example")
        .background()
        .on_connect(move |connection| set(&connected, Some(connection)))
        .on_disconnect(move || set(&disconnected, None))
        .method("displayMessage", |params: Message| -> Result<_, ErrorReport> {
            Ok(object("greeting", format!("Hello from Rust! You said: {}", params.message)))
        })
        .call("echo", |call: Call| {
            let params = call.params.unwrap_or_else(Payload::empty_object);
            let _ended = call.responder.success_json(params);
        })
        .method("reverse", |params: Word| -> Result<_, ErrorReport> {
            Ok(object("word", params.word.chars().rev().collect()))
        })
        .method("emit", move |params: Emit| {
            let connection = emitting.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let connection = connection.ok_or_else(|| ErrorReport::new("the plugin is not connected"))?;
            emit(&connection, &params)
        })
        .method("fail", |_: Nothing| -> Result<Nothing, _> {
            Err(ErrorReport::new("This method always fails").named("SampleError"))
        })
        .method("panic", |_: Nothing| -> Result<Nothing, ErrorReport> { panic_as_asked() })
        .build()
}

#[derive(Deserialize)]
struct Message {
    message: String,
}

#[derive(Deserialize)]
struct Word {
    word: String,
}

#[derive(Deserialize)]
struct Emit {
    count: u64,
    #[serde(default)]
    size: usize,
}

#[derive(Deserialize, Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct Row<'a> {
    index: u64,
    data: &'a str,
}

fn emit(connection: &Connection, params: &Emit) -> Result<BTreeMap<&'static str, u64>, ErrorReport> {
    let data = "x".repeat(params.size);
    for index in 0..params.count {
        let row = Row { index, data: &data };
        connection.send("row", &row).map_err(|error| ErrorReport::new(error.to_string()))?;
    }
    Ok(BTreeMap::from([("queued", params.count)]))
}

fn object(key: &'static str, value: String) -> BTreeMap<&'static str, String> {
    BTreeMap::from([(key, value)])
}

fn set(slot: &Mutex<Option<Connection>>, connection: Option<Connection>) {
    *slot.lock().unwrap_or_else(PoisonError::into_inner) = connection;
}

#[expect(clippy::panic, reason = "this is what the method is for")]
fn panic_as_asked() -> ! {
    panic!("the desktop asked for it")
}
