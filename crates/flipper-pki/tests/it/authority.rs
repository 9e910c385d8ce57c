//! The CA of a desktop over time.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use flipper_pki::{
    Authority, AuthorityConfig, Binding, KeyAlgorithm, PinnedCa, PrivateKey, SignedClient, client_config_at,
};
use flipper_proto::TlsFailure;
use x509_cert::certificate::Certificate;
use x509_cert::der::Decode as _;

use crate::support::apps::{APP_ID, App};
use crate::support::clock::{Clock, DAY, HOUR};
use crate::support::handshake::{self, VERSIONS, connect};
use crate::support::official::Ca;
use crate::support::openssl::{self, run};
use crate::support::temp;

fn by(clock: &Clock) -> AuthorityConfig {
    let mut config = AuthorityConfig::default();
    config.clock = clock.as_provider();
    config
}

fn sign(authority: &Authority) -> (SignedClient, String) {
    let key = PrivateKey::generate().unwrap();
    (authority.sign(&key.certificate_request(APP_ID).unwrap(), "d").unwrap(), key.to_pem())
}

/// Lets OpenSSL verify a certificate at a moment of the clock, trusting this CA.
fn verify(ca: &str, certificate: &str, purpose: &[&str], clock: &Clock) -> Result<Vec<u8>, String> {
    let time = clock.seconds().to_string();
    let arguments = [&["verify", "-x509_strict", "-attime", &time, "-CAfile", "ca"], purpose, &["c"]].concat();
    openssl::try_run(&arguments, &[("ca", ca.as_bytes()), ("c", certificate.as_bytes())])
}

const SERVER: [&str; 4] = ["-purpose", "sslserver", "-verify_hostname", "localhost"];
const CLIENT: [&str; 2] = ["-purpose", "sslclient"];

fn pem_chain(authority: &Authority) -> Vec<String> {
    authority.chain().iter().map(|der| openssl::pem("CERTIFICATE", der)).collect()
}

fn field(certificate: &str, arguments: &[&str]) -> String {
    let arguments = [&["x509", "-in", "c", "-noout"], arguments].concat();
    openssl::text(run(&arguments, &[("c", certificate.as_bytes())]))
}

#[test]
fn apps_and_desktops_connect_after_an_exchange() {
    let clock = Clock::now();
    let authority = Authority::in_memory(by(&clock)).unwrap();
    let app = App::new();
    let credentials = app.exchange_with(&authority, "A&B #1?");
    let outcome = connect(client_config_at(&credentials, clock.as_provider()), authority.server_config());
    outcome.assert_connected();
    let expected = Binding::Bound { app: APP_ID.to_owned(), device_id: "A&B #1?".to_owned() };
    assert_eq!(Binding::of_certificate(&outcome.app_certificate.unwrap()), Ok(expected));
    assert_eq!(outcome.desktop_chain, authority.chain());
}

#[test]
fn nothing_is_ever_resumed() {
    let clock = Clock::now();
    let authority = Authority::in_memory(by(&clock)).unwrap();
    // Against a desktop that would: the official one, as far as Node lets it.
    let key = openssl::key(openssl::P256);
    let (ca, ca_key) = (Ca::shared(), openssl::other_rsa_key());
    let (_official_app, official) = App::of(ca);
    for version in VERSIONS {
        let app = client_config_at(&official, clock.as_provider());
        let trust = PinnedCa::from_pem(ca.certificate.as_bytes()).unwrap();
        let shown = handshake::chain(&[&ca.server(ca_key)]);
        let desktop = handshake::desktop(version, &shown, ca_key, trust, clock.as_provider());
        for _ in 0..3 {
            let outcome = connect(Arc::clone(&app), Arc::clone(&desktop));
            outcome.assert_connected();
            assert!(!outcome.resumed, "{version:?}");
        }
    }
    // With an app that would.
    let request = openssl::request(&key, openssl::SUBJECT, &[]);
    let shown = handshake::chain(&[&authority.sign(&request, "").unwrap().certificate_pem]);
    let desktop = authority.server_config();
    for version in VERSIONS {
        let app = handshake::app(version, &shown, &key, authority.trust(), clock.as_provider());
        for _ in 0..3 {
            let outcome = connect(Arc::clone(&app), Arc::clone(&desktop));
            outcome.assert_connected();
            assert!(!outcome.resumed, "{version:?}");
        }
    }
}

#[test]
fn the_desktops_own_key_makes_no_app() {
    let dir = temp::dir();
    let authority = Authority::open(dir.path()).unwrap();
    let key = fs::read_to_string(dir.path().join("server.key")).unwrap();
    let signed = authority.sign(&openssl::request(&key, openssl::SUBJECT, &[]), "").unwrap();
    for version in VERSIONS {
        let shown = handshake::chain(&[&signed.certificate_pem]);
        let app = handshake::app(version, &shown, &key, authority.trust(), Clock::now().as_provider());
        let error = connect(app, authority.server_config()).refused_by_desktop();
        assert_eq!(flipper_pki::classify(&error), TlsFailure::BadCertificate("its key is this side's own".into()));
    }
}

#[test]
fn both_tls_versions_serve_both_sides() {
    let clock = Clock::now();
    let authority = Authority::in_memory(by(&clock)).unwrap();
    let (signed, key) = sign(&authority);
    for version in VERSIONS {
        let shown = handshake::chain(&[&signed.certificate_pem]);
        let app = handshake::app(version, &shown, &key, authority.trust(), clock.as_provider());
        connect(app, authority.server_config()).assert_connected();
    }
}

#[test]
fn an_app_of_another_desktop_is_refused_by_both_sides() {
    let clock = Clock::now();
    let ours = Authority::in_memory(by(&clock)).unwrap();
    let theirs = Authority::in_memory(by(&clock)).unwrap();
    let app = App::new();
    let credentials = app.exchange_with(&theirs, "");
    let outcome = connect(client_config_at(&credentials, clock.as_provider()), ours.server_config());
    assert_eq!(flipper_pki::classify(&outcome.refused_by_app()), TlsFailure::UnknownCa);

    let (signed, key) = sign(&theirs);
    for version in VERSIONS {
        let shown = handshake::chain(&[&signed.certificate_pem]);
        let app = handshake::app(version, &shown, &key, ours.trust(), clock.as_provider());
        let outcome = connect(app, ours.server_config());
        let failure = flipper_pki::classify(outcome.app.as_ref().unwrap_err());
        assert!(matches!(failure, TlsFailure::PeerRefused(_)), "{failure:?}");
        assert_eq!(flipper_pki::classify(&outcome.refused_by_desktop()), TlsFailure::UnknownCa);
    }
}

#[test]
fn openssl_accepts_what_it_issues() {
    let clock = Clock::now();
    let authority = Authority::in_memory(by(&clock)).unwrap();
    let [leaf, ca] = &pem_chain(&authority)[..] else { panic!("not exactly two") };
    assert_eq!(*ca, authority.ca_pem());
    verify(ca, leaf, &SERVER, &clock).unwrap();
    for address in ["127.0.0.1", "::1", "10.0.2.2"] {
        verify(ca, leaf, &["-verify_ip", address], &clock).unwrap();
    }
    verify(ca, leaf, &CLIENT, &clock).expect_err("the desktop's certificate is good for a client");
    verify(ca, &sign(&authority).0.certificate_pem, &CLIENT, &clock).unwrap();

    let text = openssl::describe(leaf);
    assert!(text.contains("Subject: CN=localhost\n") && text.contains("CA:FALSE"), "{text}");
    let text = openssl::describe(ca);
    assert!(text.contains("CA:TRUE") && text.contains("Certificate Sign"), "{text}");
    // Byte for byte the official subject, so that official apps take one CA for the other.
    let official = Ca::shared();
    let subject = ["-subject_hash", "-subject", "-nameopt", "oneline,show_type"];
    assert_eq!(field(ca, &subject), field(&official.certificate, &subject));
}

#[test]
fn what_is_shown_is_never_30_days_old() {
    let clock = Clock::now();
    let authority = Authority::in_memory(by(&clock)).unwrap();
    let app = App::new();
    let credentials = app.exchange_with(&authority, "");
    let desktop = authority.server_config();
    let key_id = field(&authority.ca_pem(), &["-ext", "subjectKeyIdentifier"]);
    let (first_ca, old_app) = (authority.ca_pem(), sign(&authority).0.certificate_pem);
    let mut renewals = 0;
    for _day in 0..150 {
        renewals += u32::from(authority.renew_if_due().unwrap());
        for certificate in authority.chain() {
            let parsed = Certificate::from_der(&certificate).unwrap();
            let begin = parsed.tbs_certificate().validity().not_before.to_unix_duration().as_secs();
            let age = i64::try_from(clock.seconds() - begin).unwrap();
            assert!(age >= HOUR, "not backdated");
            assert!(age < 25 * DAY, "too old for official Android apps, or soon");
        }
        clock.advance(DAY);
    }
    assert_eq!(renewals, 7, "renewed every 20 days");

    // The app knows the CA by a certificate of 150 days ago, and goes on without an exchange.
    let outcome = connect(client_config_at(&credentials, clock.as_provider()), desktop);
    outcome.assert_connected();
    assert_eq!(outcome.desktop_chain, authority.chain(), "the server shows the chain of the moment");
    // So do official apps, which look for the issuer by name and key id.
    assert_eq!(field(&authority.ca_pem(), &["-ext", "subjectKeyIdentifier"]), key_id);
    assert_ne!(authority.ca_pem(), first_ca);
    verify(&first_ca, &pem_chain(&authority)[0], &SERVER, &clock).unwrap();
    verify(&authority.ca_pem(), &old_app, &CLIENT, &clock).unwrap();
}

#[test]
fn a_clock_that_is_put_right_renews_at_once() {
    let dir = temp::dir();
    let wrong = Clock::now_plus(400 * DAY);
    let ahead = Authority::open_with(dir.path(), by(&wrong)).unwrap();
    let app = App::new();
    app.exchange_with(&ahead, "");

    let right = Clock::now();
    let authority = Authority::open_with(dir.path(), by(&right)).unwrap();
    assert_ne!(authority.chain(), ahead.chain());
    verify(&authority.ca_pem(), &pem_chain(&authority)[0], &SERVER, &right).unwrap();
    // The app's certificate lies in the future, and the desktop says why it does not take it.
    let credentials = app.store.load().credentials.unwrap();
    let now = right.seconds() * 1000;
    assert!(credentials.not_before.as_unix_millis() > now);
    let outcome = connect(client_config_at(&credentials, right.as_provider()), authority.server_config());
    assert!(outcome.app.is_err());
}

#[test]
fn apps_whose_certificate_has_expired_are_told_so() {
    let clock = Clock::now();
    let authority = Authority::in_memory(by(&clock)).unwrap();
    let app = App::new();
    let credentials = app.exchange_with(&authority, "");
    clock.advance(366 * DAY);
    assert!(credentials.not_after.as_unix_millis() < clock.seconds() * 1000);
    assert!(authority.renew_if_due().unwrap());
    let outcome = connect(client_config_at(&credentials, clock.as_provider()), authority.server_config());
    let told = flipper_pki::classify(outcome.app.as_ref().unwrap_err());
    assert_eq!(told, TlsFailure::PeerRefused("alert CertificateExpired".into()));
    assert_eq!(flipper_pki::classify(&outcome.refused_by_desktop()), TlsFailure::Expired);
}

#[test]
fn nothing_that_is_formatted_shows_a_key() {
    let dir = temp::dir();
    let authority = Authority::open(dir.path()).unwrap();
    let shown = format!("{authority:?} {:?}", authority.trust());
    for name in ["ca.key", "server.key"] {
        let key = openssl::der(&fs::read_to_string(dir.path().join(name)).unwrap());
        for secret in [format!("{:?}", &key[36..44]), hex(&key[36..44])] {
            assert!(!shown.contains(&secret), "{shown}");
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_desktop_that_slept_for_months_shows_no_expired_certificate() {
    let clock = Clock::now();
    let dir = temp::dir();
    let app = App::new();
    let on_disk = Authority::open_with(dir.path(), by(&clock)).unwrap();
    for authority in [on_disk, Authority::in_memory(by(&clock)).unwrap()] {
        let credentials = app.exchange_with(&authority, "");
        let config = authority.server_config();
        // Nobody was awake to renew anything.
        clock.advance(100 * DAY);
        connect(client_config_at(&credentials, clock.as_provider()), config).assert_connected();
    }
    // What was shown meanwhile was never written down.
    let credentials = app.exchange_with(&Authority::open_with(dir.path(), by(&clock)).unwrap(), "");
    let reopened = Authority::open_with(dir.path(), by(&clock)).unwrap();
    connect(client_config_at(&credentials, clock.as_provider()), reopened.server_config()).assert_connected();
}

#[test]
fn a_desktop_whose_clock_was_wrong_when_it_started_is_right_once_the_clock_is() {
    for wrong_by in [-20 * 365 * DAY, 20 * 365 * DAY] {
        let clock = Clock::now_plus(wrong_by);
        let authority = Authority::in_memory(by(&clock)).unwrap();
        let config = authority.server_config();
        clock.advance(-wrong_by);
        let app = App::new();
        let credentials = app.exchange_with(&authority, "");
        connect(client_config_at(&credentials, clock.as_provider()), config).assert_connected();
        assert!(credentials.not_after.as_unix_millis() / 1000 > clock.seconds().checked_add_signed(300 * DAY).unwrap());
    }
}

#[test]
fn certificates_of_ed25519_keys_have_one_length() {
    let clock = Clock::now();
    let mut config = by(&clock);
    config.key_algorithm = KeyAlgorithm::Ed25519;
    let mut lengths = BTreeSet::new();
    for _ in 0..32 {
        let authority = Authority::in_memory(config.clone()).unwrap();
        let key = PrivateKey::generate_as(KeyAlgorithm::Ed25519).unwrap();
        let request = key.certificate_request(APP_ID).unwrap();
        let signed = authority.sign(&request, "d").unwrap();
        let shown: Vec<usize> = authority.chain().iter().map(|certificate| certificate.len()).collect();
        lengths.insert((request.len(), signed.certificate_pem.len(), shown));
    }
    assert_eq!(lengths.len(), 1, "{lengths:?}");
}
