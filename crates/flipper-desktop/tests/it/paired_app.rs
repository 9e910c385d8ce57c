//! Medium WWW as an app sees it: whose certificates it takes.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use flipper_async::Runtime;
use flipper_demo::example;
use flipper_desktop::pki::{PairingSecret, Pairings};
use flipper_desktop::proto::client::{CredentialFailure, CredentialProblem, Failure};
use flipper_desktop::proto::{Bundle, Payload};
use flipper_desktop::{Deliverer, Delivery, DeliveryError, DirectoryUploader, Event, Issued, Ports};
use flipper_tokio::{Builder, DirectoryProvider, Flipper, Notice, Tokio};
use tempfile::tempdir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::support::{APP_ID, DEVICE, Rig, desktop, link, link_to, memory_authority, now, paired, paired_with, within};

fn app(link: String, dir: &Path) -> Builder {
    Flipper::builder("Paired", APP_ID).pairing(link).directory(dir).device(DEVICE).plugin(example()).configure(
        |config| {
            config.backoff.first = Duration::from_millis(10);
            config.backoff.ceiling = Duration::from_millis(50);
        },
    )
}

/// What the app is told that went wrong with its credentials.
fn failures(builder: Builder) -> (Builder, UnboundedReceiver<CredentialFailure>) {
    let (tell, told) = unbounded_channel();
    let builder = builder.observer(move |notice| {
        if let Notice::Failed(Failure::Credentials(failure)) = notice {
            let _over = tell.send(failure.clone());
        }
    });
    (builder, told)
}

async fn next(failures: &mut UnboundedReceiver<CredentialFailure>) -> CredentialFailure {
    within("a failure", failures.recv()).await.unwrap()
}

async fn answers<R: Runtime>(rig: &mut Rig<R>) {
    let client = rig.client().await;
    rig.desktop.init_plugin(&client, "Example").unwrap();
    let params = Payload::serialize(&serde_json::json!({"word": "olleh"})).unwrap();
    let answer = within("an answer", rig.desktop.call(&client, "Example", "reverse", Some(params))).await.unwrap();
    assert_eq!(answer.as_json(), r#"{"word":"hello"}"#);
}

async fn the_link_alone_connects<R: Runtime>() {
    let (mut rig, secret) = paired::<R>().await;
    let dir = tempdir().unwrap();
    let app = app(link_to(&rig.desktop, &secret), dir.path()).start().unwrap();
    let client = rig.connected().await;
    assert!(client.as_str().ends_with(&secret.device_id(APP_ID, DEVICE)), "{client}");
    answers(&mut rig).await;
    app.stop().await;
}

/// Somebody in the place of the desktop, who takes every request and answers what he likes.
struct Rogue<F>(F);

impl<F> Deliverer for Rogue<F>
where
    F: Fn(&Delivery<'_>) -> Result<Issued, DeliveryError> + Send + Sync + 'static,
{
    fn deliver(&self, delivery: &Delivery<'_>) -> Result<Option<Issued>, DeliveryError> {
        (self.0)(delivery).map(Some)
    }
}

fn pairing() -> (Pairings, PairingSecret) {
    let pairings = Pairings::in_memory();
    let (_, secret) = pairings.create("board", None, now()).unwrap();
    (pairings, secret)
}

fn rogue<F>(pairings: &Pairings, deliver: F) -> flipper_desktop::Builder
where
    F: Fn(&Delivery<'_>) -> Result<Issued, DeliveryError> + Send + Sync + 'static,
{
    desktop().pairings(pairings.clone()).deliverer(Rogue(deliver)).configure(|config| {
        config.exchange_rate = flipper_desktop::proto::desktop::Rate { per_second: 1_000, burst: 1_000 };
    })
}

/// The app takes nothing from such a desktop, and keeps nothing of it.
async fn refuses(secret: &PairingSecret, rogue: flipper_desktop::Builder, problem: CredentialProblem) {
    let rig = Rig::<Tokio>::start(rogue).await;
    let dir = tempdir().unwrap();
    let (builder, mut failures) = failures(app(link_to(&rig.desktop, secret), dir.path()));
    let app = builder.start().unwrap();
    let failure = next(&mut failures).await;
    assert_eq!(failure.kind, problem, "{failure}");
    assert!(rig.desktop.clients().is_empty());
    app.stop().await;
    let kept = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    for generation in kept {
        assert!(!generation.join("sonarCA.crt").exists(), "{}", generation.display());
    }
}

/// What a bundle says if it comes from somebody who knows this secret.
fn sealed(secret: &PairingSecret, delivery: &Delivery<'_>, issued: &Issued) -> Bundle {
    let request = delivery.request();
    let proof = request.pairing.as_ref().unwrap();
    secret.bundle(proof, &request.csr, issued.device_id(), issued.ca_pem(), issued.certificate_pem())
}

#[tokio::test]
async fn an_answer_without_a_bundle_is_no_answer_to_a_paired_app() {
    let (pairings, secret) = pairing();
    refuses(&secret, rogue(&pairings, |delivery| delivery.sign("id")), CredentialProblem::Fetch).await;
}

#[tokio::test]
async fn a_bundle_without_a_proof_is_refused() {
    let (pairings, secret) = pairing();
    let deliver = |delivery: &Delivery<'_>| {
        let issued = delivery.sign("id")?;
        let (ca, certificate) = (issued.ca_pem().to_owned(), issued.certificate_pem().to_owned());
        Ok(issued.with_bundle(Bundle { ca, certificate, proof: None }))
    };
    refuses(&secret, rogue(&pairings, deliver), CredentialProblem::NotAuthentic).await;
}

#[tokio::test]
async fn a_bundle_of_another_secret_is_refused() {
    let (pairings, secret) = pairing();
    let other = PairingSecret::generate().unwrap();
    let deliver = move |delivery: &Delivery<'_>| {
        let issued = delivery.sign("id")?;
        let bundle = sealed(&other, delivery, &issued);
        Ok(issued.with_bundle(bundle))
    };
    refuses(&secret, rogue(&pairings, deliver), CredentialProblem::NotAuthentic).await;
}

#[tokio::test]
async fn what_is_swapped_in_a_bundle_is_refused() {
    let (pairings, secret) = pairing();
    let foreign = memory_authority();
    let swaps: [fn(&mut Bundle, &str); 3] = [
        |bundle, foreign| bundle.ca = foreign.to_owned(),
        |bundle, foreign| bundle.certificate = foreign.to_owned(),
        |bundle, _| bundle.proof = bundle.proof.take().map(|proof| proof.to_lowercase()),
    ];
    for swap in swaps {
        let (sealing, foreign) = (secret.clone(), foreign.clone());
        let deliver = move |delivery: &Delivery<'_>| {
            let issued = delivery.sign("id")?;
            let mut bundle = sealed(&sealing, delivery, &issued);
            swap(&mut bundle, &foreign.ca_pem());
            Ok(issued.with_bundle(bundle))
        };
        refuses(&secret, rogue(&pairings, deliver), CredentialProblem::NotAuthentic).await;
    }
}

#[tokio::test]
async fn a_swapped_device_id_is_refused() {
    let (pairings, secret) = pairing();
    let sealing = secret.clone();
    let deliver = move |delivery: &Delivery<'_>| {
        let bundle = sealed(&sealing, delivery, &delivery.sign("id")?);
        Ok(delivery.sign("another")?.with_bundle(bundle))
    };
    refuses(&secret, rogue(&pairings, deliver), CredentialProblem::NotAuthentic).await;
}

#[tokio::test]
async fn the_bundle_of_an_earlier_exchange_is_refused() {
    let (pairings, secret) = pairing();
    let (sealing, earlier) = (secret.clone(), Mutex::new(None));
    let (tell, mut told) = unbounded_channel();
    let deliver = move |delivery: &Delivery<'_>| {
        let issued = delivery.sign("id")?;
        let bundle = sealed(&sealing, delivery, &issued);
        match earlier.lock().unwrap().replace(bundle) {
            // The first exchange was overheard, and never came to its end.
            None => Err(DeliveryError::PairingRequired),
            Some(earlier) => {
                tell.send(()).unwrap();
                Ok(issued.with_bundle(earlier))
            }
        }
    };
    refuses(&secret, rogue(&pairings, deliver), CredentialProblem::NotAuthentic).await;
    assert!(told.try_recv().is_ok());
}

#[tokio::test]
async fn credentials_that_work_outlive_a_rogue_in_between() {
    let authority = memory_authority();
    let (pairings, secret) = pairing();
    let start = |ports: Option<Ports>| {
        let builder = desktop().authority(authority.clone()).pairings(pairings.clone());
        match ports {
            Some(ports) => builder.ports(ports.insecure, ports.secure),
            None => builder,
        }
    };
    let mut rig = Rig::<Tokio>::start(start(None)).await;
    let ports = rig.desktop.ports();
    let dir = tempdir().unwrap();
    let (builder, mut failures) = failures(app(link(ports, &secret), dir.path()));
    let app = builder.start().unwrap();
    answers(&mut rig).await;
    rig.desktop.stop().await;
    let before = files(dir.path());

    // Its certificates are another CA's, so that the app wants to exchange with it.
    let rogue = rogue(&pairings, |delivery| {
        let issued = delivery.sign("id")?;
        let bundle = sealed(&PairingSecret::generate().unwrap(), delivery, &issued);
        Ok(issued.with_bundle(bundle))
    });
    let rogue = Rig::<Tokio>::start(rogue.ports(ports.insecure, ports.secure)).await;
    assert_eq!(next(&mut failures).await.kind, CredentialProblem::NotAuthentic);
    assert!(rogue.desktop.clients().is_empty());
    rogue.desktop.stop().await;
    let after = files(dir.path());
    assert!(before.iter().all(|file| after.contains(file)), "{before:?}, then {after:?}");

    let mut rig = Rig::<Tokio>::start(start(Some(ports))).await;
    answers(&mut rig).await;
    app.stop().await;
}

/// The first credentials.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    ["1/app.csr", "1/privateKey.pem", "1/sonarCA.crt", "1/device.crt", "1/connection_config.json"]
        .map(|name| (name.to_owned(), fs::read(dir.join(name)).unwrap()))
        .into()
}

#[tokio::test]
async fn a_new_key_of_the_desktop_leads_to_a_new_exchange_by_itself() {
    let (pairings, secret) = pairing();
    let mut rig = Rig::<Tokio>::start(desktop().pairings(pairings.clone())).await;
    let ports = rig.desktop.ports();
    let dir = tempdir().unwrap();
    let app = app(link(ports, &secret), dir.path()).start().unwrap();
    let before = rig.connected().await;
    rig.desktop.stop().await;

    let builder = desktop().pairings(pairings).ports(ports.insecure, ports.secure);
    let mut rig = Rig::<Tokio>::start(builder).await;
    assert_eq!(rig.connected().await, before);
    answers(&mut rig).await;
    app.stop().await;
}

#[tokio::test]
async fn a_directory_serves_apps_that_only_share_that() {
    let store = tempdir().unwrap();
    let builder = desktop().certificate_uploader(DirectoryUploader::new(store.path())).in_band_certificates(false);
    let (mut rig, secret) = paired_with::<Tokio>(builder).await;
    let dir = tempdir().unwrap();
    let provider = DirectoryProvider::new(store.path());
    let app = app(link_to(&rig.desktop, &secret), dir.path()).certificate_provider(provider).start().unwrap();
    answers(&mut rig).await;
    app.stop().await;
    let name = format!("{}.json", secret.device_id(APP_ID, DEVICE));
    let names: Vec<_> = fs::read_dir(store.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [name.as_str()]);
}

#[tokio::test]
async fn a_store_can_withhold_certificates_but_not_replace_them() {
    let store = tempdir().unwrap();
    let builder = desktop().certificate_uploader(DirectoryUploader::new(store.path())).in_band_certificates(false);
    let (rig, secret) = paired_with::<Tokio>(builder).await;
    let name = format!("{}.json", secret.device_id(APP_ID, DEVICE));
    // What the app reads is a directory of the store's own, in which another desktop's bundle lies.
    let shown = tempdir().unwrap();
    let foreign = memory_authority();
    let signed = foreign.sign(&crate::support::Identity::of(APP_ID).csr, "id").unwrap();
    let bundle = Bundle { ca: signed.ca_pem, certificate: signed.certificate_pem, proof: Some("x".repeat(43)) };
    fs::write(shown.path().join(&name), bundle.to_json()).unwrap();

    let dir = tempdir().unwrap();
    let provider = DirectoryProvider::new(shown.path());
    let builder = app(link_to(&rig.desktop, &secret), dir.path()).certificate_provider(provider);
    let (builder, mut failures) = failures(builder);
    let app = builder.start().unwrap();
    let failure = next(&mut failures).await;
    assert_eq!(failure.kind, CredentialProblem::NotAuthentic, "{failure}");
    assert!(store.path().join(&name).exists());
    app.stop().await;
}

#[tokio::test]
async fn an_app_whose_clock_is_wrong_is_told_so() {
    let (mut rig, secret) = paired::<Tokio>().await;
    let dir = tempdir().unwrap();
    let behind = flipper_desktop::pki::WallClock::new(|| std::time::SystemTime::now() - Duration::from_secs(3_600));
    let (tell, mut told) = unbounded_channel();
    let builder = app(link_to(&rig.desktop, &secret), dir.path()).observer(move |notice| {
        if let Notice::Failed(failure) = notice {
            let _over = tell.send(failure.to_string());
        }
    });
    let mut setup = builder.into_setup().unwrap();
    setup.wall_clock = behind;
    let app = Flipper::launch_on(flipper_tokio::Tokio::current().unwrap(), setup).unwrap();
    let failure = within("a failure", told.recv()).await.unwrap();
    assert!(failure.contains("ClockSkew") && failure.contains("60 min behind"), "{failure}");
    let skew = rig
        .event("the refusal", |event| match event {
            Event::CertificateRefused { clock_skew_millis, .. } => clock_skew_millis,
            _ => None,
        })
        .await;
    assert!(skew < -3_500_000, "{skew}");
    app.stop().await;
}

on_every_runtime! {
    the_link_alone_connects,
}
