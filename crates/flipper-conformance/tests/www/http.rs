//! Certificates by way of a web server.

use std::sync::Arc;
use std::time::Duration;

use flipper_desktop::proto::client::CredentialProblem;
use flipper_desktop::{DeliveryError, Event, HttpPlace, HttpUploader, PlaceError, UploadError};
use flipper_tokio::HttpProvider;
use rustls::ServerConfig;
use rustls_pki_types::PrivateKeyDer;

use super::http_server::{Reply, Server};
use super::rig::Rig;

#[tokio::test]
async fn plain_http_will_do() {
    let store = Server::plain();
    let place = HttpPlace::new(format!("{}/flipper/", store.url)).header("Authorization", "Bearer abc");
    let mut rig = Rig::uploading(HttpUploader::new(place.clone())).await;
    let app = rig.app(HttpProvider::new(place));
    rig.answers().await;
    let path = format!("/flipper/{}", rig.name());
    assert!(store.kept(&path).is_some());
    let seen: Vec<_> = store.requests().into_iter().map(|seen| (seen.method, seen.path, seen.authorization)).collect();
    let bearer = Some("Bearer abc".to_owned());
    assert_eq!(seen, [("PUT".to_owned(), path.clone(), bearer.clone()), ("GET".to_owned(), path, bearer)]);
    app.flipper.stop().await;
}

/// A web server's certificate, and the CA that issued it.
fn web_certificate() -> (Arc<ServerConfig>, String) {
    let ca_key = rcgen::KeyPair::generate().unwrap();
    let mut ca = rcgen::CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_certificate = ca.self_signed(&ca_key).unwrap();
    let issuer = rcgen::Issuer::new(ca, ca_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    (Arc::new(config), ca_certificate.pem())
}

#[tokio::test]
async fn https_trusts_the_ca_that_it_is_given_and_no_other() {
    let (config, ca) = web_certificate();
    let store = Server::start(Some(config));
    let place = HttpPlace::new(&*store.url).root_certificates(ca);
    let mut rig = Rig::uploading(HttpUploader::new(place.clone())).await;

    // The system's CAs did not issue this certificate, and another one did not either.
    let (_, other) = web_certificate();
    for stranger in [HttpPlace::new(&*store.url), HttpPlace::new(&*store.url).root_certificates(other)] {
        let mut app = rig.app(HttpProvider::new(stranger));
        let failure = app.failure().await;
        assert_eq!(failure.kind, CredentialProblem::Fetch, "{failure}");
        app.flipper.stop().await;
    }

    let app = rig.app(HttpProvider::new(place));
    rig.answers().await;
    app.flipper.stop().await;
}

#[tokio::test]
async fn no_redirect_leads_from_https_to_http() {
    let (config, ca) = web_certificate();
    let (store, plain) = (Server::start(Some(config)), Server::plain());
    let place = HttpPlace::new(&*store.url).root_certificates(ca);
    let rig = Rig::uploading(HttpUploader::new(place.clone())).await;
    let elsewhere = plain.url.clone();
    store.answer(move |request| match &*request.method {
        "PUT" => Reply::Serve,
        _ => Reply::Redirect(format!("{elsewhere}{}", request.path)),
    });
    let mut app = rig.app(HttpProvider::new(place));
    assert_eq!(app.failure().await.kind, CredentialProblem::Fetch);
    assert_eq!(plain.requests(), []);
    app.flipper.stop().await;
}

#[tokio::test]
async fn a_few_redirects_are_followed_and_many_are_not() {
    let store = Server::plain();
    let mut rig = Rig::uploading(HttpUploader::new(&*store.url)).await;
    let (base, path) = (store.url.clone(), format!("/{}", rig.name()));
    store.answer(move |request| match &*request.path {
        "/third" => Reply::Redirect(format!("{base}{path}")),
        "/second" => Reply::Redirect(format!("{base}/third")),
        "/first" => Reply::Redirect(format!("{base}/second")),
        "/round" => Reply::Redirect(format!("{base}/round")),
        _ => Reply::Serve,
    });
    // Every name is read at the same path here.
    let at = |path: &str| HttpProvider::new(format!("{}{path}#{{name}}", store.url));
    let app = rig.app(at("/first"));
    rig.answers().await;
    app.flipper.stop().await;

    let mut app = rig.app(at("/round"));
    let failure = app.failure().await;
    assert!(failure.text.contains("redirects"), "{failure}");
    app.flipper.stop().await;
}

#[tokio::test]
async fn what_is_no_bundle_or_too_large_is_refused_at_once() {
    let store = Server::plain();
    let rig = Rig::uploading(HttpUploader::new(&*store.url)).await;
    for (body, part) in [
        (b"<html>".to_vec(), "are no certificates"),
        (b"{\"ca\":1}".to_vec(), "are no certificates"),
        (vec![b'x'; (64 << 10) + 1], "more than 65536 bytes"),
    ] {
        let served = body.clone();
        store.answer(move |request| match &*request.method {
            "PUT" => Reply::Serve,
            _ => Reply::Body(served.clone()),
        });
        let before = store.requests().len();
        let mut app = rig.app_once(HttpProvider::new(&*store.url));
        let failure = app.failure().await;
        assert!(failure.text.contains(part) && failure.text.contains(&store.url), "{failure}");
        assert_eq!(store.requests().len() - before, 2, "one upload, one look at it");
        app.flipper.stop().await;
    }
}

#[tokio::test]
async fn a_store_may_need_a_moment() {
    let store = Server::plain();
    let mut rig = Rig::uploading(HttpUploader::new(&*store.url)).await;
    let (mut puts, mut gets) = (0, 0);
    store.answer(move |request| {
        let tries = if request.method == "PUT" { &mut puts } else { &mut gets };
        *tries += 1;
        match (&*request.method, *tries) {
            ("PUT", 1) => Reply::Status(503),
            ("GET", 1) => Reply::Status(404),
            // An old bundle, as a cache would show it.
            ("GET", 2) => Reply::Body(br#"{"ca":"CA","certificate":"C","proof":"AA"}"#.to_vec()),
            _ => Reply::Serve,
        }
    });
    let app = rig.app(HttpProvider::new(&*store.url));
    rig.answers().await;
    let methods: Vec<_> = store.requests().into_iter().map(|seen| seen.method).collect();
    assert_eq!(methods, ["PUT", "PUT", "GET", "GET", "GET"], "all in one exchange");
    app.flipper.stop().await;
}

#[tokio::test]
async fn a_store_that_says_nothing_is_given_up() {
    let store = Server::plain();
    let place = HttpPlace::new(&*store.url).patience(Duration::from_millis(50));
    let mut rig = Rig::uploading(HttpUploader::new(place.clone())).await;
    store.answer(|_| Reply::Silence);
    let app = rig.app_once(HttpProvider::new(place));
    let error = refused(&mut rig).await;
    assert!(matches!(error, DeliveryError::Upload(UploadError::Place(PlaceError::Unreachable { .. }))), "{error}");
    assert_eq!(store.requests().len(), 3);
    app.flipper.stop().await;
}

#[tokio::test]
async fn an_upload_goes_where_it_is_sent_and_nowhere_else() {
    let (store, elsewhere) = (Server::plain(), Server::plain());
    let place = format!("{}/{{name}}?sig=secret", store.url);
    let mut rig = Rig::uploading(HttpUploader::new(place.clone())).await;
    let to = elsewhere.url.clone();
    store.answer(move |request| Reply::Redirect(format!("{to}{}", request.path)));
    let app = rig.app(HttpProvider::new(place));
    let error = refused(&mut rig).await;
    assert!(
        matches!(error, DeliveryError::Upload(UploadError::Place(PlaceError::Status { status: 307, .. }))),
        "{error}"
    );
    assert!(!error.to_string().contains("secret"), "{error}");
    assert_eq!(elsewhere.requests(), []);
    app.flipper.stop().await;
}

async fn refused(rig: &mut Rig) -> DeliveryError {
    rig.event("the refusal", |event| match event {
        Event::CertificateRefused { error, .. } => Some(error),
        _ => None,
    })
    .await
}
