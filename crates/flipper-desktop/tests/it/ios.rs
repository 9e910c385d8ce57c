//! Certificates for apps on iOS: in simulators, on a Mac, and on devices that a program stands in for `idb` for.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flipper_desktop::proto::{Medium, Query};
use flipper_desktop::{DeliveryError, Event, Finding, Idb, ProgramError};
use flipper_tokio::Tokio;
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::support::{Identity, Request, Rig, desktop};

const BUNDLE: &str = "com.example.app";
const APP: &str = "0F9E2C7D-64A1-4F0E-9D52-7B1E5A3C8D20";
const SIMULATOR: &str = "5A3D1B06-0E50-4B7B-8F4F-1A8C0D6C2E11";
const DEVICE: &str = "00008030-001C2D8E3A90802E";
const INSIDE: &str = "Library/Application Support/sonar/";

fn on_device() -> String {
    format!("/private/var/mobile/Containers/Data/Application/{APP}/{INSIDE}")
}

async fn ask(rig: &Rig<Tokio>, identity: &Identity, destination: &str) -> Value {
    let mut query = Query::new("Phone App", "iOS", "Test Phone", "unknown");
    query.app_id = Some(BUNDLE.to_owned());
    query.medium = Some(Medium::FsAccess);
    let mut peer = Request::exchange(rig.desktop.ports().insecure, &query).open().await.unwrap();
    let request = json!({"method": "signCertificate", "csr": identity.csr, "destination": destination, "medium": 1});
    peer.send(&request.to_string()).await;
    peer.receive().await
}

async fn refusal(rig: &mut Rig<Tokio>) -> DeliveryError {
    rig.event("a refusal", |event| match event {
        Event::CertificateRefused { error, .. } => Some(error),
        _ => None,
    })
    .await
}

/// Asks from a directory of this machine, in which the proof is.
async fn ask_here(path: &str) -> (Value, TempDir) {
    let rig = Rig::<Tokio>::start(desktop()).await;
    let (home, identity) = (tempdir().unwrap(), Identity::of(BUNDLE));
    let directory = home.path().join(path);
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("app.csr"), &identity.csr).unwrap();
    let answer = ask(&rig, &identity, &format!("{}/", directory.display())).await;
    assert!(answer.get("error").is_some() || directory.join("device.crt").exists());
    (answer, home)
}

#[tokio::test]
async fn an_app_in_a_simulator_is_known_by_the_simulators_id() {
    let path =
        format!("Library/Developer/CoreSimulator/Devices/{SIMULATOR}/data/Containers/Data/Application/{APP}/{INSIDE}");
    assert_eq!(ask_here(&path).await.0, json!({"deviceId": SIMULATOR}));
}

#[tokio::test]
async fn an_ipad_app_on_a_mac_is_an_app_of_this_machine() {
    for path in [
        format!("Library/Containers/{APP}/Data/{INSIDE}"),
        "Library/Application Support/com.example.app/sonar".to_owned(),
        // A container's path that is here all the same.
        format!("Containers/Data/Application/{APP}/{INSIDE}"),
        // No id that a simulator has.
        "Devices/emulator-5554/data".to_owned(),
    ] {
        assert_eq!(ask_here(&path).await.0, json!({"deviceId": ""}), "{path}");
    }
}

#[tokio::test]
async fn a_simulators_app_has_to_prove_its_directory_too() {
    let rig = Rig::<Tokio>::start(desktop()).await;
    let home = tempdir().unwrap();
    let directory = home.path().join(format!("Devices/{SIMULATOR}/data"));
    fs::create_dir_all(&directory).unwrap();
    let answer = ask(&rig, &Identity::of(BUNDLE), &format!("{}/", directory.display())).await;
    assert_eq!(answer["error"]["name"], "ProofMissing");
    assert_eq!(fs::read_dir(directory).unwrap().count(), 0);
}

#[tokio::test]
async fn a_device_without_idb_is_told_with_the_ways_around() {
    let rig = Rig::<Tokio>::start(desktop()).await;
    let answer = ask(&rig, &Identity::of(BUNDLE), &on_device()).await;
    assert_eq!(answer["error"]["name"], "IdbMissing");
    let hint = answer["error"]["hint"].as_str().unwrap();
    assert!(hint.contains("idb") && hint.contains("medium 2 (WWW)"), "{hint}");
}

/// A program in the place of `idb`. Devices are directories, in which bundles are directories; all that it was asked for
/// is in a file.
struct FakeIdb {
    root: TempDir,
}

const SCRIPT: &str = r#"#!/bin/sh
cd "$(dirname "$0")" || exit 9
echo "$*" >> asked
[ -f before ] && . ./before
if [ "$1" = list-targets ]; then cat targets; exit 0; fi
device=$4 bundle=$6 from=$7 to=$8
[ -d "$device/$bundle" ] || { echo "Traceback (most recent call last):" >&2; echo "no container for $bundle" >&2; exit 1; }
case $2 in
pull) cp "$device/$bundle/$from" "$to" ;;
push) cp "$from" "$device/$bundle/$to" ;;
esac
"#;

impl FakeIdb {
    fn with_devices(devices: &[&str]) -> Self {
        let fake = Self { root: tempdir().unwrap() };
        fs::write(fake.path("idb"), SCRIPT).unwrap();
        fs::set_permissions(fake.path("idb"), fs::Permissions::from_mode(0o755)).unwrap();
        let simulator = json!({"udid": SIMULATOR, "type": "simulator", "name": "iPhone", "state": "Booted"});
        let devices = devices.iter().map(|udid| json!({"udid": udid, "type": "device", "name": "iPhone"}));
        let lines: Vec<String> = devices.chain([simulator]).map(|target| target.to_string()).collect();
        fs::write(fake.path("targets"), lines.join("\n")).unwrap();
        fake
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Has the program do something before all else.
    fn before(&self, script: &str) {
        fs::write(self.path("before"), script).unwrap();
    }

    /// The app's directory on a device, made for it.
    fn install(&self, device: &str) -> PathBuf {
        let directory = self.path(device).join(BUNDLE).join(INSIDE);
        fs::create_dir_all(&directory).unwrap();
        directory
    }

    fn idb(&self) -> Idb {
        // Only a failure takes this long.
        Idb::at(self.path("idb")).timeout(Duration::from_secs(20))
    }

    async fn start(&self) -> Rig<Tokio> {
        Rig::start(desktop().idb(self.idb())).await
    }

    fn asked(&self) -> String {
        fs::read_to_string(self.path("asked")).unwrap()
    }
}

fn names_in(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[tokio::test]
async fn an_app_on_a_device_gets_its_certificates_through_idb() {
    let idb = FakeIdb::with_devices(&["another-device", DEVICE]);
    let (directory, identity) = (idb.install(DEVICE), Identity::of(BUNDLE));
    fs::write(directory.join("app.csr"), &identity.csr).unwrap();
    let rig = idb.start().await;
    assert_eq!(ask(&rig, &identity, &on_device()).await, json!({"deviceId": DEVICE}));
    assert_eq!(names_in(&directory), ["app.csr", "device.crt", "sonarCA.crt"]);
    let asked = idb.asked();
    assert!(asked.contains(&format!("file pull --udid {DEVICE} --bundle-id {BUNDLE} {INSIDE}app.csr ")), "{asked}");
    assert!(!asked.contains(SIMULATOR), "{asked}");
}

#[tokio::test]
async fn every_ios_device_is_quoted_with_what_idb_said() {
    let idb = FakeIdb::with_devices(&["without", "foreign", "empty"]);
    fs::write(idb.install("foreign").join("app.csr"), Identity::of(BUNDLE).csr).unwrap();
    let empty = idb.install("empty");
    let mut rig = idb.start().await;
    let answer = ask(&rig, &Identity::of(BUNDLE), &on_device()).await;
    assert_eq!(answer["error"]["name"], "NoMatchingDevice");
    let message = answer["error"]["message"].as_str().unwrap();
    for said in [
        "without: idb: no container for com.example.app (exit code 1)",
        "foreign: app.csr holds another certificate request than the one that was sent",
        "empty: idb: cp: ",
    ] {
        assert!(message.contains(said), "{said}\n{message}");
    }
    assert_eq!(names_in(&empty), [] as [&str; 0]);
    let DeliveryError::NoMatchingDevice { verdicts, .. } = refusal(&mut rig).await else { panic!("{answer}") };
    let failed = |finding: &Finding| matches!(finding, Finding::Idb(ProgramError::Failed { code: Some(1), .. }));
    assert_eq!(verdicts.iter().filter(|verdict| failed(&verdict.finding)).count(), 2);
}

#[tokio::test]
async fn an_idb_that_does_not_work_is_told() {
    let idb = FakeIdb::with_devices(&[DEVICE]);
    for (before, said) in [
        ("echo 'No such command' >&2; exit 2", "No such command (exit code 2)"),
        ("echo Welcome; exit 0", "it printed something unexpected"),
        (
            "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done",
            "it printed more than",
        ),
        ("kill -9 $$", "ended by a signal"),
    ] {
        idb.before(before);
        let rig = idb.start().await;
        let answer = ask(&rig, &Identity::of(BUNDLE), &on_device()).await;
        assert_eq!(answer["error"]["name"], "IdbFailed", "{before}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(said), "{answer}");
    }
    let rig = Rig::<Tokio>::start(desktop().idb(Idb::at(idb.path("nothing")))).await;
    let answer = ask(&rig, &Identity::of(BUNDLE), &on_device()).await;
    assert!(answer["error"]["message"].as_str().unwrap().contains("cannot be run"), "{answer}");
}

#[tokio::test]
async fn an_idb_that_hangs_is_ended() {
    let idb = FakeIdb::with_devices(&[DEVICE]);
    idb.before("echo $$ > pid; exec sleep 1000");
    let rig = Rig::<Tokio>::start(desktop().idb(idb.idb().timeout(Duration::from_millis(500)))).await;
    let answer = ask(&rig, &Identity::of(BUNDLE), &on_device()).await;
    assert!(answer["error"]["message"].as_str().unwrap().contains("did not end within 0.5 s"), "{answer}");
    // On a machine that is busy it may have been ended before it could write this.
    if let Ok(pid) = fs::read_to_string(idb.path("pid")) {
        assert!(pid.trim().is_empty() || !Path::new("/proc").join(pid.trim()).exists());
    }
}

#[tokio::test]
async fn a_device_that_cannot_be_pushed_to_is_told() {
    let idb = FakeIdb::with_devices(&[DEVICE]);
    let (directory, identity) = (idb.install(DEVICE), Identity::of(BUNDLE));
    fs::write(directory.join("app.csr"), &identity.csr).unwrap();
    idb.before("[ \"$2\" = push ] && { echo 'device locked' >&2; exit 1; }");
    let rig = idb.start().await;
    let answer = ask(&rig, &identity, &on_device()).await;
    assert_eq!(answer["error"]["name"], "WriteFailed");
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains(DEVICE) && message.contains("device locked"), "{message}");
    assert_eq!(names_in(&directory), ["app.csr"]);
}
