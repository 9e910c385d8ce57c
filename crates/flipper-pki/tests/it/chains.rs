//! Which certificates are accepted in real handshakes, of TLS 1.2 and 1.3, and which are not.

use std::fs;
use std::sync::Arc;

use flipper_pki::{PeerRefusal, PinError, PinnedCa, client_config_at};
use flipper_proto::TlsFailure;
use rustls::server::danger::ClientCertVerifier as _;
use rustls::{AlertDescription, CertificateError, Error, OtherError};

use crate::support::apps::{App, write_flat};
use crate::support::asn1;
use crate::support::clock::{Clock, DAY};
use crate::support::handshake::{self, Outcome, VERSIONS, chain, connect};
use crate::support::official::Ca;
use crate::support::openssl::{self, Kind, P256, P384};

/// A certificate error in a form that can be compared.
fn refusal(error: &Error) -> Option<PeerRefusal> {
    if let Error::InvalidCertificate(CertificateError::Other(OtherError(reason))) = error {
        reason.downcast_ref().copied()
    } else {
        None
    }
}

fn pinned(ca: &Ca) -> PinnedCa {
    PinnedCa::from_pem(ca.certificate.as_bytes()).unwrap()
}

/// An app of the shared CA meets a desktop that shows `shown`, once per TLS version.
fn meet(shown: &[Vec<u8>], key: &str, clock: &Clock) -> Vec<Outcome> {
    let ca = Ca::shared();
    let (_app, credentials) = App::of(ca);
    let connect = |version| {
        let app = client_config_at(&credentials, clock.as_provider());
        connect(app, handshake::desktop(version, shown, key, pinned(ca), clock.as_provider()))
    };
    VERSIONS.into_iter().map(connect).collect()
}

#[track_caller]
fn assert_app_accepts(shown: &[&str], key: &str) {
    for outcome in meet(&chain(shown), key, &Clock::now()) {
        outcome.assert_connected();
    }
}

/// The app refuses what is shown with the same error in both versions.
#[track_caller]
fn app_refuses(shown: &[Vec<u8>], key: &str, clock: &Clock) -> Error {
    let mut errors: Vec<Error> = meet(shown, key, clock).into_iter().map(Outcome::refused_by_app).collect();
    let last = errors.pop().unwrap();
    assert!(
        errors.iter().all(|error| flipper_pki::classify(error) == flipper_pki::classify(&last)),
        "{errors:?} {last:?}"
    );
    last
}

const SERVER_V3: &str = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n\
                         extendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost,IP:127.0.0.1";

#[test]
fn an_app_accepts_the_official_desktop() {
    let ca = Ca::shared();
    let key = openssl::other_rsa_key();
    let leaf = ca.server(key);
    assert_app_accepts(&[&leaf], key);
    assert_app_accepts(&[&leaf, &ca.certificate], key);
}

#[test]
fn an_app_accepts_desktops_of_every_kind_of_key() {
    let ca = Ca::shared();
    for kind in [P256, P384, Kind::Ed25519, Kind::Rsa(3072)] {
        let key = openssl::key(kind);
        assert_app_accepts(&[&ca.server(&key)], &key);
    }
}

#[test]
fn an_app_accepts_modern_desktops() {
    let ca = Ca::shared();
    let key = openssl::other_rsa_key();
    let extensions = [
        SERVER_V3,
        "subjectAltName=DNS:localhost",
        "subjectAltName=DNS:some.other.host",
        "subjectAltName=IP:10.0.2.2",
        "extendedKeyUsage=clientAuth,serverAuth",
        "1.2.3.4=ASN1:NULL",
    ];
    for extensions in extensions {
        assert_app_accepts(&[&ca.issue(key, "/CN=localhost", extensions, 30)], key);
    }
    // With alternative names, the common name says nothing.
    assert_app_accepts(&[&ca.issue(key, "/CN=whoever", "subjectAltName=DNS:localhost", 30)], key);
}

#[test]
fn an_app_refuses_other_cas() {
    let key = openssl::other_rsa_key();
    let now = Clock::now();
    let unknown = Error::InvalidCertificate(CertificateError::UnknownIssuer);
    let other = Ca::other();
    assert_eq!(app_refuses(&chain(&[&other.server(key)]), key, &now), unknown);
    // Showing the right CA beside it makes it no better.
    assert_eq!(app_refuses(&chain(&[&other.server(key), &Ca::shared().certificate]), key, &now), unknown);
    // Neither is the right key under another name.
    let renamed = Ca::with(&Ca::shared().key, 30, &["-subj", "/CN=SonarCA"]);
    assert_eq!(app_refuses(&chain(&[&renamed.server(key)]), key, &now), unknown);
    let self_signed = openssl::run(
        &["req", "-x509", "-new", "-key", "k", "-subj", "/CN=localhost", "-days", "30"],
        &[("k", key.as_bytes())],
    );
    assert_eq!(app_refuses(&chain(&[&openssl::text(self_signed)]), key, &now), unknown);
}

#[test]
fn an_app_refuses_a_chain_with_anything_else_in_it() {
    let ca = Ca::shared();
    let key = openssl::other_rsa_key();
    let (leaf, now) = (ca.server(key), Clock::now());
    let refused = |shown: &[&str]| refusal(&app_refuses(&chain(shown), key, &now));
    assert_eq!(refused(&[&leaf, &Ca::other().certificate]), Some(PeerRefusal::Chain));
    assert_eq!(refused(&[&leaf, &leaf]), Some(PeerRefusal::Chain));
    assert_eq!(refused(&[&leaf, &ca.certificate, &ca.certificate]), Some(PeerRefusal::Chain));
    let garbage = [openssl::der(&leaf), vec![0x30, 0]];
    assert_eq!(app_refuses(&garbage, key, &now), Error::InvalidCertificate(CertificateError::BadEncoding));
}

#[test]
fn an_app_refuses_what_is_not_valid_now() {
    let ca = Ca::shared();
    let key = openssl::other_rsa_key();
    let leaf = chain(&[&ca.server(key)]);
    let refused = |clock: Clock| flipper_pki::classify(&app_refuses(&leaf, key, &clock));
    assert_eq!(refused(Clock::now_plus(31 * DAY)), TlsFailure::Expired);
    assert_eq!(refused(Clock::now_plus(-DAY)), TlsFailure::NotYetValid);

    let brief = chain(&[&ca.issue(key, "/CN=localhost", "", 1)]);
    let error = app_refuses(&brief, key, &Clock::now_plus(2 * DAY));
    assert_eq!(flipper_pki::classify(&error), TlsFailure::Expired);

    // What a stranger says about time must not count.
    let stranger = chain(&[&Ca::other().server(key)]);
    let error = app_refuses(&stranger, key, &Clock::now_plus(31 * DAY));
    assert_eq!(flipper_pki::classify(&error), TlsFailure::UnknownCa);
}

#[test]
fn an_app_refuses_an_expired_ca_until_it_sees_a_newer_certificate_of_it() {
    let key = openssl::other_rsa_key();
    let old = Ca::new(&Ca::other().key, 1);
    let renewed = Ca::new(&Ca::other().key, 60);
    let leaf = old.server(key);
    let clock = Clock::now_plus(2 * DAY);
    let (_app, credentials) = App::of(&old);
    let attempt = |shown: &[&str]| {
        VERSIONS.map(|version| {
            let app = client_config_at(&credentials, clock.as_provider());
            connect(app, handshake::desktop(version, &chain(shown), key, pinned(&renewed), clock.as_provider()))
        })
    };
    for shown in [&[&*leaf][..], &[&leaf, &old.certificate]] {
        for outcome in attempt(shown) {
            assert_eq!(flipper_pki::classify(&outcome.refused_by_app()), TlsFailure::Expired);
        }
    }
    for outcome in attempt(&[&leaf, &renewed.certificate]) {
        outcome.assert_connected();
    }
    // The same key under another name, the same name with another key, and the old certificate with
    // another date in it.
    let renamed = Ca::with(&Ca::other().key, 60, &["-subj", "/CN=SonarCA"]);
    let forged = Ca::new(openssl::rsa_key(), 60);
    let prolonged = asn1::certificate_with_a_later_end(&old.certificate);
    for shown in [openssl::der(&renamed.certificate), openssl::der(&forged.certificate), prolonged] {
        for version in VERSIONS {
            let app = client_config_at(&credentials, clock.as_provider());
            let shown = [openssl::der(&leaf), shown.clone()];
            let desktop = handshake::desktop(version, &shown, key, pinned(&renewed), clock.as_provider());
            assert_eq!(refusal(&connect(app, desktop).refused_by_app()), Some(PeerRefusal::Chain));
        }
    }
}

#[test]
fn an_app_refuses_apps_that_pose_as_the_desktop() {
    let ca = Ca::shared();
    let key = openssl::other_rsa_key();
    let now = Clock::now();
    let refused =
        |subject: &str, extensions: &str| app_refuses(&chain(&[&ca.issue(key, subject, extensions, 30)]), key, &now);
    let wrong_name = Error::InvalidCertificate(CertificateError::NotValidForName);
    // Version 1, as the official desktop issues them to apps.
    for subject in
        ["/CN=com.example.other", "/O=localhost", "/CN=localhost/CN=localhost", "/CN=LOCALHOST", "/CN=localhost."]
    {
        assert_eq!(refused(subject, ""), wrong_name, "{subject}");
    }
    // As this project's desktop issues them, and without the purpose.
    let client = "extendedKeyUsage=clientAuth\nsubjectAltName=URI:flipper:client?app=localhost&device=";
    assert!(matches!(
        refused("/CN=localhost", client),
        Error::InvalidCertificate(CertificateError::InvalidPurposeContext { .. })
    ));
    let unlimited = "subjectAltName=URI:flipper:client?app=localhost&device=";
    assert_eq!(refused("/CN=localhost", unlimited), wrong_name);
}

#[test]
fn an_app_refuses_its_own_certificate_and_key() {
    let ca = Ca::shared();
    let app = App::new();
    let key = openssl::rsa_key();
    write_flat(app.path(), ca, key);
    let credentials = app.store.load().credentials.unwrap();
    let now = Clock::now();
    let own = fs::read_to_string(app.path().join("device.crt")).unwrap();
    // The same key, certified once more, under the name of the desktop.
    let disguised = ca.server(key);
    let expected = [
        (own, Error::InvalidCertificate(CertificateError::NotValidForName), None),
        (disguised, Error::General(String::new()), Some(PeerRefusal::OwnKey)),
    ];
    for version in VERSIONS {
        for (shown, error, reason) in &expected {
            let desktop = handshake::desktop(version, &chain(&[shown]), key, pinned(ca), now.as_provider());
            let outcome = connect(client_config_at(&credentials, now.as_provider()), desktop).refused_by_app();
            match reason {
                Some(reason) => assert_eq!(refusal(&outcome), Some(*reason)),
                None => assert_eq!(outcome, *error),
            }
        }
    }
}

#[test]
fn an_app_refuses_a_genuine_certificate_without_its_key() {
    let ca = Ca::shared();
    let key = openssl::other_rsa_key();
    let bad_signature = Error::InvalidCertificate(CertificateError::BadSignature);
    let shown = chain(&[&ca.server(key)]);
    for thief in [openssl::rsa_key().to_owned(), openssl::key(P256), openssl::key(Kind::Ed25519)] {
        for outcome in meet(&shown, &thief, &Clock::now()) {
            let error = outcome.refused_by_app();
            assert!(
                error == bad_signature || matches!(&error, Error::InvalidCertificate(_)),
                "refused for another reason: {error:?}"
            );
            // It must not look like a reason to throw away good credentials.
            assert!(matches!(flipper_pki::classify(&error), TlsFailure::BadCertificate(_)), "{error:?}");
        }
    }
}

#[test]
fn an_app_refuses_weak_keys_and_cas() {
    let ca = Ca::shared();
    let now = Clock::now();
    let weak = openssl::key(Kind::Rsa(1024));
    let leaf = chain(&[&ca.server(&weak)]);
    // A key so weak cannot even be loaded here, so another one holds its place.
    let error = app_refuses(&leaf, openssl::rsa_key(), &now);
    assert_eq!(refusal(&error), Some(PeerRefusal::RsaTooSmall { bits: 1024 }));

    let p521 = chain(&[&ca.server(&openssl::key(openssl::P521))]);
    assert_eq!(refusal(&app_refuses(&p521, openssl::rsa_key(), &now)), Some(PeerRefusal::UnsupportedKey));

    let key = openssl::other_rsa_key();
    let error = app_refuses(&chain(&[&ca.issue(key, "/CN=localhost", "basicConstraints=CA:TRUE", 30)]), key, &now);
    assert_eq!(refusal(&error), Some(PeerRefusal::IsCa));
    let error = app_refuses(&chain(&[&ca.certificate]), &ca.key, &now);
    assert_eq!(refusal(&error), Some(PeerRefusal::IsCa));
}

#[test]
fn an_app_refuses_certificates_that_are_not_what_they_should_be() {
    let ca = Ca::shared();
    let key = openssl::other_rsa_key();
    let now = Clock::now();
    let refused = |extensions: &str| app_refuses(&chain(&[&ca.issue(key, "/CN=localhost", extensions, 30)]), key, &now);
    let is_wrong_purpose =
        |error: Error| matches!(error, Error::InvalidCertificate(CertificateError::InvalidPurposeContext { .. }));
    assert!(is_wrong_purpose(refused("extendedKeyUsage=clientAuth")));
    assert!(is_wrong_purpose(refused("extendedKeyUsage=codeSigning,anyExtendedKeyUsage")));
    assert!(is_wrong_purpose(refused("keyUsage=keyEncipherment")));
    assert_eq!(
        refused("1.2.3.4=critical,ASN1:NULL"),
        Error::InvalidCertificate(CertificateError::UnhandledCriticalExtension)
    );

    let bad = Error::InvalidCertificate(CertificateError::BadEncoding);
    let v3 = ca.issue(key, "/CN=localhost", SERVER_V3, 30);
    let v1_with_extensions = asn1::certificate_without_version(&v3, &ca.key);
    assert_eq!(app_refuses(&[v1_with_extensions], key, &now), bad);
    assert_eq!(app_refuses(&[asn1::certificate_of_two_minds(&v3, &ca.key)], key, &now), bad);
    let trailing = [openssl::der(&ca.server(key)), vec![0]].concat();
    assert_eq!(app_refuses(&[trailing], key, &now), bad);
    assert_eq!(app_refuses(&[b"no certificate".to_vec()], key, &now), bad);
    let twice = asn1::certificate_with_an_extension_twice(&v3, &ca.key);
    assert_eq!(app_refuses(&[twice], key, &now), bad);
}

/// An app that shows `shown` meets a desktop of the shared CA, once per TLS version.
fn visit(shown: &[Vec<u8>], key: &str, trust: &PinnedCa, clock: &Clock) -> Vec<Outcome> {
    let ca = Ca::shared();
    let server_key = openssl::other_rsa_key();
    let server = chain(&[&ca.server(server_key)]);
    let connect = |version| {
        let app = handshake::app(version, shown, key, pinned(ca), Clock::now().as_provider());
        connect(app, handshake::desktop(version, &server, server_key, trust.clone(), clock.as_provider()))
    };
    VERSIONS.into_iter().map(connect).collect()
}

#[test]
fn a_desktop_accepts_apps_of_either_version() {
    let ca = Ca::shared();
    let trust = pinned(ca);
    for key in [openssl::rsa_key().to_owned(), openssl::key(P256), openssl::key(P384), openssl::key(Kind::Ed25519)] {
        let v1 = ca.issue(&key, "/CN=com.example.bench", "", 30);
        let v3 = ca.issue(&key, "/CN=com.example.bench", "extendedKeyUsage=clientAuth", 30);
        for shown in [chain(&[&v1]), chain(&[&v3]), chain(&[&v1, &ca.certificate])] {
            for outcome in visit(&shown, &key, &trust, &Clock::now()) {
                outcome.assert_connected();
                assert_eq!(outcome.app_certificate.as_deref(), Some(&*shown[0]));
            }
        }
    }
}

#[test]
fn a_desktop_refuses_apps_that_are_not_its_own() {
    let ca = Ca::shared();
    let key = openssl::rsa_key();
    let trust = pinned(ca).refusing_key(&openssl::public_key(key).into());
    let now = Clock::now();
    let other_key = openssl::other_rsa_key();
    #[track_caller]
    fn refused(shown: &[Vec<u8>], key: &str, trust: &PinnedCa, clock: &Clock) -> Error {
        let mut last = None;
        for outcome in visit(shown, key, trust, clock) {
            // The app is told by an alert, about its own certificate.
            assert!(matches!(outcome.app, Err(Error::AlertReceived(_))), "{:?}", outcome.app);
            last = Some(outcome.refused_by_desktop());
        }
        last.unwrap()
    }
    let issue = |subject, extensions| chain(&[&ca.issue(other_key, subject, extensions, 30)]);
    let invalid = Error::InvalidCertificate;

    let stranger = chain(&[&Ca::other().issue(other_key, "/CN=a", "", 30)]);
    assert_eq!(refused(&stranger, other_key, &trust, &now), invalid(CertificateError::UnknownIssuer));
    let error = refused(&issue("/CN=a", "extendedKeyUsage=serverAuth"), other_key, &trust, &now);
    assert!(matches!(error, Error::InvalidCertificate(CertificateError::InvalidPurposeContext { .. })));
    // The desktop's own certificate, shown by somebody who has its key or has not.
    assert_eq!(
        refused(&issue("/CN=localhost", ""), other_key, &trust, &now),
        invalid(CertificateError::NotValidForName)
    );
    let own = chain(&[&ca.issue(key, "/CN=a", "", 30)]);
    assert_eq!(refusal(&refused(&own, key, &trust, &now)), Some(PeerRefusal::OwnKey));
    let stolen = issue("/CN=a", "");
    assert_eq!(refused(&stolen, &openssl::key(Kind::Rsa(2048)), &trust, &now), invalid(CertificateError::BadSignature));
    assert_eq!(
        refusal(&refused(&issue("/CN=a", "basicConstraints=CA:TRUE"), other_key, &trust, &now)),
        Some(PeerRefusal::IsCa)
    );
    let late = refused(&issue("/CN=a", ""), other_key, &trust, &Clock::now_plus(31 * DAY));
    assert_eq!(flipper_pki::classify(&late), TlsFailure::Expired);
}

#[test]
fn a_desktop_demands_a_certificate() {
    let ca = Ca::shared();
    let server_key = openssl::other_rsa_key();
    let server = chain(&[&ca.server(server_key)]);
    let clock = Clock::now().as_provider();
    for version in VERSIONS {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let app = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(pinned(ca)))
            .with_no_client_auth();
        let desktop = handshake::desktop(version, &server, server_key, pinned(ca), Arc::clone(&clock));
        let outcome = connect(Arc::new(app), desktop);
        assert_eq!(outcome.desktop, Err(Error::NoCertificatesPresented));
        let Err(Error::AlertReceived(alert)) = outcome.app else { panic!("{:?}", outcome.app) };
        assert!([AlertDescription::CertificateRequired, AlertDescription::HandshakeFailure].contains(&alert));
    }
}

#[test]
fn a_desktop_names_its_ca_as_the_official_one_does() {
    let trust = pinned(Ca::shared());
    let [hint] = trust.root_hint_subjects() else { panic!("not one hint") };
    let der = openssl::der(&Ca::shared().certificate);
    assert!(der.windows(hint.as_ref().len()).any(|window| window == hint.as_ref()));
    assert_eq!(hint.as_ref()[0], asn1::SEQUENCE);
}

#[test]
fn only_a_ca_is_pinned() {
    let ca = Ca::shared();
    let pin = |pem: &str| PinnedCa::from_pem(pem.as_bytes()).map(drop);
    assert_eq!(pin(&ca.certificate), Ok(()));
    assert_eq!(pin(&ca.certificate.replace('\n', "\r\n")), Ok(()));
    assert_eq!(pin(""), Err(PinError::Unreadable));
    assert_eq!(pin(&ca.key), Err(PinError::Unreadable));
    assert_eq!(pin(&ca.server(openssl::other_rsa_key())), Err(PinError::NotACa));
    let with = |more: &[&str]| Ca::with(openssl::rsa_key(), 30, more).certificate;
    assert_eq!(pin(&with(&["-addext", "1.2.3.4=critical,ASN1:NULL"])), Err(PinError::NotACa));
    assert_eq!(pin(&with(&["-sha1"])), Err(PinError::UnsupportedSignature));
    let weak = Ca::new(&openssl::key(Kind::Rsa(1024)), 30);
    assert_eq!(pin(&weak.certificate), Err(PinError::RsaTooSmall { bits: 1024 }));
    assert_eq!(pin(&Ca::new(&openssl::key(openssl::P521), 30).certificate), Err(PinError::UnsupportedKey));
    let mut der = openssl::der(&ca.certificate);
    *der.last_mut().unwrap() ^= 1;
    assert_eq!(PinnedCa::new(der.into()).map(drop), Err(PinError::BadSignature));
}
