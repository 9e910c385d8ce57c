//! Recordings as NDJSON.

use flipper_desktop::records::{ExportError, Filter, RecordOptions, Recording, export_ndjson};
use serde_json::Value;

use super::Studio;
use crate::support::within;

fn lines(recording: &Recording, filter: &Filter) -> Vec<Value> {
    let mut out = Vec::new();
    let mut progress = Vec::new();
    let summary = export_ndjson(recording, filter, &mut out, &mut |count| progress.push(count)).unwrap();
    assert_eq!(progress.last(), Some(&summary.written));
    String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn ndjson_has_a_line_for_everything() {
    let studio = Studio::record("lines.sqlite", RecordOptions::default()).await;
    studio.call("echo", r#"{"price":1.10}"#).await.unwrap();
    within("the end", studio.app.stop()).await;
    within("the end", studio.rig.desktop.stop()).await;
    let recording = Recording::open(studio.directory.path().join("lines.sqlite")).unwrap();

    let all = lines(&recording, &Filter::default());
    let kinds: Vec<_> = all.iter().map(|line| line["record"].as_str().unwrap()).collect();
    assert_eq!(kinds, [vec!["session", "app"], vec!["message"; 7]].concat());
    assert_eq!(all[1]["name"], "Test App");
    assert_eq!(all[1]["background"], serde_json::json!(["Example"]));
    let answer = &all[8];
    assert_eq!(answer["client"], studio.client.as_str());
    assert_eq!((&answer["direction"], &answer["kind"]), (&"to-desktop".into(), &"response".into()));
    assert_eq!((&answer["plugin"], &answer["method"]), (&"Example".into(), &"echo".into()));
    assert_eq!(answer["message"]["success"]["price"], 1.10);

    let mut filter = Filter::of_app("Test App");
    filter.plugin = Some("Example".to_owned());
    assert_eq!(lines(&recording, &filter).len(), 2 + 3);
}

#[tokio::test]
async fn numbers_stay_as_they_were() {
    let studio = Studio::record("numbers.sqlite", RecordOptions::default()).await;
    studio.call("echo", r#"{"price":1.10,"big":12345678901234567890}"#).await.unwrap();
    within("the end", studio.rig.desktop.stop()).await;
    let recording = Recording::open(studio.directory.path().join("numbers.sqlite")).unwrap();
    let mut out = Vec::new();
    export_ndjson(&recording, &Filter::default(), &mut out, &mut |_| {}).unwrap();
    let out = String::from_utf8(out).unwrap();
    assert!(out.contains(r#""message":{"id":2,"success":{"price":1.10,"big":12345678901234567890}}}"#), "{out}");
}

#[tokio::test]
async fn a_reader_that_leaves_ends_the_export() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let studio = Studio::record("pipe.sqlite", RecordOptions::default()).await;
    studio.rig.desktop.stop_recording().await.unwrap();
    let recording = Recording::open(studio.directory.path().join("pipe.sqlite")).unwrap();
    let error = export_ndjson(&recording, &Filter::default(), &mut Full, &mut |_| {}).unwrap_err();
    assert!(matches!(error, ExportError::Write { kind: std::io::ErrorKind::BrokenPipe, .. }), "{error:?}");
}
