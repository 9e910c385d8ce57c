//! Which requests a desktop signs, and what it makes of them.

use flipper_pki::{Authority, AuthorityConfig, CertificateRequest, CsrError, KeyAlgorithm, PrivateKey, SignedClient};

use crate::support::asn1;
use crate::support::clock::{Clock, NoClock};
use crate::support::openssl::{self, Kind, P256, P384, P521, SUBJECT};

fn authority() -> Authority {
    Authority::in_memory(AuthorityConfig::default()).unwrap()
}

/// Signs, and lets OpenSSL judge the result.
#[track_caller]
fn sign_and_verify(request: &str, key: &str) -> (SignedClient, String) {
    let signed = authority().sign(request, "device-1").unwrap();
    let files: [(&str, &[u8]); 2] = [("ca", signed.ca_pem.as_bytes()), ("c", signed.certificate_pem.as_bytes())];
    openssl::run(&["verify", "-x509_strict", "-CAfile", "ca", "-purpose", "sslclient", "c"], &files);
    openssl::try_run(&["verify", "-CAfile", "ca", "-purpose", "sslserver", "c"], &files)
        .expect_err("an app's certificate is good for a server");
    let description = openssl::describe(&signed.certificate_pem);
    assert!(description.contains("Version: 3 (0x2)"), "{description}");
    assert!(description.contains("CA:FALSE"), "{description}");
    let arguments = ["x509", "-in", "c", "-noout", "-pubkey"];
    let public = openssl::text(openssl::run(&arguments, &files));
    assert_eq!(openssl::der(&public), openssl::public_key(key), "the key was changed");
    (signed, description)
}

#[test]
fn signs_every_kind_of_key() {
    let ec = openssl::key(P384);
    let cases = [
        (openssl::rsa_key().to_owned(), vec![], KeyAlgorithm::Rsa { bits: 2048 }),
        (openssl::rsa_key().to_owned(), vec!["-sha512"], KeyAlgorithm::Rsa { bits: 2048 }),
        (openssl::key(Kind::Rsa(4096)), vec!["-sha384"], KeyAlgorithm::Rsa { bits: 4096 }),
        (openssl::key(P256), vec![], KeyAlgorithm::EcdsaP256),
        (openssl::key(P256), vec!["-sha384"], KeyAlgorithm::EcdsaP256),
        (ec.clone(), vec!["-sha384"], KeyAlgorithm::EcdsaP384),
        // rcgen alone would take this for a P-256 key, by the signature.
        (ec, vec!["-sha256"], KeyAlgorithm::EcdsaP384),
        (openssl::key(Kind::Ed25519), vec![], KeyAlgorithm::Ed25519),
    ];
    for (key, digest, algorithm) in cases {
        let request = openssl::request(&key, SUBJECT, &digest);
        assert_eq!(CertificateRequest::from_pem(&request).unwrap().algorithm(), algorithm);
        let (signed, _) = sign_and_verify(&request, &key);
        assert_eq!(signed.common_name, "com.example.bench");
    }
}

#[test]
fn signs_version_1_as_the_official_client_writes_it() {
    for key in [openssl::rsa_key().to_owned(), openssl::key(P256)] {
        let request = openssl::request(&key, SUBJECT, &[]);
        sign_and_verify(&asn1::request_of_version(&request, 1, &key), &key);
        let other = asn1::request_of_version(&request, 2, &key);
        assert_eq!(CertificateRequest::from_pem(&other), Err(CsrError::Malformed));
    }
}

#[test]
fn signs_whatever_the_line_ends_and_the_text_around() {
    let key = openssl::rsa_key();
    let request = openssl::request(key, SUBJECT, &[]);
    let crlf = request.replace('\n', "\r\n");
    sign_and_verify(&crlf, key);
    sign_and_verify(request.trim_end(), key);
    sign_and_verify(&format!("Certificate Request:\n    Data:\n{request}\n\n"), key);
    // Two texts of one request are one request.
    assert_eq!(CertificateRequest::from_pem(&crlf), CertificateRequest::from_pem(&request));
    let other = openssl::request(openssl::other_rsa_key(), SUBJECT, &[]);
    assert_ne!(CertificateRequest::from_pem(&other), CertificateRequest::from_pem(&request));
}

#[test]
fn takes_nothing_but_the_key_and_the_name() {
    let key = openssl::rsa_key();
    let greedy = [
        "-addext",
        "basicConstraints=critical,CA:TRUE",
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
        "-addext",
        "extendedKeyUsage=serverAuth,codeSigning",
        "-addext",
        "subjectAltName=DNS:localhost,IP:127.0.0.1,URI:flipper:client?app=other&device=other",
        "-addext",
        "subjectKeyIdentifier=hash",
        "-addext",
        "1.2.3.4.5=critical,ASN1:UTF8String:what nobody knows",
    ];
    let request = openssl::request(key, "/CN=com.example.bench/O=Evil/OU=Evil/emailAddress=a@b", &greedy);
    let (_, description) = sign_and_verify(&request, key);
    assert!(
        description.contains("Subject: CN=com.example.bench, O=Flipper, L=Menlo Park, ST=CA, C=US"),
        "{description}"
    );
    for evil in ["Evil", "CA:TRUE", "Certificate Sign", "Server Authentication", "localhost", "other", "nobody"] {
        assert!(!description.contains(evil), "{evil} got into\n{description}");
    }
    assert!(description.contains("TLS Web Client Authentication"), "{description}");
    assert!(description.contains("URI:flipper:client?app=com.example.bench&device=device-1"), "{description}");
}

#[test]
fn finds_the_name_wherever_it_stands() {
    let key = openssl::rsa_key();
    for subject in ["/CN=com.example.bench", "/CN=com.example.bench/O=x", "/C=US/O=x+CN=com.example.bench+OU=y"] {
        let request = openssl::request(key, subject, &["-multivalue-rdn"]);
        assert_eq!(CertificateRequest::from_pem(&request).unwrap().common_name(), "com.example.bench", "{subject}");
    }
}

#[test]
fn refuses_names_that_are_not_an_apps() {
    let key = openssl::rsa_key();
    let refusal = |subject: &str| CertificateRequest::from_pem(&openssl::request(key, subject, &[])).unwrap_err();
    assert_eq!(refusal("/O=Flipper"), CsrError::NoCommonName);
    assert_eq!(refusal("/CN=a/CN=b"), CsrError::SeveralCommonNames);
    assert_eq!(refusal("/CN=a/CN=a"), CsrError::SeveralCommonNames);
    for name in ["localhost", "LOCALHOST", "LocalHost"] {
        assert_eq!(refusal(&format!("/CN={name}")), CsrError::CommonNameReserved(name.into()));
    }
    for name in ["a b", "a+b", "a@b", "größe", "a'b", "a$(id)"] {
        assert_eq!(refusal(&format!("/CN={}", name.replace('+', "\\+"))), CsrError::CommonNameNotAllowed(name.into()));
    }
    assert_eq!(refusal(r"/CN=..\/..\/etc\/passwd"), CsrError::CommonNameNotAllowed("../../etc/passwd".into()));
    let in_words = refusal("/CN=a b").to_string();
    assert!(in_words.contains("\"a b\"") && in_words.contains("com.flipper"), "{in_words}");
}

#[test]
fn refuses_keys_and_signatures_that_prove_nothing() {
    let rsa = openssl::rsa_key();
    let request = openssl::request(rsa, SUBJECT, &[]);
    let refusal = |pem: &str| CertificateRequest::from_pem(pem).unwrap_err();

    let small = openssl::request(&openssl::key(Kind::Rsa(1024)), SUBJECT, &[]);
    assert_eq!(refusal(&small), CsrError::RsaTooSmall { bits: 1024 });
    let p521 = openssl::request(&openssl::key(P521), SUBJECT, &[]);
    assert_eq!(refusal(&p521), CsrError::UnsupportedKey);
    assert_eq!(refusal(&openssl::request(rsa, SUBJECT, &["-sha1"])), CsrError::UnsupportedSignature);

    // Signed by somebody else, and signed before it was changed.
    let stolen = asn1::request_of_version(&request, 0, openssl::other_rsa_key());
    assert_eq!(refusal(&stolen), CsrError::BadSignature);
    let mut der = openssl::der(&request);
    let at = der.windows(5).position(|window| window == b"bench").unwrap();
    der[at] ^= 1;
    assert_eq!(refusal(&openssl::pem("CERTIFICATE REQUEST", &der)), CsrError::BadSignature);
}

#[test]
fn refuses_what_is_no_request() {
    let refusal = |pem: &str| CertificateRequest::from_pem(pem).unwrap_err();
    let key = openssl::rsa_key();
    let request = openssl::request(key, SUBJECT, &[]);
    for text in ["", "garbage", key, &request[..request.len() / 2], &request.replace("MII", "M!I")] {
        assert_eq!(refusal(text), CsrError::NotPem);
    }
    let der = openssl::der(&request);
    let trailing = [&*der, &[0]].concat();
    for der in [&trailing[..], &der[..der.len() - 1], &[], &[0x30, 0], &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]] {
        assert_eq!(refusal(&openssl::pem("CERTIFICATE REQUEST", der)), CsrError::Malformed);
    }
    let padded = format!("{request}{}", "\n".repeat(CertificateRequest::MAX_SIZE));
    assert_eq!(refusal(&padded), CsrError::TooLarge { size: padded.len(), max: CertificateRequest::MAX_SIZE });
}

#[test]
fn refuses_when_it_cannot_sign() {
    let request = PrivateKey::generate().unwrap().certificate_request("a").unwrap();
    let long = "d".repeat(257);
    let expected = CsrError::DeviceIdTooLong { size: 257, max: 256 };
    assert_eq!(authority().sign(&request, &long).unwrap_err(), expected);
    assert!(authority().sign(&request, &long[1..]).is_ok());

    // A clock that breaks after the start.
    let mut config = AuthorityConfig::default();
    config.clock = Clock::at(u64::MAX / 2).as_provider();
    assert!(Authority::in_memory(config).is_err());
    let mut config = AuthorityConfig::default();
    config.clock = std::sync::Arc::new(NoClock);
    assert!(Authority::in_memory(config).is_err());
}

#[test]
fn certificates_are_backdated_limited_and_never_numbered_alike() {
    let clock = Clock::now();
    let mut config = AuthorityConfig::default();
    config.clock = clock.as_provider();
    config.client_validity = std::time::Duration::from_secs(100 * 365 * 24 * 60 * 60);
    let authority = Authority::in_memory(config).unwrap();
    let request = PrivateKey::generate().unwrap().certificate_request("com.example.bench").unwrap();
    let mut serials = Vec::new();
    for _ in 0..50 {
        let signed = authority.sign(&request, "").unwrap();
        assert_eq!(signed.not_before.as_unix_millis() / 1000, clock.seconds() - 24 * 60 * 60);
        assert_eq!(signed.not_after.as_unix_millis() / 1000, clock.seconds() + 365 * 24 * 60 * 60);
        let der = openssl::der(&signed.certificate_pem);
        let fields = crate::support::asn1::elements(asn1::content(asn1::elements(asn1::content(&der))[0]));
        let serial = asn1::content(fields[1]).to_vec();
        assert!(serial[0] < 0x80, "a negative serial number");
        assert!((12..=17).contains(&serial.len()), "{} bytes", serial.len());
        serials.push(serial);
    }
    serials.sort();
    serials.dedup();
    assert_eq!(serials.len(), 50);
}
