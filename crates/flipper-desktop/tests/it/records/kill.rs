//! A process that records is killed.

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use flipper_desktop::records::{Filter, RecordOptions, Recording};
use rusqlite::Connection;

use super::Studio;

const CHILD: &str = "FLIPPER_TEST_RECORD_INTO";

/// Not a test: what [`a_kill_loses_the_last_batch_at_most`] runs in a process of its own. Says how many messages are in
/// the file whenever there are more.
#[tokio::test]
#[ignore = "run by another test"]
async fn records_until_it_is_killed() {
    let Ok(file) = env::var(CHILD) else { return };
    let mut options = RecordOptions::default();
    options.batch_messages = 50;
    options.batch_after = Duration::from_millis(1);
    let studio = Studio::record(&file, options).await;
    let mut said = 0;
    loop {
        studio.call("emit", r#"{"count":20,"size":200}"#).await.unwrap();
        let written = studio.rig.desktop.recording().unwrap().messages;
        if written > said {
            said = written;
            // The harness has begun a line of its own.
            println!("\nwritten {said}");
            std::io::stdout().flush().unwrap();
        }
    }
}

#[test]
fn a_kill_loses_the_last_batch_at_most() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("killed.sqlite");
    let mut before = 0;
    let mut sessions = 0;
    // Some are killed early, some late; every one goes on with what the one before left.
    for lines in [1, 2, 3, 5, 8, 13, 1, 21, 4, 2] {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["records::kill::records_until_it_is_killed", "--exact", "--ignored", "--nocapture"])
            .env(CHILD, &path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = 0;
        let mut told = 0;
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        while told < lines {
            let line = output.next().expect("the child says more").unwrap();
            if let Some(written) = line.strip_prefix("written ") {
                said = written.parse::<u64>().unwrap();
                told += 1;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said before it was killed counts as well.
        for line in output.map_while(Result::ok) {
            if let Some(written) = line.strip_prefix("written ").and_then(|written| written.parse().ok()) {
                said = said.max(written);
            }
        }

        let recording = Recording::open(&path).unwrap();
        sessions += 1;
        let found = recording.sessions().unwrap();
        assert_eq!(found.len(), sessions);
        assert_eq!(found[sessions - 1].ended_at, None, "nobody ended it");
        let count = recording.count(&Filter::default()).unwrap();
        assert!(count >= before + said, "{count} messages are there, {before} were, and {said} more were written");
        before = count;
        drop(recording);
        let db = Connection::open(&path).unwrap();
        let verdict: String = db.pragma_query_value(None, "integrity_check", |row| row.get(0)).unwrap();
        assert_eq!(verdict, "ok");
    }
}
