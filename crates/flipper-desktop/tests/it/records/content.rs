//! What is in a recording.

use flipper_desktop::records::{Direction, Filter, Kind, RecordError, RecordOptions, Recording, SCHEMA_VERSION};
use flipper_tokio::Tokio;
use rusqlite::Connection;

use super::{Studio, messages};
use crate::support::{Rig, app, desktop, within};

const ECHO: &str = r#"{"price":1.10,"big":12345678901234567890,"text":"é\u0041"}"#;

#[tokio::test]
async fn everything_that_passes_is_recorded_as_it_was() {
    let mut studio = Studio::record("all.sqlite", RecordOptions::default()).await;
    assert_eq!(studio.call("echo", ECHO).await.unwrap().as_json(), ECHO);
    assert!(studio.call("fail", "{}").await.is_err());
    studio.call("emit", r#"{"count":2,"size":3}"#).await.unwrap();
    for _ in 0..2 {
        let is_row = |event| matches!(event, flipper_desktop::Event::Message { .. }).then_some(());
        studio.rig.event("a row", is_row).await;
    }
    studio.rig.desktop.deinit_plugin(&studio.client, "Example").unwrap();
    within("the end", studio.app.stop()).await;
    studio
        .rig
        .event("the end of the client", |event| {
            matches!(event, flipper_desktop::Event::ClientDisconnected { .. }).then_some(())
        })
        .await;
    within("the end", studio.rig.desktop.stop()).await;

    let path = studio.directory.path().join("all.sqlite");
    let all = messages(&path, &Filter::default());
    let shown: Vec<_> = all
        .iter()
        .map(|message| {
            let (plugin, method) = (message.plugin.as_deref(), message.method.as_deref());
            (message.direction, message.kind, plugin.unwrap_or("-"), method.unwrap_or("-"), message.request)
        })
        .collect();
    let (to_app, to_desktop) = (Direction::ToApp, Direction::ToDesktop);
    assert_eq!(
        shown,
        [
            (to_app, Kind::Request, "-", "getPlugins", Some(0)),
            (to_desktop, Kind::Response, "-", "getPlugins", Some(0)),
            (to_app, Kind::Request, "-", "getBackgroundPlugins", Some(1)),
            (to_desktop, Kind::Response, "-", "getBackgroundPlugins", Some(1)),
            (to_app, Kind::Request, "Example", "init", None),
            (to_app, Kind::Request, "Example", "echo", Some(2)),
            (to_desktop, Kind::Response, "Example", "echo", Some(2)),
            (to_app, Kind::Request, "Example", "fail", Some(3)),
            (to_desktop, Kind::Error, "Example", "fail", Some(3)),
            (to_app, Kind::Request, "Example", "emit", Some(4)),
            (to_desktop, Kind::Response, "Example", "emit", Some(4)),
            (to_desktop, Kind::Event, "Example", "row", None),
            (to_desktop, Kind::Event, "Example", "row", None),
            (to_app, Kind::Request, "Example", "deinit", None),
        ]
    );
    assert!(all[5].text.contains(ECHO), "{}", all[5].text);
    assert_eq!(all[6].text, format!(r#"{{"id":2,"success":{ECHO}}}"#));
    assert!(all.is_sorted_by_key(|message| message.time));

    let recording = Recording::open(&path).unwrap();
    let apps = recording.apps(&Filter::default()).unwrap();
    let [app] = apps.as_slice() else { panic!("{apps:?}") };
    assert_eq!(app.client, studio.client.as_str());
    assert_eq!((app.app.as_str(), app.app_id.as_deref()), ("Test App", Some("com.example.test")));
    assert_eq!((app.channel.as_str(), app.certificate.as_deref()), ("secure", Some("bound")));
    assert_eq!(app.plugins, [("Example".to_owned(), true)]);
    assert!(app.disconnected_at.unwrap() >= app.connected_at);
    assert!(app.cause.is_some());
    let sessions = recording.sessions().unwrap();
    let [session] = sessions.as_slice() else { panic!("{sessions:?}") };
    assert!(session.ended_at.unwrap() >= session.started_at);
    assert_eq!(session.dropped, 0);
    let status = studio.rig.desktop.recording().unwrap();
    assert_eq!((status.messages, status.dropped, status.error), (14, 0, None));
    assert!(!studio.directory.path().join("all.sqlite-lock").exists(), "the lock is given back");
}

#[tokio::test]
async fn who_is_there_already_is_recorded_from_then_on() {
    let mut rig = Rig::<Tokio>::start(desktop()).await;
    let directory = tempfile::tempdir().unwrap();
    let _app = app(rig.desktop.ports(), directory.path()).start().unwrap();
    let client = rig.client().await;
    rig.desktop.call(&client, "Example", "echo", None).await.unwrap();
    let path = directory.path().join("late.sqlite");
    rig.desktop.start_recording(&path, RecordOptions::default()).await.unwrap();
    rig.desktop.call(&client, "Example", "echo", None).await.unwrap();
    let status = rig.desktop.stop_recording().await.unwrap();
    rig.desktop.call(&client, "Example", "echo", None).await.unwrap();
    assert_eq!(status.messages, 2);
    assert_eq!(rig.desktop.recording(), None);

    let recording = Recording::open(&path).unwrap();
    let apps = recording.apps(&Filter::default()).unwrap();
    assert_eq!(apps[0].plugins, [("Example".to_owned(), true)]);
    assert!(apps[0].connected_at <= recording.sessions().unwrap()[0].started_at + 1, "it was there before");
    let methods: Vec<_> =
        messages(&path, &Filter::default()).into_iter().filter_map(|message| message.method).collect();
    assert_eq!(methods, ["echo", "echo"]);
}

#[tokio::test]
async fn a_recording_goes_on_with_a_new_session() {
    let mut studio = Studio::record("twice.sqlite", RecordOptions::default()).await;
    studio.rig.desktop.stop_recording().await.unwrap();
    let path = studio.directory.path().join("twice.sqlite");
    studio.rig.desktop.start_recording(&path, RecordOptions::default()).await.unwrap();
    studio.call("echo", "{}").await.unwrap();
    within("the end", studio.app.stop()).await;
    studio
        .rig
        .event("the end of the client", |event| {
            matches!(event, flipper_desktop::Event::ClientDisconnected { .. }).then_some(())
        })
        .await;
    studio.rig.desktop.stop_recording().await.unwrap();

    let recording = Recording::open(&path).unwrap();
    assert_eq!(recording.sessions().unwrap().len(), 2);
    let apps = recording.apps(&Filter::default()).unwrap();
    assert_eq!(
        apps.iter().map(|app| (app.session, app.disconnected_at.is_some())).collect::<Vec<_>>(),
        [(1, false), (2, true)]
    );
    let mut second = Filter::of_app("Test App");
    second.session = Some(2);
    assert_eq!(recording.count(&second).unwrap(), 2);
    assert_eq!(recording.count(&Filter::of_app(studio.client.as_str())).unwrap(), 7);
    assert_eq!(recording.count(&Filter::of_app("Nobody")).unwrap(), 0);
}

#[tokio::test]
async fn a_recording_says_what_it_is_and_can_be_read_meanwhile() {
    let studio = Studio::record("live.sqlite", RecordOptions::default()).await;
    studio.call("echo", "{}").await.unwrap();
    let path = studio.directory.path().join("live.sqlite");
    while studio.rig.desktop.recording().unwrap().messages < 7 {
        tokio::task::yield_now().await;
    }
    let db = Connection::open(&path).unwrap();
    let pragma = |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(pragma("application_id"), 0x466C_5263);
    assert_eq!(pragma("user_version"), SCHEMA_VERSION);
    let journal: String = db.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(journal, "wal");
    let (time, app): (String, String) =
        db.query_row("SELECT time, app FROM log LIMIT 1", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!((time.len(), app.as_str()), ("2026-01-01 00:00:00.000".len(), "Test App"));
    assert_eq!(messages(&path, &Filter::default()).len(), 7);
    assert!(matches!(
        studio.rig.desktop.start_recording(&path, RecordOptions::default()).await,
        Err(RecordError::AlreadyRecording { .. })
    ));
}
