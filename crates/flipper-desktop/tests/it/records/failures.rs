//! What keeps a recording from being made, or from being whole.

use std::fs;

use flipper_desktop::Event;
use flipper_desktop::records::{Filter, RecordError, RecordOptions, Recorder, Recording};
use rusqlite::Connection;

use super::{Studio, messages};

async fn refused(path: &std::path::Path) -> RecordError {
    Recorder::open(path, RecordOptions::default()).await.unwrap_err()
}

#[tokio::test]
async fn what_is_no_recording_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().join("notes.txt");
    let notes = "Dear diary, this is longer than any header of a database. ".repeat(100);
    fs::write(&text, &notes).unwrap();
    assert_eq!(refused(&text).await, RecordError::NotARecording { path: text.clone() });
    assert_eq!(fs::read_to_string(&text).unwrap(), notes);
    assert!(matches!(Recording::open(&text), Err(RecordError::NotARecording { .. })));

    let other = directory.path().join("other.sqlite");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE addresses (name TEXT)").unwrap();
    let before = fs::read(&other).unwrap();
    assert_eq!(refused(&other).await, RecordError::NotARecording { path: other.clone() });
    assert_eq!(fs::read(&other).unwrap(), before);

    let empty = directory.path().join("empty.sqlite");
    fs::write(&empty, "").unwrap();
    assert!(matches!(Recording::open(&empty), Err(RecordError::NotARecording { .. })));
}

#[tokio::test]
async fn a_recording_of_a_newer_version_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new.sqlite");
    Recorder::open(&path, RecordOptions::default()).await.unwrap().finish().await;
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 7).unwrap();
    assert_eq!(refused(&path).await, RecordError::Newer { path, version: 7 });
}

#[tokio::test]
async fn a_path_that_cannot_be_used_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let nowhere = directory.path().join("missing").join("a.sqlite");
    let error = refused(&nowhere).await;
    assert!(matches!(error, RecordError::Io { kind: std::io::ErrorKind::NotFound, .. }), "{error:?}");
    assert!(error.to_string().contains("missing"), "{error}");
    let error = Recording::open(&nowhere).unwrap_err();
    assert!(matches!(error, RecordError::Io { kind: std::io::ErrorKind::NotFound, .. }), "{error:?}");
    let error = refused(directory.path()).await;
    assert!(matches!(error, RecordError::Io { kind: std::io::ErrorKind::IsADirectory, .. }), "{error:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_recording_is_its_owners() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mine.sqlite");
    let recorder = Recorder::open(&path, RecordOptions::default()).await.unwrap();
    for file in ["mine.sqlite", "mine.sqlite-wal"] {
        let mode = fs::metadata(directory.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    recorder.finish().await;
}

#[tokio::test]
async fn a_file_has_one_recorder_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("one.sqlite");
    let first = Recorder::open(&path, RecordOptions::default()).await.unwrap();
    assert_eq!(refused(&path).await, RecordError::InUse { path: path.clone() });
    first.finish().await;
    Recorder::open(&path, RecordOptions::default()).await.unwrap().finish().await;
    assert_eq!(Recording::open(&path).unwrap().sessions().unwrap().len(), 2);
}

#[tokio::test]
async fn what_does_not_fit_into_the_file_is_counted_and_told() {
    let mut options = RecordOptions::default();
    options.max_file_bytes = Some(200_000);
    options.batch_messages = 1;
    let mut studio = Studio::record("small.sqlite", options).await;
    let path = studio.directory.path().join("small.sqlite");
    studio.call("emit", r#"{"count":500,"size":1000}"#).await.unwrap();
    let lost = studio.rig.event("a loss", |event| match event {
        Event::RecordingIncomplete { error, lost } => Some((error, lost)),
        _ => None,
    });
    let (error, lost) = lost.await;
    assert_eq!(error, Some(RecordError::LimitReached { path: path.clone(), max_bytes: 200_000 }));
    assert!(lost > 0);
    // The desktop goes on.
    studio.call("echo", "{}").await.unwrap();
    let status = studio.rig.desktop.stop_recording().await.unwrap();
    assert!(status.dropped > 0, "{status:?}");
    let written = messages(&path, &Filter::default()).len() as u64;
    assert_eq!(written, status.messages);
    let recording = Recording::open(&path).unwrap();
    let dropped = recording.sessions().unwrap()[0].dropped;
    assert_eq!(u64::try_from(dropped).unwrap(), status.dropped, "the file knows what it lacks");
    // Before the rows, the call that brought them, the rows, and the call after them.
    assert_eq!(written + status.dropped, 5 + 2 + 500 + 2);
    // What is lost in one batch may be more than the limit by that batch, not by more.
    assert!(fs::metadata(&path).unwrap().len() < 2_000_000);
}

#[tokio::test]
async fn a_disk_that_is_slow_slows_no_app() {
    let mut options = RecordOptions::default();
    options.max_waiting = 100;
    options.batch_messages = 10;
    let mut studio = Studio::record("slow.sqlite", options).await;
    let path = studio.directory.path().join("slow.sqlite");
    while studio.rig.desktop.recording().unwrap().messages < 5 {
        tokio::task::yield_now().await;
    }
    // SQLite waits as long as somebody else has the file.
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    studio.call("emit", r#"{"count":1000,"size":10}"#).await.unwrap();
    for _ in 0..1000 {
        studio.rig.event("a row", |event| matches!(event, Event::Message { .. }).then_some(())).await;
    }
    // All of that came while nothing could be written.
    other.execute_batch("COMMIT").unwrap();
    drop(other);
    let status = studio.rig.desktop.stop_recording().await.unwrap();
    assert!(status.dropped >= 700, "{status:?}");
    assert_eq!(status.messages + status.dropped, 5 + 2 + 1000);
    assert_eq!(status.error, None);
    let dropped = Recording::open(&path).unwrap().sessions().unwrap()[0].dropped;
    assert_eq!(u64::try_from(dropped).unwrap(), status.dropped);
}
