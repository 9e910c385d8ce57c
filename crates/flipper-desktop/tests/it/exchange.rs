//! Certificate exchanges: who gets a certificate, and that nobody else has anything written.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

use flipper_async::Runtime;
use flipper_desktop::pki::Binding;
use flipper_desktop::proto::desktop::Rate;
use flipper_desktop::proto::{Medium, Query};
use flipper_desktop::{Deliverer, Delivery, DeliveryError, Event, Issued};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::support::{Identity, Peer, Request, Rig, desktop, memory_authority};

const APP_ID: &str = "com.example.test";

/// A client that knows what it does, in the directory that it has made for that.
struct Asker {
    dir: TempDir,
    identity: Identity,
}

impl Asker {
    fn new() -> Self {
        let asker = Self { dir: tempdir().unwrap(), identity: Identity::of(APP_ID) };
        fs::write(asker.path("app.csr"), &asker.identity.csr).unwrap();
        asker
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// As clients write it: with a separator at its end.
    fn destination(&self) -> String {
        format!("{}/", self.dir.path().display())
    }

    fn request(&self) -> Value {
        request(&self.identity.csr, &self.destination())
    }

    fn files(&self) -> BTreeSet<String> {
        names_in(self.dir.path())
    }
}

fn request(csr: &str, destination: &str) -> Value {
    json!({"method": "signCertificate", "csr": csr, "destination": destination, "medium": 1})
}

fn names_in(dir: &Path) -> BTreeSet<String> {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn query() -> Query {
    query_on("Linux")
}

fn query_on(os: &str) -> Query {
    let mut query = Query::new("Test App", os, "test device", "unknown");
    query.app_id = Some(APP_ID.to_owned());
    query.medium = Some(Medium::FsAccess);
    query
}

async fn open<R: Runtime>(rig: &Rig<R>) -> Peer {
    open_as(rig, &query()).await
}

async fn open_as<R: Runtime>(rig: &Rig<R>, query: &Query) -> Peer {
    Request::exchange(rig.desktop.ports().insecure, query).open().await.unwrap()
}

async fn ask(peer: &mut Peer, request: &Value) -> Value {
    peer.send(&request.to_string()).await;
    peer.receive().await
}

/// The name of the error that the only request of a new connection is answered with.
async fn refusal<R: Runtime>(rig: &Rig<R>, request: &Value) -> String {
    let answer = ask(&mut open(rig).await, request).await;
    assert!(answer.get("deviceId").is_none(), "{answer}");
    let error = &answer["error"];
    assert!(!error["message"].as_str().unwrap().is_empty());
    error["name"].as_str().unwrap().to_owned()
}

async fn an_app_that_proves_its_directory_gets_its_certificates<R: Runtime>() {
    let mut rig = Rig::<R>::start(desktop()).await;
    let asker = Asker::new();
    let answer = ask(&mut open(&rig).await, &asker.request()).await;
    assert_eq!(answer, json!({"deviceId": ""}));
    assert_eq!(asker.files(), ["app.csr", "device.crt", "sonarCA.crt"].map(String::from).into());
    let pem = fs::read(asker.path("device.crt")).unwrap();
    let binding = Binding::of_certificate(&CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
    assert_eq!(binding, Binding::Bound { app: APP_ID.to_owned(), device_id: String::new() });
    let issued = rig
        .event("the certificate", |event| match event {
            Event::CertificateIssued { request, common_name, device_id, clock_skew_millis, .. } => {
                Some((request.query.app.clone(), common_name, device_id, clock_skew_millis))
            }
            _ => None,
        })
        .await;
    assert_eq!(issued, ("Test App".to_owned(), APP_ID.to_owned(), String::new(), None));
}

async fn apps_of_any_system_are_served<R: Runtime>() {
    let rig = Rig::<R>::start(desktop()).await;
    for os in ["Linux", "MacOS", "Windows", "FreeBSD", "Metro", "Embedded", "something else"] {
        let asker = Asker::new();
        let answer = ask(&mut open_as(&rig, &query_on(os)).await, &asker.request()).await;
        assert_eq!(answer, json!({"deviceId": ""}), "{os}");
        assert!(asker.path("device.crt").exists());
    }
}

async fn a_destination_may_lack_the_separator_at_its_end<R: Runtime>() {
    let rig = Rig::<R>::start(desktop()).await;
    let asker = Asker::new();
    let destination = asker.dir.path().to_str().unwrap();
    let answer = ask(&mut open(&rig).await, &request(&asker.identity.csr, destination)).await;
    assert_eq!(answer, json!({"deviceId": ""}));
    assert!(asker.path("device.crt").exists());
}

async fn a_request_may_have_other_line_ends_than_the_proof<R: Runtime>() {
    let rig = Rig::<R>::start(desktop()).await;
    let asker = Asker::new();
    let with_cr = asker.identity.csr.replace('\n', "\r\n");
    let answer = ask(&mut open(&rig).await, &request(&with_cr, &asker.destination())).await;
    assert_eq!(answer, json!({"deviceId": ""}));
}

#[cfg(unix)]
async fn only_the_owner_can_read_what_is_delivered<R: Runtime>() {
    use std::os::unix::fs::PermissionsExt as _;
    let rig = Rig::<R>::start(desktop()).await;
    let asker = Asker::new();
    ask(&mut open(&rig).await, &asker.request()).await;
    for name in ["sonarCA.crt", "device.crt"] {
        assert_eq!(fs::metadata(asker.path(name)).unwrap().permissions().mode() & 0o7777, 0o600);
    }
}

#[cfg(unix)]
async fn a_desktop_of_root_gives_files_to_the_user_of_the_app<R: Runtime>() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let asker = Asker::new();
    // Only root can set the stage for this.
    if chown(asker.path("app.csr"), Some(12_345), Some(23_456)).is_err() {
        return;
    }
    let rig = Rig::<R>::start(desktop()).await;
    ask(&mut open(&rig).await, &asker.request()).await;
    for name in ["sonarCA.crt", "device.crt"] {
        let found = fs::metadata(asker.path(name)).unwrap();
        assert_eq!((found.uid(), found.gid()), (12_345, 23_456));
    }
}

async fn without_proof_nothing_is_written<R: Runtime>() {
    let mut rig = Rig::<R>::start(desktop()).await;
    let asker = Asker::new();
    fs::remove_file(asker.path("app.csr")).unwrap();
    let answer = ask(&mut open(&rig).await, &asker.request()).await;
    assert_eq!(answer["error"]["name"], "ProofMissing");
    assert!(answer["error"]["hint"].as_str().unwrap().contains("--no-proof"), "{answer}");
    assert!(asker.files().is_empty());
    let (error, skew) = rig
        .event("the refusal", |event| match event {
            Event::CertificateRefused { error, clock_skew_millis, .. } => Some((error, clock_skew_millis)),
            _ => None,
        })
        .await;
    assert_eq!(error, DeliveryError::ProofMissing { path: asker.path("app.csr") });
    assert_eq!(skew, None);
}

async fn a_desktop_may_do_without_proof<R: Runtime>() {
    let rig = Rig::<R>::start(desktop().require_proof(false)).await;
    let asker = Asker::new();
    fs::remove_file(asker.path("app.csr")).unwrap();
    assert_eq!(ask(&mut open(&rig).await, &asker.request()).await, json!({"deviceId": ""}));
    assert_eq!(asker.files(), ["device.crt", "sonarCA.crt"].map(String::from).into());
}

async fn another_request_is_no_proof<R: Runtime>() {
    let rig = Rig::<R>::start(desktop()).await;
    let asker = Asker::new();
    for other in [Identity::of(APP_ID).csr, String::new(), "x".repeat(100_000), "\u{e9}\u{0}".to_owned()] {
        fs::write(asker.path("app.csr"), other).unwrap();
        assert_eq!(refusal(&rig, &asker.request()).await, "ProofDiffers");
    }
    assert_eq!(asker.files(), ["app.csr"].map(String::from).into());
}

#[cfg(unix)]
async fn what_is_no_regular_file_is_no_proof<R: Runtime>() {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    let rig = Rig::<R>::start(desktop()).await;
    let asker = Asker::new();
    let elsewhere = tempdir().unwrap();
    let kept = elsewhere.path().join("app.csr");
    let proof = asker.path("app.csr");
    fs::rename(&proof, &kept).unwrap();

    symlink(&kept, &proof).unwrap();
    assert_eq!(refusal(&rig, &asker.request()).await, "ProofNotAFile");
    fs::remove_file(&proof).unwrap();

    fs::create_dir(&proof).unwrap();
    assert_eq!(refusal(&rig, &asker.request()).await, "ProofNotAFile");
    fs::remove_dir(&proof).unwrap();

    let _socket = UnixListener::bind(&proof).unwrap();
    assert_eq!(refusal(&rig, &asker.request()).await, "ProofNotAFile");

    assert_eq!(asker.files(), ["app.csr"].map(String::from).into());
    assert_eq!(names_in(elsewhere.path()), ["app.csr"].map(String::from).into());
}

#[cfg(unix)]
async fn links_in_the_place_of_certificates_are_replaced_and_not_followed<R: Runtime>() {
    use std::os::unix::fs::symlink;
    let rig = Rig::<R>::start(desktop()).await;
    let asker = Asker::new();
    let precious = tempdir().unwrap();
    let target = precious.path().join("precious");
    fs::write(&target, "precious").unwrap();
    symlink(&target, asker.path("device.crt")).unwrap();
    symlink(precious.path().join("new"), asker.path("sonarCA.crt")).unwrap();
    assert_eq!(ask(&mut open(&rig).await, &asker.request()).await, json!({"deviceId": ""}));
    assert!(fs::symlink_metadata(asker.path("device.crt")).unwrap().is_file());
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    assert_eq!(names_in(precious.path()), ["precious"].map(String::from).into());
}

async fn a_directory_in_the_place_of_a_certificate_is_told<R: Runtime>() {
    let rig = Rig::<R>::start(desktop()).await;
    let asker = Asker::new();
    fs::create_dir(asker.path("sonarCA.crt")).unwrap();
    assert_eq!(refusal(&rig, &asker.request()).await, "WriteFailed");
    assert_eq!(asker.files(), ["app.csr", "sonarCA.crt"].map(String::from).into());
}

async fn destinations_that_are_no_directory_are_refused<R: Runtime>() {
    let rig = Rig::<R>::start(desktop()).await;
    let asker = Asker::new();
    let csr = &asker.identity.csr;
    let inside = |rest: &str| format!("{}{rest}", asker.destination());
    for destination in
        ["", ".", "sonar/", "./", "~/sonar/", "file:///tmp/", &inside("nothing/"), &inside("app.csr"), "/\u{0}/"]
    {
        assert_eq!(refusal(&rig, &request(csr, destination)).await, "InvalidDestination", "{destination:?}");
    }
    assert_eq!(asker.files(), ["app.csr"].map(String::from).into());
}

#[cfg(unix)]
/// What a page or a program tries that wants files written where it has no business.
async fn destinations_of_others_are_refused_and_nothing_is_written<R: Runtime>() {
    let rig = Rig::<R>::start(desktop()).await;
    let asker = Asker::new();
    let csr = &asker.identity.csr;
    let other = tempdir().unwrap();
    let other = other.path().to_str().unwrap();
    let own = asker.destination();
    let own = own.trim_end_matches('/');
    let link = asker.path("link");
    std::os::unix::fs::symlink(other, &link).unwrap();
    for (destination, expected) in [
        (r"\\evil\share\".to_owned(), "InvalidDestination"),
        ("//evil/share/".to_owned(), "InvalidDestination"),
        ("/home/somebody/.ssh/x".to_owned(), "InvalidDestination"),
        ("/etc/".to_owned(), "ProofMissing"),
        (format!("{other}/"), "ProofMissing"),
        (format!("{own}/../"), "ProofMissing"),
        (format!("{}/", link.display()), "ProofMissing"),
    ] {
        assert_eq!(refusal(&rig, &request(csr, &destination)).await, expected, "{destination:?}");
    }
    assert!(!Path::new("/etc/sonarCA.crt").exists() && !Path::new("/etc/device.crt").exists());
    assert_eq!(names_in(Path::new(other)), BTreeSet::new());
    assert_eq!(asker.files(), ["app.csr", "link"].map(String::from).into());
}

async fn requests_that_nobody_should_sign_are_refused<R: Runtime>() {
    let rig = Rig::<R>::start(desktop()).await;
    let asker = Asker::new();
    let destination = asker.destination();
    let good = &asker.identity.csr;
    let mut bad_signature = good.clone().into_bytes();
    let at = good.find("\n-----END").unwrap() - 8;
    bad_signature[at] = if bad_signature[at] == b'A' { b'B' } else { b'A' };
    for csr in ["", "garbage", &good.replace("REQUEST", "CERTIFICATE"), &String::from_utf8(bad_signature).unwrap()] {
        // The proof is in order, so that it is the request that is refused.
        fs::write(asker.path("app.csr"), csr).unwrap();
        assert_eq!(refusal(&rig, &request(csr, &destination)).await, "InvalidRequest", "{csr}");
    }
    assert_eq!(asker.files(), ["app.csr"].map(String::from).into());
}

async fn nobody_gets_a_name_that_is_not_an_apps<R: Runtime>() {
    let rig = Rig::<R>::start(desktop()).await;
    for name in ["localhost", "LocalHost", "../../etc/passwd", "a b", "", "größe"] {
        let asker = Asker { identity: Identity::posing_as(name), ..Asker::new() };
        fs::write(asker.path("app.csr"), &asker.identity.csr).unwrap();
        assert_eq!(refusal(&rig, &asker.request()).await, "InvalidRequest", "{name}");
        assert_eq!(asker.files(), ["app.csr"].map(String::from).into());
    }
}

async fn what_is_not_served_yet_is_said_to_be<R: Runtime>() {
    let rig = Rig::<R>::start(desktop()).await;
    let asker = Asker::new();
    let answer = ask(&mut open_as(&rig, &query_on("Android")).await, &asker.request()).await;
    assert_eq!(answer["error"]["name"], "NotServed");
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("Android") && message.contains("not served yet"), "{message}");
    let hint = answer["error"]["hint"].as_str().unwrap();
    assert!(hint.contains("Builder::android"), "{hint}");
    let mut request = asker.request();
    request["medium"] = 3.into();
    assert_eq!(refusal(&rig, &request).await, "NotServed");
    assert_eq!(asker.files(), ["app.csr"].map(String::from).into());
}

async fn garbage_is_answered_and_the_connection_goes_on<R: Runtime>() {
    let mut rig = Rig::<R>::start(desktop()).await;
    let asker = Asker::new();
    let mut peer = open(&rig).await;
    for garbage in ["", "null", "[1]", "{", "{}", r#"{"method":"fly"}"#, r#"{"method":"signCertificate"}"#] {
        peer.send(garbage).await;
        assert_eq!(peer.receive().await["error"]["name"], "InvalidRequest", "{garbage}");
    }
    peer.send(&"x".repeat(200_000)).await;
    assert_eq!(peer.receive().await["error"]["name"], "InvalidRequest");
    let bytes = asker.request().to_string().into_bytes();
    futures_util::SinkExt::send(&mut peer.socket, tungstenite::Message::binary(bytes)).await.unwrap();
    assert_eq!(peer.receive().await, json!({"deviceId": ""}));
    rig.event("the complaint", |event| matches!(event, Event::PeerMisbehaved { client: None, .. }).then_some(())).await;
    let counters = rig.desktop.counters().protocol;
    assert_eq!((counters.bad_messages, counters.binary_messages), (8, 1));
}

async fn a_message_beyond_all_measure_ends_the_connection_with_a_reason<R: Runtime>() {
    let rig = Rig::<R>::start(desktop()).await;
    let mut peer = open(&rig).await;
    // Large enough that the peer still sends when the desktop has had enough: it must not be cut off there, or it would
    // never see the reason.
    peer.send(&"x".repeat(32 << 20)).await;
    let (code, reason) = peer.closed().await;
    assert_eq!(code, 4413);
    assert!(reason.contains("bytes"), "{reason}");
}

async fn a_clock_that_is_far_off_is_told_by_how_much<R: Runtime>() {
    let mut rig = Rig::<R>::start(desktop()).await;
    let asker = Asker::new();
    let now = u64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    let hour = 60 * 60 * 1000;
    let mut skewed = async |timestamp: u64| {
        let mut request = asker.request();
        request["timestamp"] = timestamp.into();
        let answer = ask(&mut open(&rig).await, &request).await;
        let skew = rig
            .event("the skew", |event| match event {
                Event::CertificateIssued { clock_skew_millis, .. }
                | Event::CertificateRefused { clock_skew_millis, .. } => clock_skew_millis,
                _ => None,
            })
            .await;
        (answer, skew)
    };
    // The desktop's clock goes on meanwhile.
    let about = |skew: i64, expected: i64| (skew - expected).abs() < 60_000;

    let (answer, skew) = skewed(now - 3 * hour).await;
    assert_eq!(answer, json!({"deviceId": ""}));
    assert!(about(skew, -3 * 60 * 60 * 1000), "{skew}");

    let (answer, skew) = skewed(now - 7 * 24 * hour).await;
    assert_eq!(answer["error"]["name"], "ClockSkew");
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("7 d 0 h behind"), "{message}");
    assert!(about(skew, -7 * 24 * 60 * 60 * 1000), "{skew}");

    let (answer, _) = skewed(now + 1_000 * 24 * hour + hour / 2).await;
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("1000 d 0 h ahead of"), "{message}");
}

async fn requests_that_come_too_fast_are_told_to_wait<R: Runtime>() {
    let once = Rate { per_second: 1, burst: 1 };
    let rig = Rig::<R>::start(desktop().configure(|config| config.connection_exchange_rate = once)).await;
    let asker = Asker::new();
    let mut peer = open(&rig).await;
    peer.send(&asker.request().to_string()).await;
    peer.send(&asker.request().to_string()).await;
    let mut answers = [peer.receive().await, peer.receive().await];
    // The refusal needs no work, so that it may well come first.
    answers.sort_by_key(|answer| answer.get("error").is_some());
    assert_eq!(answers[0], json!({"deviceId": ""}));
    assert_eq!(answers[1]["error"]["name"], "RateLimited");
    assert_eq!(rig.desktop.counters().protocol.limited_exchanges, 1);
}

/// Serves Android: each request is answered the device id that it names as its destination. Some wait for a word first.
struct Emulators(Mutex<Receiver<()>>);

impl Deliverer for Emulators {
    fn deliver(&self, delivery: &Delivery<'_>) -> Result<Option<Issued>, DeliveryError> {
        let request = delivery.request();
        if request.query.os != "Android" {
            return Ok(None);
        }
        if request.destination.ends_with("slow") {
            self.0.lock().unwrap().recv().unwrap();
        }
        assert_ne!(request.destination, "panic", "as the test wants it");
        delivery.sign(&request.destination).map(Some)
    }
}

fn android() -> Query {
    query_on("Android")
}

async fn a_deliverer_of_ones_own_serves_other_clients_and_plain_files_still_work<R: Runtime>() {
    let authority = memory_authority();
    let (say, word) = channel();
    let builder = desktop().authority(authority.clone()).deliverer(Emulators(Mutex::new(word)));
    let mut rig = Rig::<R>::start(builder).await;
    let asker = Asker::new();
    let mut phone = open_as(&rig, &android()).await;
    phone.send(&request(&asker.identity.csr, "emulator-slow").to_string()).await;

    // The thread of the deliverer waits: nobody else does.
    assert_eq!(ask(&mut open(&rig).await, &asker.request()).await, json!({"deviceId": ""}));

    say.send(()).unwrap();
    assert_eq!(phone.receive().await, json!({"deviceId": "emulator-slow"}));

    // What was answered is what the certificate is good for.
    let tls = asker.identity.tls(&authority, &authority, "emulator-slow");
    let mut session = android();
    session.device_id = "emulator-fast".to_owned();
    let secure = rig.desktop.ports().secure;
    let mut impostor = Request::session(secure, &session, tls.clone()).open().await.unwrap();
    assert_eq!(impostor.closed().await.0, 4403);
    session.device_id = "emulator-slow".to_owned();
    let _phone = Request::session(secure, &session, tls).open().await.unwrap();
    assert!(rig.connected().await.as_str().contains("emulator-slow"));
}

async fn answers_come_in_the_order_of_the_requests<R: Runtime>() {
    let (say, word) = channel();
    let rig = Rig::<R>::start(desktop().deliverer(Emulators(Mutex::new(word)))).await;
    let asker = Asker::new();
    let mut peer = open_as(&rig, &android()).await;
    for device in ["slow", "second", "third"] {
        peer.send(&request(&asker.identity.csr, device).to_string()).await;
    }
    // Somebody else is served meanwhile: there was time enough for the second and the third.
    for _ in 0..3 {
        assert_eq!(ask(&mut open(&rig).await, &asker.request()).await, json!({"deviceId": ""}));
    }
    say.send(()).unwrap();
    for device in ["slow", "second", "third"] {
        assert_eq!(peer.receive().await, json!({"deviceId": device}));
    }
}

async fn a_deliverer_that_panics_harms_nobody<R: Runtime>() {
    let (_say, word) = channel();
    let rig = Rig::<R>::start(desktop().deliverer(Emulators(Mutex::new(word)))).await;
    let asker = Asker::new();
    let answer = ask(&mut open_as(&rig, &android()).await, &request(&asker.identity.csr, "panic")).await;
    assert_eq!(answer["error"]["name"], "DelivererPanicked");
    assert_eq!(ask(&mut open(&rig).await, &asker.request()).await, json!({"deviceId": ""}));
}

async fn a_peer_that_never_waits_for_its_answers_is_refused_at_some_point<R: Runtime>() {
    let often = Rate { per_second: 1_000, burst: 1_000 };
    let (say, word) = channel();
    let builder = desktop().deliverer(Emulators(Mutex::new(word))).configure(|config| {
        config.connection_exchange_rate = often;
        config.exchange_rate = often;
    });
    let rig = Rig::<R>::start(builder).await;
    let asker = Asker::new();
    let mut peer = open_as(&rig, &android()).await;
    for _ in 0..12 {
        peer.send(&request(&asker.identity.csr, "slow").to_string()).await;
    }
    // One is served, eight wait.
    for _ in 0..3 {
        assert_eq!(peer.receive().await["error"]["name"], "TooManyRequests");
    }
    for _ in 0..9 {
        say.send(()).unwrap();
        assert_eq!(peer.receive().await, json!({"deviceId": "slow"}));
    }
}

async fn an_acknowledgement_is_told<R: Runtime>() {
    let mut rig = Rig::<R>::start(desktop()).await;
    let mut peer = open(&rig).await;
    let acknowledgement = json!({"method": "signCertificateAck", "isError": false, "hasRequiredFiles": true,
        "config": {"deviceId": "", "medium": 1}, "logs": ["1:info:done"]});
    peer.send(&acknowledgement.to_string()).await;
    let told = rig
        .event("the acknowledgement", |event| match event {
            Event::ExchangeAcknowledged { is_error, has_required_files, logs, .. } => {
                Some((is_error, has_required_files, logs.to_vec()))
            }
            _ => None,
        })
        .await;
    assert_eq!(told, (false, Some(true), vec!["1:info:done".to_owned()]));
}

on_every_runtime! {
    an_app_that_proves_its_directory_gets_its_certificates,
    apps_of_any_system_are_served,
    a_destination_may_lack_the_separator_at_its_end,
    a_request_may_have_other_line_ends_than_the_proof,
    #[cfg(unix)] only_the_owner_can_read_what_is_delivered,
    #[cfg(unix)] a_desktop_of_root_gives_files_to_the_user_of_the_app,
    without_proof_nothing_is_written,
    a_desktop_may_do_without_proof,
    another_request_is_no_proof,
    #[cfg(unix)] what_is_no_regular_file_is_no_proof,
    #[cfg(unix)] links_in_the_place_of_certificates_are_replaced_and_not_followed,
    a_directory_in_the_place_of_a_certificate_is_told,
    destinations_that_are_no_directory_are_refused,
    #[cfg(unix)]
    destinations_of_others_are_refused_and_nothing_is_written,
    requests_that_nobody_should_sign_are_refused,
    nobody_gets_a_name_that_is_not_an_apps,
    what_is_not_served_yet_is_said_to_be,
    garbage_is_answered_and_the_connection_goes_on,
    a_message_beyond_all_measure_ends_the_connection_with_a_reason,
    a_clock_that_is_far_off_is_told_by_how_much,
    requests_that_come_too_fast_are_told_to_wait,
    a_deliverer_of_ones_own_serves_other_clients_and_plain_files_still_work,
    answers_come_in_the_order_of_the_requests,
    a_deliverer_that_panics_harms_nobody,
    a_peer_that_never_waits_for_its_answers_is_refused_at_some_point,
    an_acknowledgement_is_told,
}
