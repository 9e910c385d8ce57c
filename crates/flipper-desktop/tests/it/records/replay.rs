//! Recorded apps, connected again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flipper_desktop::proto::{ClientId, Payload};
use flipper_desktop::records::{RecordOptions, Replay, ReplayError, ReplayNote, Speed};
use flipper_desktop::{CallError, Event};
use flipper_tokio::Tokio;
use tempfile::TempDir;

use super::Studio;
use crate::support::{Rig, app_named, desktop, within};

/// A recording of the test app: two calls of `echo`, one that fails, and `rows` events.
async fn recorded(rows: usize) -> (TempDir, PathBuf, ClientId) {
    let mut studio = Studio::record("replay.sqlite", RecordOptions::default()).await;
    studio.call("echo", r#"{"a":1,"b":[1.10]}"#).await.unwrap();
    studio.call("reverse", r#"{"word":"abc"}"#).await.unwrap();
    studio.call("fail", "{}").await.unwrap_err();
    // An app keeps only so many waiting.
    for part in [rows / 2, rows - rows / 2] {
        studio.call("emit", &format!(r#"{{"count":{part},"size":5}}"#)).await.unwrap();
        for _ in 0..part {
            studio.rig.event("a row", |event| matches!(event, Event::Message { .. }).then_some(())).await;
        }
    }
    studio.rig.desktop.is_method_supported(&studio.client, "Example", "fly").await.unwrap();
    within("the end", studio.rig.desktop.stop()).await;
    let path = studio.directory.path().join("replay.sqlite");
    (studio.directory, path, studio.client)
}

fn replay(path: &Path, rig: &Rig<Tokio>) -> Replay {
    let ports = rig.desktop.ports();
    Replay::new(path).host("127.0.0.1").ports(ports.insecure, ports.secure).speed(Speed::Max)
}

#[tokio::test]
async fn a_recorded_app_is_there_again_and_says_the_same() {
    // More than a client keeps waiting.
    let rows = 12_000;
    let (_directory, path, client) = recorded(rows).await;
    let mut rig = Rig::<Tokio>::start(desktop()).await;
    let running = tokio::spawn(replay(&path, &rig).run());
    assert_eq!(rig.client().await, client);
    let info = rig.desktop.client(&client).unwrap().info;
    assert_eq!((info.query.app.as_str(), info.query.app_id.as_deref()), ("Test App", Some("com.example.test")));
    for index in (0..rows / 2).chain(0..rows / 2) {
        let params = rig.event("a row", |event| match event {
            Event::Message { plugin, method, params, .. } => Some((plugin, method, params)),
            _ => None,
        });
        let (plugin, method, params) = params.await;
        assert_eq!((plugin.as_str(), method.as_str()), ("Example", "row"));
        assert_eq!(params.unwrap().as_json(), format!(r#"{{"index":{index},"data":"xxxxx"}}"#));
    }
    rig.event("the end of the app", |event| matches!(event, Event::ClientDisconnected { .. }).then_some(())).await;
    let summary = within("the end", running).await.unwrap().unwrap();
    assert_eq!((summary.apps, summary.events, summary.skipped), (1, rows as u64, 0));
}

#[tokio::test]
async fn a_recorded_app_answers_as_it_did() {
    let (_directory, path, client) = recorded(1).await;
    let mut rig = Rig::<Tokio>::start(desktop()).await;
    let replay = replay(&path, &rig).stay(true);
    let running = tokio::spawn(replay.run());
    rig.client().await;
    let call = async |method: &str, params: &str| {
        let params = Payload::from_json(params).unwrap();
        rig.desktop.call(&client, "Example", method, Some(params)).await
    };
    // The same value, written in another way.
    assert_eq!(call("echo", r#"{ "b":[1.10], "a":1 }"#).await.unwrap().as_json(), r#"{"a":1,"b":[1.10]}"#);
    assert_eq!(call("reverse", r#"{"word":"abc"}"#).await.unwrap().as_json(), r#"{"word":"cba"}"#);
    let failed = call("fail", "null").await;
    assert!(
        matches!(&failed, Err(CallError::Failed { report, .. }) if report.message == "This method always fails"),
        "{failed:?}"
    );
    let unknown = call("reverse", r#"{"word":"xyz"}"#).await;
    let Err(CallError::Failed { report, .. }) = unknown else { panic!("{unknown:?}") };
    assert_eq!(report.name.as_deref(), Some("NotRecorded"));
    assert_eq!(report.message, "the recording has no answer to reverse of Example with these params");
    assert!(!rig.desktop.is_method_supported(&client, "Example", "fly").await.unwrap());
    running.abort();
    rig.event("the end of the app", |event| matches!(event, Event::ClientDisconnected { .. }).then_some(())).await;
}

#[tokio::test]
async fn an_android_app_gets_its_certificate_all_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("android.sqlite");
    let identity = {
        let mut rig = Rig::<Tokio>::start(desktop()).await;
        rig.desktop.start_recording(&path, RecordOptions::default()).await.unwrap();
        let phone = app_named("Phone", "com.example.phone", rig.desktop.ports(), directory.path())
            .os("Lisp Machine")
            .device_id("emulator-5554")
            .plugin(flipper_tokio::plugin("Example").build());
        let _phone = phone.start().unwrap();
        let client = rig.client().await;
        within("the end", rig.desktop.stop()).await;
        client
    };
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute("UPDATE clients SET os = 'Android'", []).unwrap();
    drop(db);

    let mut rig = Rig::<Tokio>::start(desktop()).await;
    let summary = within("the end", replay(&path, &rig).run()).await.unwrap();
    assert_eq!(summary.apps, 1);
    within("the end", rig.desktop.stop()).await;
    let connections = rig.rest().await.into_iter().filter_map(|event| match event {
        Event::ClientConnected { client, info } => Some((client, info)),
        _ => None,
    });
    let connections: Vec<_> = connections.collect();
    let [(client, info)] = connections.as_slice() else { panic!("{connections:?}") };
    assert_eq!(client.as_str(), identity.as_str().replace("Lisp Machine", "Android"));
    assert_eq!(info.query.device_id, "emulator-5554");
}

#[tokio::test]
async fn pauses_are_as_long_as_they_were_or_shorter() {
    let (_directory, path, _) = recorded(4).await;
    let db = rusqlite::Connection::open(&path).unwrap();
    // A second between two rows.
    db.execute("UPDATE messages SET time = time + 1000 * id WHERE method = 'row'", []).unwrap();
    db.execute("UPDATE clients SET disconnected_at = disconnected_at + 3600000", []).unwrap();
    drop(db);
    let mut rig = Rig::<Tokio>::start(desktop()).await;
    let begin = std::time::Instant::now();
    let running = tokio::spawn(replay(&path, &rig).speed(Speed::Times(20.0)).run());
    let mut times = Vec::new();
    for _ in 0..4 {
        rig.event("a row", |event| matches!(event, Event::Message { .. }).then_some(())).await;
        times.push(begin.elapsed());
    }
    running.abort();
    // A pause is never shorter than it should be, but for how late the one before it was seen.
    assert!(times[3] >= Duration::from_millis(150), "{times:?}");
}

#[tokio::test]
async fn what_cannot_be_replayed_is_explained() {
    let (_directory, path, _) = recorded(0).await;
    let rig = Rig::<Tokio>::start(desktop()).await;
    let error = replay(&path, &rig).app("Nobody").run().await.unwrap_err();
    assert_eq!(error, ReplayError::NoApps { path: path.clone(), wanted: Some("Nobody".to_owned()) });
    let error = replay(&path.with_file_name("none"), &rig).run().await.unwrap_err();
    assert!(matches!(error, ReplayError::Record(_)), "{error:?}");
}

#[tokio::test]
async fn it_is_told_how_it_goes() {
    let (_directory, path, client) = recorded(1).await;
    let mut rig = Rig::<Tokio>::start(desktop()).await;
    let notes = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&notes);
    let replay = replay(&path, &rig).observer(move |note| told.lock().unwrap().push(note.clone()));
    within("the end", replay.run()).await.unwrap();
    let client = client.as_str().to_owned();
    assert_eq!(
        *notes.lock().unwrap(),
        [ReplayNote::Connected { client: client.clone() }, ReplayNote::Disconnected { client }, ReplayNote::Sent]
    );
    rig.client().await;
}

#[tokio::test]
async fn a_desktop_that_is_not_there_is_told_at_once() {
    let (_directory, path, client) = recorded(0).await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let nobody = Replay::new(&path).host("127.0.0.1").ports(1, 2).observer(move |note| drop(tell.send(note.clone())));
    let running = tokio::spawn(nobody.run());
    let Some(ReplayNote::Failed { client: told_of, failure }) = within("a failure", told.recv()).await else {
        panic!("something else")
    };
    assert_eq!(told_of, client.as_str());
    assert!(failure.contains("nobody listens there"), "{failure}");
    running.abort();
}
