//! Recordings over HTTP.

use flipper_desktop::api::Api;
use flipper_desktop::json::Recording;
use flipper_desktop::records::{self, Filter};
use flipper_tokio::Tokio;
use tempfile::tempdir;

use super::{Served, connected};
use crate::support::{Rig, app, desktop};

#[tokio::test]
async fn a_recording_is_started_listed_and_stopped() {
    let directory = tempdir().unwrap();
    let mut rig = Rig::<Tokio>::start(desktop()).await;
    let api = Api::builder(&rig.desktop).port(0).state_directory(directory.path()).start().await.unwrap();
    let _app = app(rig.desktop.ports(), directory.path()).start().unwrap();
    rig.client().await;
    let served = Served { rig, api };

    assert_eq!(served.get("/api/v1/recordings").await.text, "[]");
    let started = served.post("/api/v1/recordings", r#"{"name":"cart.1"}"#).await;
    let started: Recording = serde_json::from_str(&started.text).unwrap();
    let path = directory.path().join("records").join("cart.1.sqlite");
    assert_eq!((started.name.as_str(), started.path), ("cart.1", path.display().to_string()));
    assert_eq!(served.post("/api/v1/recordings", "").await.error(), (409, "AlreadyRecording".to_owned()));
    let call = "/api/v1/apps/Test%20App/plugins/Example/call/echo";
    assert_eq!(served.post(call, "").await.status, 200);
    let listed: Vec<Recording> = serde_json::from_str(&served.get("/api/v1/recordings").await.text).unwrap();
    assert!(matches!(&listed[..], [only] if only.name == "cart.1" && only.active.is_some()), "{listed:?}");

    let stopped = served.post("/api/v1/recordings/stop", "").await;
    let stopped: Recording = serde_json::from_str(&stopped.text).unwrap();
    assert_eq!(stopped.active.unwrap().messages, 2);
    assert_eq!(served.post("/api/v1/recordings/stop", "").await.error(), (409, "NotRecording".to_owned()));
    let listed: Vec<Recording> = serde_json::from_str(&served.get("/api/v1/recordings").await.text).unwrap();
    assert!(matches!(&listed[..], [only] if only.active.is_none() && only.size > 0), "{listed:?}");
    assert_eq!(records::Recording::open(&path).unwrap().count(&Filter::default()).unwrap(), 2);

    let unnamed = served.post("/api/v1/recordings", "").await;
    let unnamed: Recording = serde_json::from_str(&unnamed.text).unwrap();
    assert!(unnamed.name.starts_with("20") && unnamed.name.ends_with('Z'), "{}", unnamed.name);
}

#[tokio::test]
async fn a_name_leads_nowhere_else() {
    let directory = tempdir().unwrap();
    let rig = Rig::<Tokio>::start(desktop()).await;
    let api = Api::builder(&rig.desktop).port(0).state_directory(directory.path()).start().await.unwrap();
    let served = Served { rig, api };
    for bad in
        [r#"{"name":"../up"}"#, r#"{"name":"a/b"}"#, r#"{"name":".."}"#, r#"{"name":""}"#, r#"{"path":"/x"}"#, "7"]
    {
        assert_eq!(served.post("/api/v1/recordings", bad).await.error(), (400, "BadRequest".to_owned()), "{bad}");
    }
    assert!(!directory.path().join("records").exists());
}

#[tokio::test]
async fn without_a_directory_nothing_is_recorded() {
    let test = connected().await;
    assert_eq!(test.served.get("/api/v1/recordings").await.text, "[]");
    assert_eq!(test.served.post("/api/v1/recordings", "").await.error(), (409, "NoStateDirectory".to_owned()));
}
