//! Certificates for apps on Android devices.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use flipper_desktop::pki::Binding;
use flipper_desktop::proto::{Medium, Query};
use flipper_desktop::{Android, Builder, DeliveryError, Event, Finding, Verdict};
use flipper_tokio::Tokio;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use crate::support::adb::{AdbServer, Device, Mode};
use crate::support::{Identity, Request, Rig, app_named, desktop, within};

const PACKAGE: &str = "com.example.app_1";

/// An app on a device, which knows what it does.
struct App {
    identity: Identity,
    package: String,
    destination: String,
}

impl App {
    fn new() -> Self {
        Self::of_user(0)
    }

    fn of_user(user: u32) -> Self {
        let destination = format!("/data/user/{user}/{PACKAGE}/files/sonar/");
        Self { identity: Identity::of(PACKAGE), package: PACKAGE.to_owned(), destination }
    }

    /// Installs it on a device, where it has written its request.
    fn on(self, device: &Device) -> Self {
        self.installed(device);
        fs::write(self.path(device, "app.csr"), &self.identity.csr).unwrap();
        self
    }

    /// Installs it on a device, where it has written nothing.
    fn installed(&self, device: &Device) {
        fs::create_dir_all(device.path(&self.destination)).unwrap();
    }

    fn path(&self, device: &Device, name: &str) -> PathBuf {
        device.path(&self.destination).join(name)
    }

    async fn ask(&self, rig: &Rig<Tokio>) -> Value {
        let mut query = Query::new("Phone App", "Android", "Test Phone", "unknown");
        query.app_id = Some(self.package.clone());
        query.medium = Some(Medium::FsAccess);
        let mut peer = Request::exchange(rig.desktop.ports().insecure, &query).open().await.unwrap();
        let request = json!({
            "method": "signCertificate", "csr": self.identity.csr, "destination": self.destination, "medium": 1,
        });
        peer.send(&request.to_string()).await;
        peer.receive().await
    }

    /// Asks, and is refused.
    async fn refusal(&self, rig: &mut Rig<Tokio>) -> (Value, DeliveryError) {
        let answer = self.ask(rig).await;
        assert!(answer.get("deviceId").is_none(), "{answer}");
        let error = rig
            .event("a refusal", |event| match event {
                Event::CertificateRefused { error, .. } => Some(error),
                _ => None,
            })
            .await;
        (answer["error"].clone(), error)
    }

    /// Nobody wrote anything there.
    fn assert_untouched(&self, device: &Device) {
        let names: Vec<_> =
            fs::read_dir(device.path(&self.destination)).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(names.iter().all(|name| name == "app.csr"), "{names:?}");
    }
}

fn with(adb: &AdbServer) -> Builder {
    // Only a failure takes this long.
    desktop().android(Android::new(adb.address()).device_timeout(Duration::from_secs(20)))
}

async fn start(adb: &AdbServer) -> Rig<Tokio> {
    Rig::start(with(adb)).await
}

/// What every device said.
fn verdicts(error: DeliveryError) -> Vec<Verdict> {
    match error {
        DeliveryError::NoMatchingDevice { verdicts, .. } => verdicts,
        other => panic!("{other:?}"),
    }
}

fn commands_with(device: &Device, what: &str) -> usize {
    device.commands().iter().filter(|(command, script)| command.contains(what) || script.contains(what)).count()
}

#[tokio::test]
async fn an_app_gets_its_certificates_where_it_is() {
    let Some(adb) = AdbServer::start() else { return };
    let (device, other) = (Device::new(), Device::new());
    adb.connect(&device);
    adb.connect(&other);
    let app = App::new().on(&device);
    let rig = start(&adb).await;
    assert_eq!(app.ask(&rig).await, json!({"deviceId": device.serial()}));
    let pem = fs::read(app.path(&device, "device.crt")).unwrap();
    let binding = Binding::of_certificate(&CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
    assert_eq!(binding, Binding::Bound { app: PACKAGE.to_owned(), device_id: device.serial() });
    let ca = fs::read_to_string(app.path(&device, "sonarCA.crt")).unwrap();
    assert!(CertificateDer::from_pem_slice(ca.as_bytes()).is_ok());
    assert_eq!(fs::read_dir(device.path(&app.destination)).unwrap().count(), 3);
    // One look at each device, and the one that has the app is written to.
    assert_eq!(commands_with(&device, "cat app.csr"), 1);
    assert_eq!(device.commands().len(), 2);
    assert!(device.commands().iter().all(|(command, _)| *command == format!("run-as {PACKAGE}")));
    assert!(other.commands().len() <= 1);
}

#[tokio::test]
async fn only_the_app_can_read_what_is_delivered() {
    use std::os::unix::fs::PermissionsExt as _;
    let Some(adb) = AdbServer::start() else { return };
    let device = Device::new();
    adb.connect(&device);
    let app = App::new().on(&device);
    let rig = start(&adb).await;
    app.ask(&rig).await;
    for name in ["sonarCA.crt", "device.crt"] {
        assert_eq!(fs::metadata(app.path(&device, name)).unwrap().permissions().mode() & 0o7777, 0o600);
    }
}

#[tokio::test]
async fn an_app_of_a_work_profile_is_reached_as_that_user() {
    let Some(adb) = AdbServer::start() else { return };
    let device = Device::new();
    adb.connect(&device);
    let app = App::of_user(10).on(&device);
    let rig = start(&adb).await;
    assert_eq!(app.ask(&rig).await, json!({"deviceId": device.serial()}));
    assert!(device.commands().iter().all(|(command, _)| *command == format!("run-as {PACKAGE} --user 10")));
    assert!(app.path(&device, "device.crt").exists());
}

#[tokio::test]
async fn an_app_whose_id_is_too_long_for_a_certificate_is_found_by_its_app_id() {
    let Some(adb) = AdbServer::start() else { return };
    let device = Device::new();
    adb.connect(&device);
    let package = format!("com.example.{}", "x".repeat(100));
    let destination = format!("/data/user/0/{package}/files/sonar/");
    let app = App { identity: Identity::of(&package), package: package.clone(), destination }.on(&device);
    let rig = start(&adb).await;
    assert_eq!(app.ask(&rig).await, json!({"deviceId": device.serial()}));
    assert!(device.commands().iter().all(|(command, _)| *command == format!("run-as {package}")));
}

#[tokio::test]
async fn a_device_from_before_android_7_is_served() {
    let Some(adb) = AdbServer::start() else { return };
    let device = Device::old();
    adb.connect(&device);
    let app = App::new().on(&device);
    let rig = start(&adb).await;
    assert_eq!(app.ask(&rig).await, json!({"deviceId": device.serial()}));
    let pem = fs::read(app.path(&device, "device.crt")).unwrap();
    assert!(CertificateDer::from_pem_slice(&pem).is_ok());
}

#[tokio::test]
async fn every_device_is_quoted_with_what_it_said() {
    let Some(adb) = AdbServer::start() else { return };
    let devices: Vec<Device> = (0..4).map(|_| Device::new()).collect();
    devices.iter().for_each(|device| adb.connect(device));
    let [without, undebuggable, empty, foreign] = &devices[..] else { panic!() };
    let app = App::new();
    app.installed(undebuggable);
    undebuggable.refuse_run_as(&format!("run-as: package not debuggable: {PACKAGE}"));
    app.installed(empty);
    App::new().on(foreign);
    let mut rig = start(&adb).await;
    let (answer, error) = app.refusal(&mut rig).await;
    assert_eq!(answer["name"], "NoMatchingDevice");
    let message = answer["message"].as_str().unwrap();
    for (device, said) in [
        (without, format!("run-as: unknown package: {PACKAGE}")),
        (undebuggable, format!("run-as: package not debuggable: {PACKAGE}; ")),
        (empty, "cat: app.csr: No such file or directory".to_owned()),
        (foreign, "app.csr holds another certificate request than the one that was sent".to_owned()),
    ] {
        let line = format!("{}: {said}", device.serial());
        assert!(message.contains(&line), "{line}\n{message}");
    }
    let verdicts = verdicts(error);
    assert_eq!(verdicts.len(), 4);
    let of = |device: &Device| &verdicts.iter().find(|verdict| verdict.device == device.serial()).unwrap().finding;
    assert!(matches!(of(without), Finding::NotInstalled { .. }));
    assert!(matches!(of(undebuggable), Finding::NotLetIn { .. }));
    assert!(matches!(of(empty), Finding::NoProof { .. }));
    assert!(matches!(of(foreign), Finding::ProofDiffers));
    // Where the app is not, `su` would only bother its owner.
    assert_eq!(without.commands().len(), 1);
    for device in [empty, foreign] {
        app.assert_untouched(device);
    }
}

#[tokio::test]
async fn a_device_that_lets_nobody_in_is_told_with_the_way_around() {
    let Some(adb) = AdbServer::start() else { return };
    let device = Device::new();
    adb.connect(&device);
    let app = App::new().on(&device);
    for said in [
        "run-as: couldn't stat /data/user/0/com.example: Permission denied",
        "run-as: Operation not permitted",
        "run-as: Could not set capabilities: Operation not permitted",
        "run-as: Package 'com.example' has corrupt installation",
        "run-as: package has wrong owner",
    ] {
        device.refuse_run_as(said);
        let mut rig = start(&adb).await;
        let (answer, error) = app.refusal(&mut rig).await;
        let Finding::NotLetIn { run_as, su } = &verdicts(error)[0].finding else { panic!("{answer}") };
        assert_eq!(run_as.as_str(), said);
        assert!(su.as_str().contains("not found"), "{su:?}");
        let hint = answer["hint"].as_str().unwrap();
        assert!(hint.contains("debuggable") && hint.contains("medium 2 (WWW)"), "{hint}");
        app.assert_untouched(&device);
    }
}

#[tokio::test]
async fn a_device_that_has_su_is_entered_that_way() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
    let Some(adb) = AdbServer::start() else { return };
    let device = Device::new();
    adb.connect(&device);
    let app = App::new().on(&device);
    device.refuse_run_as("run-as: Operation not permitted");
    device.root();
    // As the app's user, which only root can arrange.
    let home = device.path(&format!("/data/user/0/{PACKAGE}"));
    let owned = [&home, &device.path(&app.destination), &app.path(&device, "app.csr")];
    let arranged = owned.iter().all(|path| chown(path, Some(10_123), Some(10_123)).is_ok());
    let rig = start(&adb).await;
    assert_eq!(app.ask(&rig).await, json!({"deviceId": device.serial()}));
    for name in ["sonarCA.crt", "device.crt"] {
        let found = fs::metadata(app.path(&device, name)).unwrap();
        assert_eq!(found.permissions().mode() & 0o7777, 0o600);
        assert!(!arranged || (found.uid(), found.gid()) == (10_123, 10_123));
    }
}

#[tokio::test]
async fn root_does_not_write_where_the_app_cannot() {
    use std::os::unix::fs::{chown, symlink};
    let Some(adb) = AdbServer::start() else { return };
    let device = Device::new();
    adb.connect(&device);
    device.refuse_run_as("run-as: Operation not permitted");
    device.root();
    // The app leads its destination to a directory of somebody else, who happens to have its request.
    let app = App::new();
    let victim = device.path("/data/user/0/com.example.victim");
    fs::create_dir_all(&victim).unwrap();
    fs::write(victim.join("app.csr"), &app.identity.csr).unwrap();
    let files = device.path(&format!("/data/user/0/{PACKAGE}/files"));
    fs::create_dir_all(&files).unwrap();
    symlink(&victim, files.join("sonar")).unwrap();
    if chown(&victim, Some(10_124), Some(10_124)).is_err() {
        return;
    }
    let mut rig = start(&adb).await;
    let (answer, _) = app.refusal(&mut rig).await;
    assert!(answer["message"].as_str().unwrap().contains("the directory belongs to somebody else"), "{answer}");
    assert_eq!(fs::read_dir(&victim).unwrap().count(), 1);
}

#[tokio::test]
async fn a_link_is_no_proof_on_a_device_either() {
    use std::os::unix::fs::symlink;
    let Some(adb) = AdbServer::start() else { return };
    let device = Device::new();
    adb.connect(&device);
    let app = App::new().on(&device);
    let kept = device.path("/kept.csr");
    fs::rename(app.path(&device, "app.csr"), &kept).unwrap();
    symlink(&kept, app.path(&device, "app.csr")).unwrap();
    let mut rig = start(&adb).await;
    let (answer, _) = app.refusal(&mut rig).await;
    assert!(answer["message"].as_str().unwrap().contains("app.csr is no regular file"), "{answer}");
    app.assert_untouched(&device);
}

#[tokio::test]
async fn links_in_the_place_of_certificates_are_replaced_and_directories_are_told() {
    use std::os::unix::fs::symlink;
    let Some(adb) = AdbServer::start() else { return };
    let device = Device::new();
    adb.connect(&device);
    let app = App::new().on(&device);
    let precious = device.path("/precious");
    fs::write(&precious, "precious").unwrap();
    symlink(&precious, app.path(&device, "device.crt")).unwrap();
    let mut rig = start(&adb).await;
    assert_eq!(app.ask(&rig).await, json!({"deviceId": device.serial()}));
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    assert!(fs::symlink_metadata(app.path(&device, "device.crt")).unwrap().is_file());

    fs::remove_file(app.path(&device, "device.crt")).unwrap();
    fs::remove_file(app.path(&device, "sonarCA.crt")).unwrap();
    fs::create_dir(app.path(&device, "device.crt")).unwrap();
    let (answer, error) = app.refusal(&mut rig).await;
    assert_eq!(answer["name"], "WriteFailed");
    assert!(matches!(error, DeliveryError::DeviceWrite { .. }));
    assert!(answer["message"].as_str().unwrap().contains("device.crt is a directory"), "{answer}");
    assert_eq!(fs::read_dir(device.path(&app.destination)).unwrap().count(), 2);
}

#[tokio::test]
async fn a_device_that_cannot_be_written_to_keeps_nothing() {
    let Some(adb) = AdbServer::start() else { return };
    let device = Device::new();
    adb.connect(&device);
    let app = App::new().on(&device);
    // What puts a file into its place fails.
    fs::remove_file(device.path("bin/mv")).unwrap();
    let mut rig = start(&adb).await;
    let (answer, _) = app.refusal(&mut rig).await;
    assert_eq!(answer["name"], "WriteFailed");
    app.assert_untouched(&device);
}

#[tokio::test]
async fn a_device_that_vanishes_midway_is_told() {
    let Some(adb) = AdbServer::start() else { return };
    let device = Device::new();
    adb.connect(&device);
    let app = App::new().on(&device);
    device.set_mode(Mode::VanishesOnWrite);
    let mut rig = start(&adb).await;
    let (answer, error) = app.refusal(&mut rig).await;
    assert!(matches!(error, DeliveryError::DeviceWrite { .. }), "{error}");
    assert!(answer["message"].as_str().unwrap().contains(&device.serial()));
    app.assert_untouched(&device);
}

#[tokio::test]
async fn one_device_that_hangs_does_not_hold_up_the_others() {
    let Some(adb) = AdbServer::start() else { return };
    let devices: Vec<Device> = (0..8).map(|_| Device::new()).collect();
    devices.iter().for_each(|device| adb.connect(device));
    devices[0].set_mode(Mode::Hangs);
    let app = App::new().on(&devices[7]);
    // Whoever waited for it would be told that the whole exchange took too long.
    let android = Android::new(adb.address()).device_timeout(Duration::from_secs(3600));
    let rig = Rig::<Tokio>::start(desktop().android(android)).await;
    assert_eq!(app.ask(&rig).await, json!({"deviceId": devices[7].serial()}));
    assert_eq!(commands_with(&devices[7], "cat app.csr"), 1);
    assert!(devices.iter().all(|device| commands_with(device, "cat app.csr") <= 1));
}

#[tokio::test]
async fn a_device_that_hangs_is_given_up() {
    let Some(adb) = AdbServer::start() else { return };
    let device = Device::new();
    adb.connect(&device);
    device.set_mode(Mode::Hangs);
    let android = Android::new(adb.address()).device_timeout(Duration::from_millis(200));
    let mut rig = Rig::<Tokio>::start(desktop().android(android)).await;
    let (answer, error) = App::new().refusal(&mut rig).await;
    let finding = &verdicts(error)[0].finding;
    assert!(matches!(finding, Finding::TimedOut { .. }), "{answer}");
}

#[tokio::test]
async fn a_device_whose_output_never_ends_is_given_up() {
    let Some(adb) = AdbServer::start() else { return };
    let (flooding, good) = (Device::new(), Device::new());
    adb.connect(&flooding);
    adb.connect(&good);
    flooding.set_mode(Mode::Floods);
    let mut rig = start(&adb).await;
    let (answer, error) = App::new().refusal(&mut rig).await;
    let verdicts = verdicts(error);
    let of = |device: &Device| verdicts.iter().find(|verdict| verdict.device == device.serial()).unwrap().to_string();
    assert!(of(&flooding).contains("printed more than"), "{answer}");
    assert!(of(&good).contains("unknown package"), "{answer}");
}

#[tokio::test]
async fn a_device_that_is_not_ready_is_told_with_what_to_do() {
    let Some(adb) = AdbServer::start() else { return };
    let device = Device::distrustful();
    adb.invite(&device);
    let mut rig = start(&adb).await;
    let (answer, error) = App::new().refusal(&mut rig).await;
    let verdicts = verdicts(error);
    assert!(
        matches!(&verdicts[0].finding, Finding::NotReady { state } if state.as_str() == "unauthorized"),
        "{answer}"
    );
    assert!(answer["hint"].as_str().unwrap().contains("trusts this computer"), "{answer}");
}

#[tokio::test]
async fn a_device_that_is_offline_is_not_waited_for() {
    let Some(adb) = AdbServer::start() else { return };
    let (silent, device) = (Device::silent(), Device::new());
    adb.list_as("offline", &silent);
    adb.connect(&device);
    let app = App::new().on(&device);
    let mut rig = start(&adb).await;
    assert_eq!(app.ask(&rig).await, json!({"deviceId": device.serial()}));
    let (answer, error) = App::new().refusal(&mut rig).await;
    let verdicts = verdicts(error);
    let line = format!("{}: the device is offline", silent.serial());
    assert!(verdicts.iter().any(|verdict| verdict.to_string() == line), "{answer}");
}

#[tokio::test]
async fn no_device_and_no_server_are_two_things() {
    let Some(mut adb) = AdbServer::start() else { return };
    let mut rig = start(&adb).await;
    let app = App::new();
    let (answer, _) = app.refusal(&mut rig).await;
    assert_eq!(answer["name"], "NoMatchingDevice");
    assert!(answer["message"].as_str().unwrap().contains("no device is connected"), "{answer}");
    adb.stop();
    let (answer, error) = app.refusal(&mut rig).await;
    assert_eq!(answer["name"], "AdbNotRunning");
    assert!(answer["hint"].as_str().unwrap().contains("adb start-server"), "{answer}");
    assert!(matches!(error, DeliveryError::Adb(_)));
}

#[tokio::test]
async fn nobody_gets_a_certificate_for_what_is_not_the_apps_own() {
    let Some(adb) = AdbServer::start() else { return };
    let device = Device::new();
    adb.connect(&device);
    let mut rig = start(&adb).await;
    for destination in [
        "/data/user/0/com.example.other/files/",
        "/data/user/0/com.example.app_1x/files/",
        "/data/user/zero/com.example.app_1/files/",
        "/data/user/com.example.app_1/",
        "/data/local/tmp/com.example.app_1/",
        "/sdcard/com.example.app_1/",
        "/storage/emulated/0/Android/data/com.example.app_1/files/",
        "/data/user/0/com.example.app_1/../com.example.other/",
        "/data/user/0/com.example.app_1/files'; reboot; '/",
        "/data/user/0/com.example.app_1/files/\nreboot\n/",
        "data/user/0/com.example.app_1/files/",
        "",
    ] {
        let app = App { destination: destination.to_owned(), ..App::new() };
        let (answer, _) = app.refusal(&mut rig).await;
        assert_eq!(answer["name"], "InvalidDestination", "{destination:?}");
    }
    for package in ["com.example.$(reboot)", "com.example app", "größe", "-u", "; reboot", ""] {
        // Their ids cannot be in a certificate, so that the query is what names them.
        let destination = format!("/data/user/0/{package}/files/");
        let app = App { identity: Identity::of(package), package: package.to_owned(), destination };
        let (answer, _) = app.refusal(&mut rig).await;
        assert_eq!(answer["name"], "InvalidPackageName", "{package:?}: {answer}");
    }
    assert_eq!(device.commands(), []);
}

#[tokio::test]
async fn directories_of_every_kind_are_known_as_an_apps_own() {
    let Some(adb) = AdbServer::start() else { return };
    let device = Device::new();
    adb.connect(&device);
    let rig = start(&adb).await;
    fs::create_dir_all(device.path(&format!("/data/user/0/{PACKAGE}"))).unwrap();
    for home in ["/data/data/", "/data/user/0/", "/data/user_de/0/", "/data//user/0/"] {
        let destination = format!("{home}{PACKAGE}/files/sonar");
        let app = App { destination, ..App::new() }.on(&device);
        assert_eq!(app.ask(&rig).await, json!({"deviceId": device.serial()}), "{home}");
        assert!(app.path(&device, "device.crt").exists());
    }
}

/// A whole life: an app of ours on the device exchanges and connects through the device's own ports, which adb leads to
/// the desktop.
#[tokio::test(flavor = "multi_thread")]
async fn an_app_on_a_device_connects_through_adb() {
    let Some(adb) = AdbServer::start() else { return };
    let device = Device::new();
    adb.connect(&device);
    let apps = device.path("/data/user/0");
    let wanted = device.wanted_ports();
    // What is a path of the device for it is one of this machine for the app.
    let android = Android::new(adb.address()).app_root(apps.to_str().unwrap());
    let mut rig = Rig::<Tokio>::start(desktop().android(android)).await;
    let both = tokio::task::spawn_blocking(move || [wanted.recv().unwrap(), wanted.recv().unwrap()]);
    within("both ports to be led here", both).await.unwrap();
    let mut ports = rig.desktop.ports();
    ports.insecure = device.forwarded(ports.insecure).unwrap();
    ports.secure = device.forwarded(ports.secure).unwrap();
    let app = app_named("Phone App", PACKAGE, ports, &apps).os("Android").start().unwrap();
    let client = rig.connected().await;
    let info = rig.desktop.client(&client).unwrap().info;
    assert_eq!(info.query.device_id, device.serial());
    assert_eq!(info.query.os, "Android");
    rig.desktop.stop().await;
    drop(app);
}
