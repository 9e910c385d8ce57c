//! Medium WWW as a desktop sees it: who gets a certificate, and what becomes of those who do not.

use std::time::Duration;

use flipper_async::Runtime;
use flipper_desktop::pki::{Binding, PairingSecret, Pairings};
use flipper_desktop::proto::desktop::{ProofLimit, Rate};
use flipper_desktop::proto::{Bundle, Medium, WallTime};
use flipper_desktop::{CertificateUploader, DeliveryError, Desktop, Event, UploadError};
use flipper_tokio::Tokio;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::support::{APP_ID, Asking, DEVICE, Request, Rig, desktop, now, paired, paired_with};

/// What the only request of a new connection is answered.
async fn answer<R: Runtime>(rig: &Rig<R>, asking: &Asking) -> Value {
    let mut peer = Request::exchange(rig.desktop.ports().insecure, &asking.query()).open().await.unwrap();
    peer.send(&asking.message().to_string()).await;
    peer.receive().await
}

async fn refusal<R: Runtime>(rig: &Rig<R>, asking: &Asking) -> String {
    let answer = answer(rig, asking).await;
    assert!(answer.get("deviceId").is_none() && answer.get("bundle").is_none(), "{answer}");
    answer["error"]["name"].as_str().unwrap().to_owned()
}

fn bundle(answer: &Value) -> Bundle {
    serde_json::from_value(answer["bundle"].clone()).unwrap()
}

#[tokio::test]
async fn a_paired_app_is_answered_with_a_bundle_that_proves_itself() {
    let (mut rig, secret) = paired::<Tokio>().await;
    let asking = Asking::new(&secret);
    let answer = answer(&rig, &asking).await;
    let device_id = answer["deviceId"].as_str().unwrap();
    let bundle = bundle(&answer);
    assert!(secret.accepts_bundle(&asking.proof, &asking.csr, device_id, &bundle));
    let certificate = CertificateDer::from_pem_slice(bundle.certificate.as_bytes()).unwrap();
    let bound = Binding::Bound { app: APP_ID.to_owned(), device_id: device_id.to_owned() };
    assert_eq!(Binding::of_certificate(&certificate), Ok(bound));

    // Nothing that the desktop shows holds the secret.
    let issued =
        rig.event("the certificate", |event| matches!(event, Event::CertificateIssued { .. }).then_some(event)).await;
    let url = crate::support::link_to(&rig.desktop, &secret);
    let text = url.split("secret=").last().unwrap();
    assert!(!format!("{issued:?} {:?} {:?}", rig.desktop, rig.desktop.pairings()).contains(text));

    let listed = rig.desktop.pairings().list(now()).unwrap();
    assert_eq!((listed.len(), listed[0].uses, listed[0].failures), (1, 1, 0));
    assert!(listed[0].last_used.is_some());
}

#[tokio::test]
async fn the_device_id_stays_the_same_and_is_anothers_for_none() {
    let (rig, secret) = paired_with::<Tokio>(desktop().configure(often)).await;
    let (_, other) = rig.desktop.pairings().create("other", None, now()).unwrap();
    let device_id = |answer: Value| answer["deviceId"].as_str().unwrap().to_owned();
    let first = device_id(answer(&rig, &Asking::new(&secret)).await);
    assert_eq!(device_id(answer(&rig, &Asking::new(&secret)).await), first);
    assert_ne!(device_id(answer(&rig, &Asking::new(&other)).await), first);
}

#[tokio::test]
async fn medium_www_is_for_paired_apps() {
    let (rig, secret) = paired::<Tokio>().await;
    let asking = Asking::new(&secret);
    let mut peer = Request::exchange(rig.desktop.ports().insecure, &asking.query()).open().await.unwrap();
    let mut message = asking.message();
    message.as_object_mut().unwrap().remove("pairing");
    peer.send(&message.to_string()).await;
    let error = peer.receive().await["error"].clone();
    assert_eq!(error["name"], "PairingRequired");
    assert!(error["hint"].as_str().unwrap().contains("flipper pair"), "{error}");

    message["pairing"] = json!("none");
    peer.send(&message.to_string()).await;
    assert_eq!(peer.receive().await["error"]["name"], "InvalidRequest");
}

#[tokio::test]
async fn whatever_is_changed_on_the_way_is_refused() {
    let patient = |config: &mut _| {
        often(config);
        config.proof_limit.tries = 100;
    };
    let (rig, secret) = paired_with::<Tokio>(desktop().configure(patient)).await;
    let changes: [fn(&mut Asking); 6] = [
        |asking| asking.csr = Asking::new(&PairingSecret::generate().unwrap()).csr,
        |asking| asking.device = "Bob's board".to_owned(),
        |asking| asking.timestamp = WallTime::from_unix_millis(asking.timestamp.as_unix_millis() + 1),
        |asking| asking.proof.nonce = "8PHy8_T19vf4-fr7_P3-_w".to_owned(),
        |asking| asking.proof.nonce.clear(),
        |asking| asking.proof.proof.pop().map_or((), drop),
    ];
    for change in changes {
        let mut asking = Asking::new(&secret);
        change(&mut asking);
        assert_eq!(refusal(&rig, &asking).await, "PairingRefused");
    }
    assert_eq!(rig.desktop.counters().protocol.wrong_proofs, 6);
    assert_eq!(rig.desktop.pairings().list(now()).unwrap()[0].failures, 6);

    // As another medium it needs the proof of that medium, which is a file.
    let mut asking = Asking::new(&secret);
    asking.medium = Medium::FsAccess;
    assert_eq!(refusal(&rig, &asking).await, "InvalidDestination");

    assert!(answer(&rig, &Asking::new(&secret)).await.get("deviceId").is_some());
}

#[tokio::test]
async fn a_request_is_taken_once_even_if_the_desktop_starts_anew() {
    let dir = tempdir().unwrap();
    let start = || Desktop::builder().any_ports().state_directory(dir.path()).configure(often);
    let rig = Rig::<Tokio>::start(start()).await;
    let (_, secret) = rig.desktop.pairings().create("board", None, now()).unwrap();
    let asking = Asking::new(&secret);
    assert!(answer(&rig, &asking).await.get("deviceId").is_some());
    assert_eq!(refusal(&rig, &asking).await, "PairingReplayed");
    rig.desktop.stop().await;

    let rig = Rig::<Tokio>::start(start()).await;
    assert_eq!(refusal(&rig, &asking).await, "PairingReplayed");
    assert_eq!(rig.desktop.counters().protocol.wrong_proofs, 1);
    assert!(answer(&rig, &Asking::new(&secret)).await.get("deviceId").is_some());
}

#[tokio::test]
async fn a_request_of_another_time_is_refused_and_the_clocks_are_named() {
    let (mut rig, secret) = paired::<Tokio>().await;
    let early = WallTime::from_unix_millis(now().as_unix_millis() - 11 * 60_000);
    assert_eq!(refusal(&rig, &Asking::at(&secret, early)).await, "ClockSkew");
    let error = refused(&mut rig).await;
    assert!(error.to_string().contains("11 min behind"), "{error}");
    let late = WallTime::from_unix_millis(now().as_unix_millis() + 12 * 60_000);
    assert_eq!(refusal(&rig, &Asking::at(&secret, late)).await, "ClockSkew");
    // Who has the secret and a bad clock is locked out by nobody.
    assert_eq!(rig.desktop.counters().protocol.wrong_proofs, 0);
}

#[tokio::test]
async fn a_pairing_ends_by_itself_or_by_command() {
    let dir = tempdir().unwrap();
    let builder = Desktop::builder().any_ports().state_directory(dir.path()).configure(often);
    let rig = Rig::<Tokio>::start(builder).await;
    // As another process would: the desktop runs.
    let pairings = Pairings::open(dir.path());
    let past = WallTime::from_unix_millis(now().as_unix_millis() - 2_000);
    let (_, over) = pairings.create("over", Some(Duration::from_secs(1)), past).unwrap();
    let (revoked, secret) = pairings.create("board", None, now()).unwrap();
    assert!(answer(&rig, &Asking::new(&secret)).await.get("deviceId").is_some());

    assert_eq!(refusal(&rig, &Asking::new(&over)).await, "PairingExpired");
    pairings.revoke(&revoked.id, now()).unwrap();
    assert_eq!(refusal(&rig, &Asking::new(&secret)).await, "PairingRevoked");
    assert_eq!(refusal(&rig, &Asking::new(&PairingSecret::generate().unwrap())).await, "PairingUnknown");
}

#[tokio::test]
async fn three_wrong_proofs_lock_the_pairing_for_their_address_alone() {
    let lock = Duration::from_secs(3_600);
    let strict = move |config: &mut _| {
        often(config);
        (config.proof_limit.lock, config.proof_limit.longest_lock) = (lock, lock);
    };
    let (mut rig, secret) = paired_with::<Tokio>(desktop().configure(strict)).await;
    let (_, other) = rig.desktop.pairings().create("other", None, now()).unwrap();
    for _ in 0..ProofLimit::default().tries {
        let mut guess = Asking::new(&PairingSecret::generate().unwrap());
        guess.proof.id = secret.id();
        assert_eq!(refusal(&rig, &guess).await, "PairingRefused");
    }
    let told = rig
        .event("the lock", |event| match event {
            Event::PairingLocked { id, wait, .. } => Some((id.to_string(), wait)),
            _ => None,
        })
        .await;
    assert_eq!(told, (secret.id(), lock));

    assert_eq!(refusal(&rig, &Asking::new(&secret)).await, "PairingLocked");
    assert!(answer(&rig, &Asking::new(&other)).await.get("deviceId").is_some());
    let counters = rig.desktop.counters().protocol;
    assert_eq!((counters.wrong_proofs, counters.locked_exchanges), (3, 1));
    let listed = rig.desktop.pairings().list(now()).unwrap();
    assert_eq!((listed[0].failures, listed[0].uses), (3, 0));
}

#[tokio::test]
async fn an_uploader_that_fails_is_told_to_the_desktops_user_and_not_to_the_network() {
    struct Broken;
    impl CertificateUploader for Broken {
        fn upload(&self, _: &str, _: &Bundle) -> Result<(), UploadError> {
            Err("the bucket is full".into())
        }
    }
    let (mut rig, secret) = paired_with::<Tokio>(desktop().certificate_uploader(Broken)).await;
    let answer = answer(&rig, &Asking::new(&secret)).await;
    assert_eq!(answer["error"]["name"], "UploadFailed");
    assert!(!answer.to_string().contains("bucket"), "{answer}");
    assert_eq!(refused(&mut rig).await, DeliveryError::Upload("the bucket is full".into()));
}

#[tokio::test]
async fn one_link_serves_apps_whose_names_are_the_same() {
    let (rig, secret) = paired_with::<Tokio>(desktop().configure(often)).await;
    assert_ne!(secret.device_id(APP_ID, DEVICE), secret.device_id("com.example.other", DEVICE));
    assert_ne!(secret.device_id(APP_ID, DEVICE), secret.device_id(APP_ID, "Bob's board"));
    assert_eq!(answer(&rig, &Asking::new(&secret)).await["deviceId"], secret.device_id(APP_ID, DEVICE));
}

async fn refused(rig: &mut Rig<Tokio>) -> DeliveryError {
    rig.event("the refusal", |event| match event {
        Event::CertificateRefused { error, .. } => Some(error),
        _ => None,
    })
    .await
}

/// Tests ask more often than people.
fn often(config: &mut flipper_desktop::proto::desktop::Config) {
    config.exchange_rate = Rate { per_second: 1_000, burst: 1_000 };
}
