//! Recordings over HTTP.

use std::fs;

use flipper_desktop::api::Api;
use flipper_desktop::json::{RecordedEvents, Recording, RecordingContent};
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
async fn what_is_in_a_recording_is_told_in_turn() {
    let directory = tempdir().unwrap();
    let mut rig = Rig::<Tokio>::start(desktop()).await;
    let api = Api::builder(&rig.desktop).port(0).state_directory(directory.path()).start().await.unwrap();
    let _app = app(rig.desktop.ports(), directory.path()).start().unwrap();
    let client = rig.client().await;
    let served = Served { rig, api };
    assert_eq!(served.post("/api/v1/recordings", r#"{"name":"rows"}"#).await.status, 200);
    let emit = "/api/v1/apps/Test%20App/plugins/Example/call/emit";
    assert_eq!(served.post(emit, r#"{"count":3,"size":1}"#).await.status, 200);
    // Events may come after the answer.
    let mut wanted = served.open("/api/v1/events?plugin=Example").await;
    assert_eq!(served.post(emit, r#"{"count":1,"size":1}"#).await.status, 200);
    assert_eq!(wanted.receive().await["method"], "row");
    assert_eq!(served.post("/api/v1/recordings/stop", "").await.status, 200);

    let about: RecordingContent = serde_json::from_str(&served.get("/api/v1/recordings/rows").await.text).unwrap();
    assert_eq!((about.sessions.len(), about.apps.len(), about.messages), (1, 1, 8));
    assert_eq!((about.apps[0].name.as_str(), about.apps[0].client.as_str()), ("Test App", client.as_str()));
    let events = async |query: &str| -> RecordedEvents {
        let answer = served.get(&format!("/api/v1/recordings/rows/events{query}")).await;
        serde_json::from_str(&answer.text).unwrap_or_else(|error| panic!("{error}: {}", answer.text))
    };
    let all = events("").await;
    assert_eq!((all.events.len(), all.next), (4, None));
    let first = &all.events[0];
    assert_eq!((first.plugin.as_str(), first.method.as_str(), first.app), ("Example", "row", about.apps[0].id));
    assert_eq!(first.params.as_ref().unwrap().get(), r#"{"index":0,"data":"x"}"#);
    assert_eq!(events(&format!("?after={}", first.id)).await.events.len(), 3);

    let wrong = served.get("/api/v1/recordings/rows/events?after=first").await;
    assert_eq!(wrong.error(), (400, "BadRequest".to_owned()));
    for none in ["none", "..%2Frows", "%2Fetc%2Fpasswd"] {
        for rest in ["", "/events"] {
            let answer = served.get(&format!("/api/v1/recordings/{none}{rest}")).await;
            assert_eq!(answer.error(), (404, "NoSuchRecording".to_owned()), "{none}{rest}");
        }
    }
    let records = directory.path().join("records");
    let whole = fs::read(records.join("rows.sqlite")).unwrap();
    fs::write(records.join("cut.sqlite"), &whole[..whole.len() / 2]).unwrap();
    fs::write(records.join("other.sqlite"), "something else").unwrap();
    for name in ["cut", "other"] {
        let answer = served.get(&format!("/api/v1/recordings/{name}/events")).await;
        assert_eq!(answer.error(), (500, "RecordingFailed".to_owned()), "{name}");
    }
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
