use std::fs;
use std::io::ErrorKind;

use flipper_desktop::StartError;
use flipper_desktop::api::{Api, RunningDesktop, RunningError};
use serde_json::Value;
use tempfile::tempdir;

use super::{Served, ask};
use crate::support::{RawPeer, Rig, desktop, within};
use flipper_tokio::Tokio;

#[tokio::test]
async fn a_running_desktop_is_found_by_its_files() {
    let rig = Rig::<Tokio>::start(desktop()).await;
    let dir = tempdir().unwrap();
    let state = dir.path().join("state/desktop");
    let not_running = RunningError::NotRunning { directory: state.clone() };
    assert_eq!(RunningDesktop::read(&state).unwrap_err(), not_running);

    let api = Api::builder(&rig.desktop).port(0).state_directory(&state).start().await.unwrap();
    let found = RunningDesktop::read(&state).unwrap();
    assert_eq!((found.pid, found.ports.ui), (std::process::id(), api.port()));
    assert_eq!(found.ports.insecure, rig.desktop.ports().insecure);
    assert_eq!(found.addresses, api.addresses());
    let port = found.api_address().port();
    let headers = format!("Host: {}\r\nAuthorization: Bearer {}\r\n", found.api_address(), found.token.as_str());
    assert_eq!(ask(port, "GET", "/api/v1/apps", &headers, "").await.text, "[]");
    let text = fs::read_to_string(state.join("desktop.json")).unwrap();
    assert!(!text.contains(found.token.as_str()));
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["ports"]["browser"], Value::Null);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(state.join("token")).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(!format!("{found:?} {api:?}").contains(found.token.as_str()));

    within("the end", api.stop()).await;
    assert_eq!(RunningDesktop::read(&state).unwrap_err(), not_running);
    assert_eq!(fs::read_dir(&state).unwrap().count(), 0);
    assert!(RawPeer::connect_refused(port).await);
}

#[tokio::test]
async fn every_start_has_a_token_of_its_own() {
    let rig = Rig::<Tokio>::start(desktop()).await;
    let dir = tempdir().unwrap();
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let api = Api::builder(&rig.desktop).port(0).state_directory(dir.path()).start().await.unwrap();
        assert_eq!(RunningDesktop::read(dir.path()).unwrap().token.as_str(), api.token().as_str());
        tokens.push(api.token().as_str().to_owned());
        within("the end", api.stop()).await;
    }
    assert_eq!(tokens[0].len(), 43);
    assert_ne!(tokens[0], tokens[1]);
}

#[tokio::test]
async fn the_files_of_another_desktop_are_left_alone() {
    let rig = Rig::<Tokio>::start(desktop()).await;
    let dir = tempdir().unwrap();
    let first = Api::builder(&rig.desktop).port(0).state_directory(dir.path()).start().await.unwrap();
    let second = Api::builder(&rig.desktop).port(0).state_directory(dir.path()).start().await.unwrap();
    within("the end", first.stop()).await;
    assert_eq!(RunningDesktop::read(dir.path()).unwrap().token.as_str(), second.token().as_str());
    within("the end", second.stop()).await;
    assert!(RunningDesktop::read(dir.path()).is_err());
}

#[cfg(unix)]
#[tokio::test]
async fn files_of_a_desktop_that_was_killed_are_told_from_those_of_one_that_runs() {
    let rig = Rig::<Tokio>::start(desktop()).await;
    let dir = tempdir().unwrap();
    let api = Api::builder(&rig.desktop).port(0).state_directory(dir.path()).start().await.unwrap();
    let path = dir.path().join("desktop.json");
    let mut ended = std::process::Command::new("true").spawn().unwrap();
    let pid = ended.id();
    ended.wait().unwrap();
    let mut json: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    json["pid"] = pid.into();
    fs::write(&path, json.to_string()).unwrap();
    let error = RunningDesktop::read(dir.path()).unwrap_err();
    assert_eq!(error, RunningError::Stale { path: path.clone(), pid });
    assert!(error.to_string().contains(&pid.to_string()), "{error}");

    fs::write(&path, "{\"pid\":").unwrap();
    assert!(matches!(RunningDesktop::read(dir.path()), Err(RunningError::Unreadable { path: of, .. }) if of == path));
    json["pid"] = std::process::id().into();
    fs::write(&path, json.to_string()).unwrap();
    let token = dir.path().join("token");
    fs::write(&token, "short\n").unwrap();
    assert!(matches!(RunningDesktop::read(dir.path()), Err(RunningError::Unreadable { path: of, .. }) if of == token));
    fs::remove_file(&token).unwrap();
    assert!(matches!(RunningDesktop::read(dir.path()), Err(RunningError::Unreadable { path: of, .. }) if of == token));
    within("the end", api.stop()).await;
}

#[tokio::test]
async fn what_keeps_an_api_from_starting_is_told() {
    let served = Served::start().await;
    let taken = Api::builder(&served.rig.desktop).port(served.api.port()).start().await.unwrap_err();
    assert!(matches!(taken, StartError::PortInUse { address, .. } if address.port() == served.api.port()), "{taken:?}");

    let dir = tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let blocked = Api::builder(&served.rig.desktop).port(0).state_directory(&file).start().await.unwrap_err();
    assert!(matches!(&blocked, StartError::StateFile { path, kind: ErrorKind::AlreadyExists, .. } if *path == file));
    assert!(blocked.to_string().contains(&*file.to_string_lossy()), "{blocked}");
}
